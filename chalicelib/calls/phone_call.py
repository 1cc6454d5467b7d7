"""A call on the branch's telephone, as the carrier has it: who rang, who answered, what was left on the mailbox.

It is no `Call`: that one is a conversation with the voice agent, told by Retell. A call that the agent takes has both.
"""

from datetime import datetime
from typing import Literal

import msgspec

Stage = Literal["staff", "agent", "voicemail", "over"]
"""Where an incoming call is; it only ever goes on, so that nothing rings for ever."""
STAGES: tuple[Stage, ...] = ("staff", "agent", "voicemail", "over")
Outcome = Literal["open", "answered", "missed"]
RANK = {
    "held": 0,
    "lost": 1,
    "queued": 2,
    "initiated": 2,
    "ringing": 3,
    "in-progress": 4,
    "completed": 5,
    "busy": 5,
    "failed": 5,
    "no-answer": 5,
    "canceled": 5,
}
"""`held`: recorded, the vendor is being asked. `lost`: the vendor does not know of it. The rest is Twilio's."""
FINAL = 5


class Voicemail(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller left on the mailbox."""

    recording_sid: str | None = None
    url: str
    seconds: int | None = None


class PhoneCall(msgspec.Struct, frozen=True, kw_only=True):
    """`caller`: E.164, None when withheld. `other`: whom an outgoing call is for. Instants in UTC.

    `vendor_id`: Twilio's CallSid, or Retell's call id where the agent calls. `text_back`: what became of the text to a
    missed caller: `queued`, or why there is none. `staff_number`: whom a staff call rings first.
    """

    id: str
    company_id: str
    branch_id: str
    direction: Literal["inbound", "outbound"]
    through: Literal["twilio", "retell"] = "twilio"
    our_number: str
    caller: str | None = None
    other: str | None = None
    staff_number: str | None = None
    customer_id: str | None = None
    vendor_id: str | None = None
    status: str = "ringing"
    sequence: int = -1
    stage: Stage = "over"
    outcome: Outcome = "open"
    answered_by: Literal["staff", "agent"] | None = None
    voicemail: Voicemail | None = None
    text_back: str | None = None
    text_id: str | None = None
    failure: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
    seconds: int | None = None
    version: int = 1

    @property
    def reference(self) -> str:
        """What our own webhook URLs carry: company, branch and id, in letters that need no escaping."""
        return f"{self.company_id}.{self.branch_id}.{self.id}"

    def with_status(self, status: str, sequence: int | None, seconds: int | None, at: datetime) -> "PhoneCall":
        """Later news of it; what comes late or out of order moves nothing back."""
        rank, known = RANK.get(status, 0), RANK.get(self.status, 0)
        if rank < known or known == FINAL or (sequence is not None and sequence < self.sequence):
            return self
        ended = (self.ended_at or at) if rank == FINAL else None
        return self.changed(
            status=status,
            sequence=self.sequence if sequence is None else sequence,
            seconds=seconds if seconds is not None else self.seconds,
            ended_at=ended,
        )

    def moved_to(self, stage: Stage) -> "PhoneCall":
        """On to a later stage."""
        return self.changed(stage=stage) if STAGES.index(stage) > STAGES.index(self.stage) else self

    def answered(self, by: Literal["staff", "agent"]) -> "PhoneCall":
        """Somebody spoke with the caller; whoever did first stays."""
        if self.outcome != "open":
            return self
        return self.changed(outcome="answered", answered_by=by, stage="over")

    def missed(self) -> "PhoneCall":
        """Nobody did."""
        return self.changed(outcome="missed", stage="over")

    def with_voicemail(self, voicemail: Voicemail) -> "PhoneCall":
        """With what the caller left; the recording's own callback knows more than the verb's."""
        known = self.voicemail
        if known and (known == voicemail or (known.recording_sid and not voicemail.recording_sid)):
            return self
        return self.changed(voicemail=voicemail)

    def texted(self, what: str, text_id: str | None = None) -> "PhoneCall":
        """What became of the text to the caller."""
        return self.changed(text_back=what, text_id=text_id)

    def started(self, vendor_id: str, status: str) -> "PhoneCall":
        """The vendor has it."""
        further = status if RANK.get(status, 0) > RANK.get(self.status, 0) else self.status
        return self.changed(vendor_id=vendor_id, status=further, failure=None)

    def given_up(self, status: str, failure: str) -> "PhoneCall":
        """The vendor does not have it, and will not."""
        return self.changed(status=status, failure=failure)

    def changed(self, **fields: object) -> "PhoneCall":
        """The next version; the same when nothing differs."""
        found = msgspec.structs.replace(self, **fields)
        return self if found == self else msgspec.structs.replace(found, version=self.version + 1)
