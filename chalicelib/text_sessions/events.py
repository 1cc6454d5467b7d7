"""What happens to text sessions and subscriptions; ids only."""

from datetime import datetime

from chalicelib.core.events import Event


class SessionStarted(Event):
    """A text session runs; its first interval is reserved."""

    session_id: str
    appointment_id: str
    patient_id: str
    doctor_id: str | None


class SessionCharged(Event):
    """A session has been paid for up to and with this interval."""

    session_id: str
    appointment_id: str
    interval: int
    sessions_remaining: int


class SessionEndingSoon(Event):
    """No further interval is left: unless sessions are granted, this one ends at `ends_at`. Both sides are told."""

    session_id: str
    appointment_id: str
    patient_id: str
    doctor_id: str | None
    ends_at: datetime


class SessionEnded(Event):
    """It is over; `reason` is a code."""

    session_id: str
    appointment_id: str
    patient_id: str
    doctor_id: str | None
    reason: str
    sessions_used: int


class SubscriptionStarted(Event):
    """A patient has a subscription."""

    subscription_id: str
    patient_id: str
    plan_id: str


class SubscriptionRenewed(Event):
    """Another period has begun."""

    subscription_id: str
    patient_id: str


class SubscriptionExpired(Event):
    """Its last period is over; what was left has lapsed."""

    subscription_id: str
    patient_id: str


class BalanceCorrected(Event):
    """Somebody granted sessions or adjusted the balance by hand; `reason` is `grant` or `adjustment`."""

    subscription_id: str
    patient_id: str
    amount: int
    reason: str
