"""The clock: a tick for each interval of a running session, and a sweep for ticks that were lost."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from chalicelib.core.clock import Clock
from chalicelib.core.errors import NotFound
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.logging import log
from chalicelib.core.unit import Unit
from chalicelib.text_sessions import store, update_meter
from chalicelib.text_sessions.jobs import Tick
from chalicelib.text_sessions.meter import Meter
from chalicelib.text_sessions.session import NOTICE
from chalicelib.text_sessions.update_meter import seconds_until

LATE = timedelta(seconds=20)
"""A tick may be this late before the sweep does its work; were both to do it, one would only find it done."""
MOST_PER_SHARD = 500
MOST_LISTED = 10_000
FAR = datetime(9999, 1, 1, tzinfo=UTC)


def tick(job: Tick, context: JobContext) -> None:
    """Give notice when it is time, then charge or end when the interval is over; each tick sees to one interval.

    Whoever charges the next interval, be it this tick, the sweep or a browser, sets its tick in the same transaction.
    So a tick whose interval is over has nothing to do, and there is one chain of ticks however many arrive.
    """
    found = _found(job)
    if found is None:
        return
    at = context.clock()
    if found.session.due(at) or found.notice_due(at):
        found = update_meter.settle(context.unit, found.session, context.clock, known=found).after
    session = found.session
    if session.is_active and session.interval == job.interval:
        notice_at = session.next_charge_at - NOTICE
        wakes_at = notice_at if context.clock() < notice_at else session.next_charge_at
        raise Postpone(max(1, seconds_until(wakes_at, context.clock())), f"interval {job.interval} runs")


def sweep(at: datetime, clock: Clock) -> int:
    """Do what ticks should have done 20 seconds ago; returns for how many sessions. A failing one is passed over."""
    done = 0
    for shard in range(store.SHARDS):
        sessions = store.running(shard, at + NOTICE - LATE, MOST_PER_SHARD)
        for meter in store.get_meters(sessions):
            if meter.session.due(at - LATE) or meter.notice_due(at):
                done += _settle(meter, clock)
    if done:
        log.warning("ticks were late", extra={"sessions": done})
    return done


def running() -> Iterator[Meter]:
    """Every session that runs, of all companies, as it is stored; for operators."""
    for shard in range(store.SHARDS):
        yield from store.get_meters(store.running(shard, FAR, MOST_LISTED))


def _found(job: Tick) -> Meter | None:
    try:
        found = store.get_meter(job.company_id, job.appointment_id, job.subscription_id)
    except NotFound:
        return None
    session = found.session
    mine = session.id == job.session_id and session.is_active and session.interval == job.interval
    return found if mine else None


def _settle(meter: Meter, clock: Clock) -> int:
    company_id = meter.session.company_id
    try:
        update_meter.settle(lambda: Unit(company_id, clock=clock), meter.session, clock, known=meter)
    except Exception:  # noqa: BLE001 - one session's fault does not stop the others' clock
        log.exception("session not settled", extra={"session_id": meter.session.id})
        return 0
    return 1
