"""An endpoint: where a company's own systems want to be told of bookings, and a delivery: one telling of it."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

TEST = "webhook.test"
TYPES = (
    "appointment.booked",
    "appointment.moved",
    "appointment.cancelled",
    "appointment.changed",
    "participant.joined",
    "participant.left",
    "participant.moved",
    "waiting.added",
    "waiting.offered",
    "waiting.offer_ended",
    "waiting.booked",
    "waiting.withdrawn",
    "waiting.expired",
    TEST,
)
"""What an endpoint may ask for; `appointment.changed` is every other change of its status."""
OVERLAP = timedelta(hours=24)
"""How long a replaced secret still signs, beside the new one."""
MOST_ENDPOINTS = 20
KEPT = timedelta(days=30)
"""How long a delivery can be looked up and sent again."""
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""Between one attempt and the next, as Standard Webhooks suggests; together three days."""
MOST_ATTEMPTS = len(WAITS) + 1


class SealedSecret(msgspec.Struct, frozen=True):
    """A signing secret, sealed by the vault; `until`: signs until then (UTC), None: until it is replaced."""

    sealed: str
    until: datetime | None = None


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """`types` empty: everything. `off_because`: why it was switched off (`gone`, `failing`, `by_hand`), if it was."""

    id: str
    company_id: str
    url: str
    types: tuple[str, ...] = ()
    description: str = ""
    secrets: tuple[SealedSecret, ...] = ()
    off_because: Literal["gone", "failing", "by_hand"] | None = None
    created_at: datetime
    version: int = 1

    def wants(self, kind: str) -> bool:
        """Whether it is to be told of this."""
        return self.off_because is None and (not self.types or kind in self.types or kind == TEST)

    def rotated(self, sealed: str, at: datetime) -> "Endpoint":
        """With a new secret; the newest one before signs on for a day, older ones no longer."""
        old = [msgspec.structs.replace(secret, until=at + OVERLAP) for secret in self.secrets if secret.until is None]
        return msgspec.structs.replace(self, secrets=(SealedSecret(sealed), *old), version=self.version + 1)

    def signing(self, at: datetime) -> list[str]:
        """The sealed secrets that sign now, the newest first."""
        return [secret.sealed for secret in self.secrets if secret.until is None or secret.until > at]


class DeliveryAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """`status` None: no answer; `error` says which failure it was. `took_ms` in milliseconds."""

    at: datetime
    status: int | None
    took_ms: int
    error: str = ""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one endpoint. Its id is the same at every attempt, so that the receiver knows it again.

    `round` counts the attempts since it was sent or sent anew.
    """

    id: str
    endpoint_id: str
    type: str
    body: str
    created_at: datetime
    state: Literal["pending", "delivered", "failed"] = "pending"
    next_at: datetime | None = None
    attempts: tuple[DeliveryAttempt, ...] = ()
    round: int = 0
    version: int = 1

    def after(self, attempt: DeliveryAttempt) -> "Delivery":
        """With what came of an attempt: delivered, due again, or given up."""
        state: Literal["pending", "delivered", "failed"] = "pending"
        next_at = None
        tried = self.round + 1
        if attempt.status is not None and 200 <= attempt.status < 300:
            state = "delivered"
        elif tried >= MOST_ATTEMPTS:
            state = "failed"
        else:
            next_at = attempt.at + WAITS[tried - 1]
        return msgspec.structs.replace(
            self,
            state=state,
            next_at=next_at,
            round=tried,
            attempts=(*self.attempts, attempt),
            version=self.version + 1,
        )

    def again(self, at: datetime) -> "Delivery":
        """To be sent anew, from the first attempt."""
        return msgspec.structs.replace(self, state="pending", next_at=at, round=0, version=self.version + 1)
