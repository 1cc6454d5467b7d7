"""Starting a text session: its time has come, an interval is reserved, and the clock runs."""

from datetime import datetime

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.core import metrics
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, PaymentRequired
from chalicelib.core.ids import new_id
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.text_sessions import accounts, participants, store, update_meter
from chalicelib.text_sessions.events import SessionStarted
from chalicelib.text_sessions.meter import Meter
from chalicelib.text_sessions.participants import Present
from chalicelib.text_sessions.refusals import counted
from chalicelib.text_sessions.session import RESUMABLE, ChatUser, Session
from chalicelib.text_sessions.subscription import Account


@counted
def start(new_unit: UnitFactory, who: ChatUser, clock: Clock) -> Meter:
    """The running session of the appointment, started now if none runs, with the account that pays.

    Raises NotFound for an appointment unknown or not one's own, Forbidden for an admin, Conflict
    `not_a_text_appointment`, `not_confirmed`, `session_ended`, `too_early`, `too_late`, and PaymentRequired
    `no_subscription`, `no_sessions_left`.
    """

    def attempt() -> Meter:
        present = participants.read(who)
        side = present.side
        running = _running(new_unit, present, clock)
        if running:
            return running
        present = participants.read(who) if present.session else present
        at = clock()
        _check(present.appointment, present.session, at)
        account = _account(present.appointment, at)
        unit = new_unit()
        meter = _stage(unit, present, account, at)
        unit.audit("text_session.started", meter.session.id, by=side, subscription=meter.session.subscription_id)
        unit.commit(meter)
        metrics.count("TextSessionStarted")
        return meter

    return until_committed(attempt, "session_busy", update_meter.BUSY)


def _running(new_unit: UnitFactory, present: Present, clock: Clock) -> Meter | None:
    session = present.session
    if session is None or session.is_ended:
        return None
    found = update_meter.settle(lambda: update_meter.of_the_clock(new_unit()), session, clock).after
    return found if found.session.is_active else None


def _check(appointment: Appointment, former: Session | None, at: datetime) -> None:
    if appointment.channel != "text":
        raise Conflict("not_a_text_appointment", "This appointment is not of type text.")
    if appointment.status != "confirmed":
        raise Conflict("not_confirmed", f"This appointment is {appointment.status}, not confirmed.")
    if former is not None and former.end_reason not in RESUMABLE:
        raise update_meter.over(former)
    if at < appointment.starts_at:
        raise Conflict("too_early", "Its time has not come.", starts_at=appointment.starts_at.isoformat())
    if at > appointment.ends_at:
        raise Conflict("too_late", "Its time has passed.", ended_at=appointment.ends_at.isoformat())


def _account(appointment: Appointment, at: datetime) -> tuple[Account, Account]:
    current = store.find_current(appointment.company_id, appointment.customer_id)
    if current is None:
        raise PaymentRequired("no_subscription", "The patient has no subscription.")
    account = Account(current).up_to(at)
    if account.subscription.status == "expired":
        raise PaymentRequired("no_subscription", "The patient's subscription has expired.")
    if account.left == 0:
        raise PaymentRequired("no_sessions_left", "No session is left on the patient's subscription.")
    return Account(current), account


def _stage(unit: Unit, present: Present, accounts_: tuple[Account, Account], at: datetime) -> Meter:
    appointment, (before, account) = present.appointment, accounts_
    session = Session(
        id=new_id("txs"),
        company_id=appointment.company_id,
        appointment_id=appointment.id,
        patient_id=appointment.customer_id,
        doctor_id=appointment.staff_id,
        subscription_id=account.subscription.id,
        start_time=at,
        planned_until=at + (appointment.ends_at - appointment.starts_at),
        no_show_charged=account.subscription.terms.no_show_charged,
        messages=present.session.messages if present.session else 0,
        created_at=at,
        updated_at=at,
    )
    stored = store.add_session(unit, session, present.session)
    paid = accounts.stage(unit, before, account.charged(session.id, 1, at), at)
    unit.publish(
        SessionStarted(
            session_id=session.id,
            appointment_id=appointment.id,
            patient_id=appointment.customer_id,
            doctor_id=appointment.staff_id,
        )
    )
    update_meter.schedule_tick(unit, stored, at)
    return Meter(stored, paid)
