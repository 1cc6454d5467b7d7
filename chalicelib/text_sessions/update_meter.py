"""Bringing a session up to date with the clock and changing it, in one transaction that others' cannot overlap."""

from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil
from typing import Any

import msgspec

from chalicelib.core import metrics
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict
from chalicelib.core.retry import known_first, until_committed
from chalicelib.core.unit import TransactionHook, Unit, UnitFactory
from chalicelib.text_sessions import accounts, store
from chalicelib.text_sessions.events import SessionCharged, SessionEnded, SessionEndingSoon
from chalicelib.text_sessions.jobs import Tick
from chalicelib.text_sessions.meter import Meter
from chalicelib.text_sessions.session import NOTICE, Session

BUSY = "Too much is happening to this session at once; try again in a moment."


class Settled(msgspec.Struct, frozen=True):
    """A session and its account as they were found and as they are now."""

    before: Meter
    after: Meter
    more: bool = False

    @property
    def charged(self) -> int:
        """How many intervals became used between the two."""
        return self.after.session.sessions_used - self.before.session.sessions_used


def _itself(settled: Settled) -> Settled:
    return settled


class Change(msgspec.Struct, frozen=True):
    """What somebody wants of a session that runs. `clock_may_end`: its end by the clock, just now, will do as well.

    `answer` is what the unit of work commits with.
    """

    how: Callable[[Meter, datetime], Meter]
    hook: TransactionHook[Session] | None = None
    clock_may_end: bool = False
    answer: Callable[[Settled], Any] = _itself


def settle(
    new_unit: UnitFactory,
    session: Session,
    clock: Clock,
    change: Change | None = None,
    known: Meter | None = None,
) -> Settled:
    """Charge, end and notify as the clock says, then `change` the session if it still runs: one read, one transaction.

    Nothing is written when nothing is to be changed. `known` has just been read, and saves the first reading. Raises
    Conflict `session_ended` when there is a change to make and the session is over (what the clock says is kept),
    NotFound when session or subscription are gone, Unavailable when they are fought over for too long.
    """

    def load() -> Meter:
        return store.get_meter(session.company_id, session.appointment_id, session.subscription_id)

    read = known_first(known, load) if known else load

    def attempt() -> Settled:
        found = read()
        if found.session.id == session.id and found.session.is_active:
            return _try(new_unit, found, clock(), change)
        if change:
            raise over(found.session)
        return Settled(found, found)

    first: Meter | None = None
    while True:
        settled = until_committed(attempt, "session_busy", BUSY)
        first = first or settled.before
        if not settled.more:
            return Settled(first, settled.after)


def of_the_clock(unit: Unit) -> Unit:
    """A unit for what the clock does on the way of a request: in its own name, and not under the request's key."""
    return Unit(unit.company_id, correlation_id=unit.correlation_id, clock=unit.clock)


def stage(unit: Unit, before: Meter, after: Meter, at: datetime) -> Meter:
    """Write what has changed, tell what happened and set the next tick; returns it as it will be stored."""
    session, account = after.session, after.account
    if account.subscription != before.account.subscription:
        account = accounts.stage(unit, before.account, account, at)
    if session == before.session:
        return Meter(session, account)
    saved = store.save_session(unit, session, at)
    if session.interval > before.session.interval:
        _charged(unit, before.session, session, account.subscription.sessions_remaining)
    if session.notified_interval > before.session.notified_interval:
        _notified(unit, session)
    if session.is_ended:
        _ended(unit, session)
    elif session.interval > before.session.interval:
        schedule_tick(unit, session, at)
    return Meter(saved, account)


def schedule_tick(unit: Unit, session: Session, at: datetime) -> None:
    """Have the clock look at the interval that has just begun, in time to give notice."""
    job = Tick(
        company_id=session.company_id,
        appointment_id=session.appointment_id,
        session_id=session.id,
        subscription_id=session.subscription_id,
        interval=session.interval,
    )
    unit.enqueue(job, delay_seconds=seconds_until(session.next_charge_at - NOTICE, at))


def seconds_until(instant: datetime, at: datetime) -> int:
    """Whole seconds, not too early; 0 for what has passed."""
    return max(0, ceil((instant - at) / timedelta(seconds=1)))


def count(before: Session, after: Session) -> None:
    """Count what has been committed."""
    for _ in range(after.sessions_used - before.sessions_used):
        metrics.count("TextSessionDeduction")
    if after.is_ended and before.is_active:
        metrics.count("TextSessionEnded", reason=str(after.end_reason))


def _try(new_unit: UnitFactory, found: Meter, at: datetime, change: Change | None) -> Settled:
    meter = found.run_to(at)
    more = meter.session.due(at)  # than fits into one transaction: the rest, and the change, follow in the next round
    applied = change if meter.session.is_active and not more else None
    if applied:
        meter = applied.how(meter, at)
    if meter.notice_due(at):
        meter = Meter(meter.session.notified(), meter.account)
    refused = change is not None and not applied and not more and not change.clock_may_end
    of_itself = more or refused
    unit = of_the_clock(new_unit()) if of_itself else new_unit()
    settled = Settled(found, stage(unit, found, meter, at), more)
    if applied and applied.hook:
        applied.hook(unit, settled.after.session)
    unit.commit(change.answer(settled) if change and not of_itself else settled)
    count(found.session, settled.after.session)
    if refused:
        raise over(settled.after.session)
    return settled


def over(session: Session) -> Conflict:
    """The refusal of what needs a session that runs."""
    ended = session.ended_at.isoformat() if session.ended_at else None
    return Conflict(
        "session_ended", "This session is over.", session_id=session.id, end_reason=session.end_reason, ended_at=ended
    )


def _charged(unit: Unit, before: Session, session: Session, remaining: int) -> None:
    unit.publish(
        SessionCharged(
            session_id=session.id,
            appointment_id=session.appointment_id,
            interval=session.interval,
            sessions_remaining=remaining,
        )
    )
    first, last = before.interval + 1, session.interval
    unit.audit(
        "text_session.charged",
        session.id,
        ("interval", "sessions_used"),
        subscription=session.subscription_id,
        intervals=str(first) if first == last else f"{first}-{last}",
    )


def _notified(unit: Unit, session: Session) -> None:
    unit.publish(
        SessionEndingSoon(
            session_id=session.id,
            appointment_id=session.appointment_id,
            patient_id=session.patient_id,
            doctor_id=session.doctor_id,
            ends_at=session.next_charge_at,
        )
    )
    unit.audit("text_session.ending_soon", session.id)


def _ended(unit: Unit, session: Session) -> None:
    unit.publish(
        SessionEnded(
            session_id=session.id,
            appointment_id=session.appointment_id,
            patient_id=session.patient_id,
            doctor_id=session.doctor_id,
            reason=str(session.end_reason),
            sessions_used=session.sessions_used,
        )
    )
    unit.audit("text_session.ended", session.id, ("ended_at", "end_reason"), reason=str(session.end_reason))
