"""What clients see of text sessions, plans and subscriptions."""

from datetime import datetime

from chalicelib.core.payloads import Answer
from chalicelib.text_sessions.meter import Meter
from chalicelib.text_sessions.plan import Plan, Terms
from chalicelib.text_sessions.session import Session
from chalicelib.text_sessions.subscription import LedgerEntry, Subscription
from chalicelib.text_sessions.update_meter import Settled


class SessionAnswer(Answer):
    """A text session. Instants are RFC 3339 in UTC; `patient_id` is a customer, `doctor_id` a member of staff.

    `end_reason`: manual_end, no_activity, none_left, expired, cancelled. `ending_soon`: this interval is the last.
    """

    id: str
    appointment_id: str
    patient_id: str
    doctor_id: str | None
    is_active: bool
    start_time: datetime
    last_activity_time: datetime | None
    has_patient_activity: bool
    has_doctor_activity: bool
    sessions_used: int
    next_charge_at: datetime | None
    ending_soon: bool
    is_ended: bool
    ended_at: datetime | None
    end_reason: str | None
    created_at: datetime
    updated_at: datetime


class RunningAnswer(Answer):
    """A session, and how many more the patient has."""

    session: SessionAnswer
    sessions_remaining: int


class StatusAnswer(Answer):
    """`status`: active or inactive; no session where none was ever started."""

    status: str
    session: SessionAnswer | None
    sessions_remaining: int | None


class DeductionAnswer(RunningAnswer):
    """`charged` by this request, `declined` of what it asked for. `outcome`: charged, nothing_due, ended.

    What is due is charged once: another request or the clock may have been faster.
    """

    outcome: str
    charged: int
    declined: int


class EndAnswer(RunningAnswer):
    """The session that is over. `ask_for_rating`: show the patient how to rate it."""

    charged: int
    sessions_used: int
    ask_for_rating: bool


class PlanAnswer(Answer):
    """A plan. `price` in minor units of `currency`."""

    id: str
    name: str
    terms: Terms
    price: int | None
    currency: str | None
    created_at: datetime
    updated_at: datetime


class SubscriptionAnswer(Answer):
    """A patient's subscription. `sessions_total` were granted for the period, `period_ends_at` null: it has no end."""

    id: str
    patient_id: str
    plan_id: str
    terms: Terms
    status: str
    renews: bool
    period_starts_at: datetime
    period_ends_at: datetime | None
    sessions_total: int
    sessions_remaining: int
    created_at: datetime
    updated_at: datetime


class EntryAnswer(Answer):
    """A movement of the balance. `reason`: grant, renewal, lapse, reservation, interval, given_back, adjustment."""

    number: int
    amount: int
    reason: str
    balance_after: int
    session_id: str | None
    interval: int | None
    note: str
    at: datetime


def show_session(session: Session) -> SessionAnswer:
    """The session as clients see it."""
    made = {"next_charge_at", "ending_soon"}
    fields = {name: getattr(session, name) for name in SessionAnswer.__struct_fields__ if name not in made}
    active = session.is_active
    return SessionAnswer(
        **fields,
        next_charge_at=session.next_charge_at if active else None,
        ending_soon=active and session.notified_interval == session.interval,
    )


def show_running(meter: Meter) -> RunningAnswer:
    """The session and what is left."""
    return RunningAnswer(session=show_session(meter.session), sessions_remaining=meter.account.left)


def show_status(meter: Meter | None) -> StatusAnswer:
    """The same, or that nothing runs."""
    if meter is None:
        return StatusAnswer(status="inactive", session=None, sessions_remaining=None)
    session = show_session(meter.session)
    status = "active" if session.is_active else "inactive"
    return StatusAnswer(status=status, session=session, sessions_remaining=meter.account.left)


def show_deduction(settled: Settled, requested: int) -> DeductionAnswer:
    """What came of asking for a deduction."""
    session = show_session(settled.after.session)
    outcome = "ended" if session.is_ended else "charged" if settled.charged else "nothing_due"
    return DeductionAnswer(
        session=session,
        sessions_remaining=settled.after.account.left,
        outcome=outcome,
        charged=settled.charged,
        declined=max(0, requested - settled.charged),
    )


def show_end(settled: Settled) -> EndAnswer:
    """What came of ending it."""
    session = show_session(settled.after.session)
    return EndAnswer(
        session=session,
        sessions_remaining=settled.after.account.left,
        charged=settled.charged,
        sessions_used=session.sessions_used,
        ask_for_rating=session.sessions_used > 0,
    )


def show_plan(plan: Plan) -> PlanAnswer:
    """The plan as clients see it."""
    return PlanAnswer(**{name: getattr(plan, name) for name in PlanAnswer.__struct_fields__})


def show_subscription(subscription: Subscription) -> SubscriptionAnswer:
    """The subscription as clients see it."""
    return SubscriptionAnswer(**{name: getattr(subscription, name) for name in SubscriptionAnswer.__struct_fields__})


def show_entry(entry: LedgerEntry) -> EntryAnswer:
    """A ledger entry as clients see it."""
    return EntryAnswer(**{name: getattr(entry, name) for name in EntryAnswer.__struct_fields__})
