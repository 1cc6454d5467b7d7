"""A text message (SMS) to a customer."""

from datetime import datetime
from typing import Literal

import msgspec

Status = Literal["queued", "sending", "unknown", "sent", "failed"]
Purpose = Literal["missed_call", "waiting_offer"]
FINAL = frozenset({"sent", "failed"})


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """`sender`: a number of ours or a messaging service. `not_before`: it waits until then. Instants in UTC.

    `sending`: Twilio is being asked, or was by a process that did not live to see the answer. `unknown`: its answer was
    lost. Both are looked for at Twilio before it is asked again. `failure`: why it failed, such as `twilio_21211`.
    The link in an offer is a secret: its words are forgotten as soon as it needs no further look at Twilio.
    """

    id: str
    company_id: str
    to: str
    sender: str
    body: str
    purpose: Purpose
    status: Status = "queued"
    not_before: datetime | None = None
    sending_since: datetime | None = None
    tries: int = 0
    sid: str | None = None
    failure: str | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @property
    def may_be_out(self) -> bool:
        """Whether Twilio may have it without our knowing."""
        return self.status in ("sending", "unknown")

    def sending(self, at: datetime) -> "Text":
        """Twilio is about to be asked."""
        return self._changed(at, status="sending", sending_since=at, tries=self.tries + 1)

    def lost(self, at: datetime) -> "Text":
        """Twilio's answer did not come."""
        return self._changed(at, status="unknown")

    def put_back(self, at: datetime) -> "Text":
        """Surely not sent: as if never tried."""
        return self._changed(at, status="queued", sending_since=None)

    def sent(self, sid: str, at: datetime) -> "Text":
        """Twilio has it."""
        return self._changed(at, status="sent", sid=sid, body=self._kept())

    def failed(self, why: str, at: datetime) -> "Text":
        """It will never be sent."""
        return self._changed(at, status="failed", failure=why, body=self._kept())

    def _kept(self) -> str:
        return "" if self.purpose == "waiting_offer" else self.body

    def _changed(self, at: datetime, **fields: object) -> "Text":
        return msgspec.structs.replace(self, **fields, updated_at=at, version=self.version + 1)
