"""Booking a series: it is checked as a whole, its times are held, and each hold becomes an appointment.

What can be held is decided on one reading (`plan`). The holds are written with the series in as few transactions as
they fit into, mostly one; the last of them makes the series `booking`, and from then on every hold becomes an
appointment, in this request or by the job that came with the first transaction. Whoever dies before that leaves a
series `holding`, whose holds the job gives up; should the job never run, they lapse by themselves.
"""

from datetime import timedelta
from typing import Any

import msgspec
from msgspec.structs import asdict

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.alternatives.refusal import Refusal
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.external import find_provider
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.creation.decided import Decision
from chalicelib.booking.creation.stage import appointment_for, deposit_fields
from chalicelib.booking.jobs import ResumeSeries
from chalicelib.booking.rules import limit_store
from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.context import SeriesContext, SeriesRequest, read
from chalicelib.booking.series.finish import SeriesProgress, SeriesRun, carry_on, give_up, holds_of, progress_of
from chalicelib.booking.series.plan import Plan, PlannedOccurrence, make_plan
from chalicelib.booking.series.series import Occurrence, Series
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, DomainError, Stale, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit

MOST_HELD_AT_ONCE = 70
"""Calendars' weeks and counters in one transaction; the rest of its ninety is for the series and what goes with it."""
JOB_AFTER_SECONDS = 60
"""The job looks after the series when a request (29 seconds at most) is surely over."""
REQUEST_LASTS = timedelta(seconds=15)
"""For how long a request makes appointments itself; what is left is the job's."""
BUSY = "Many are booking these days at once; try again in a moment."


def check(company_id: str, request: SeriesRequest, clock: Clock) -> Plan:
    """Each occurrence, bookable or not; nothing is written. Raises Invalid and NotFound as `book` does."""
    return make_plan(read(company_id, request, clock(), for_anybody=True))


def book_series(run: SeriesRun, request: SeriesRequest) -> SeriesProgress:
    """The series and its appointments, with what stood in the way of those that are not to be had.

    Raises Conflict `series_conflict` with all `occurrences` when one cannot be had (`on_conflict` none) or none can
    (skip): then nothing stands. Invalid, NotFound and Unavailable as `booking.book`.
    """
    until = run.clock() + REQUEST_LASTS
    try:
        series, plan = until_committed(lambda: _planned_and_held(run, request), "calendar_busy", BUSY)
    except DomainError as error:
        if error.code != "storage_busy":
            # Some of it may have been held, and was given up: the Idempotency-Key may be used again. Not so when it
            # is not known what became of the last transaction.
            unit = run.answering()
            unit.free_key()
            unit.commit()
        raise
    try:
        return carry_on(run, series, until, plan.conflicts)
    except DomainError as error:
        # From here on it is the job's to see to; whoever asks again is told how far it is.
        log.warning("series left to its job", extra={"series_id": series.id, "code": error.code})
        return progress_of(series_store.get_series(run.company_id, series.id), plan.conflicts)


def _planned_and_held(run: SeriesRun, request: SeriesRequest) -> tuple[Series, Plan]:
    context = read(run.company_id, request, run.clock())
    through = context.schedule.branch.provider
    if through and request.on_conflict == "none":
        provider = find_provider(through)
        sentence = f"This branch books through {provider.title}, which takes one at a time: use `skip`."
        raise invalid(f"{request.path}.on_conflict", provider.named("not_with_{}"), sentence)
    plan = make_plan(context)
    conflicts, occurrences = len(plan.conflicts), len(plan.occurrences)
    if conflicts and (request.on_conflict == "none" or conflicts == occurrences):
        detail = f"{conflicts} of {occurrences} times cannot be had, and nothing was booked; see the occurrences."
        raise Conflict("series_conflict", detail, occurrences=plan.listed())
    if through:
        run.connect(through).close()  # without a key for it, nothing is held
    return _hold(run, plan), plan


def _hold(run: SeriesRun, plan: Plan) -> Series:
    """All free times held, and the series `booking`. Raises Stale when someone was faster; then nothing is held."""
    series, calendars = _series(plan), plan.context.branch.by_owner()
    for reached in _reaches(series):
        unit, before = run.answering(), series
        series = msgspec.structs.replace(
            before,
            held_in=(*before.held_in, reached),
            status="booking" if reached == len(series.occurrences) else "holding",
            version=before.version + bool(before.held_in),
        )
        if before.held_in:
            series_store.save_series(unit, series)
        else:
            _begin(unit, series, plan.context)
        _take(unit, series, plan, calendars)
        try:
            unit.commit(SeriesProgress(series, {}, plan.conflicts))
        except Stale:
            if before.held_in:
                give_up(run, before)
            raise
    return series


def _reaches(series: Series) -> list[int]:
    """Up to which occurrence each transaction holds: its calendars' weeks and counters have to fit into it."""
    reaches: list[int] = []
    touched: set[Any] = set()
    for number, one in enumerate(series.occurrences):
        holds = holds_of(series, [one] if one.appointment_id else [])
        own = {*time_swap.weeks_of(holds).keys(), *one.counted}
        if touched and len(touched | own) > MOST_HELD_AT_ONCE:
            reaches.append(number)
            touched = set()
        touched |= own
    return [*reaches, len(series.occurrences)]


def _begin(unit: Unit, series: Series, context: SeriesContext) -> None:
    """Stage the series with who it is for and the job that looks after it."""
    if context.comes:
        context.comes.stage(unit, context.now, context.customer_id)
    series_store.add_series(unit, series)
    job = ResumeSeries(company_id=unit.company_id, series_id=series.id)
    unit.enqueue(job, delay_seconds=JOB_AFTER_SECONDS)
    details: dict[str, Any] = {"overridden": ",".join(series.overridden)} if series.overridden else {}
    unit.audit("series.asked", series.id, **details)


def _take(unit: Unit, series: Series, plan: Plan, calendars: dict[CalendarOwner, Calendar]) -> None:
    """Stage the holds of this transaction in `calendars`, which are then as the commit leaves them."""
    context, taken = plan.context, series.held_last()
    holds = holds_of(series, taken)
    time_swap.swap(unit, calendars, {}, holds, context.now)
    for owner, entries in holds.items():
        calendars[owner] = calendars[owner].with_entries(entries, context.now)
    decisions = [plan.decisions[str(one.appointment_id)] for one in taken]
    counters = [counter for one in decisions for counter in one.counters(context.schedule, context.customer_id)]
    limit_store.count(unit, counters, over_the_limit=any(one.verdict.unlimited for one in decisions))


def _series(plan: Plan) -> Series:
    context, decisions, series_id = plan.context, list(plan.decisions.values()), new_id("ser")
    return Series(
        id=series_id,
        template=_template(context, decisions, series_id),
        recurrence=context.request.recurrence,
        zone=context.schedule.branch.zone,
        whole=context.request.on_conflict == "none",
        occurrences=tuple(_occurrence(one, decisions[0].service.duration_min, context) for one in plan.occurrences),
        held_until=context.held_until,
        overridden=tuple(sorted({rule for decision in decisions for rule in decision.verdict.overridden})),
        created_at=context.now,
        updated_at=context.now,
    )


def _template(context: SeriesContext, decisions: list[Decision], series_id: str) -> Appointment:
    # One that waits, for somebody's approval or for a deposit, lets all of them wait.
    decision = max(decisions, key=lambda one: one.waits)
    booking = context.booking(context.starts[0], "")
    deposit = deposit_fields(booking, decision)
    return appointment_for(booking, decision, decision.parts[0], series_id=series_id, **deposit)


def _occurrence(one: PlannedOccurrence, length_min: int, context: SeriesContext) -> Occurrence:
    ends_at = one.starts_at + timedelta(minutes=length_min)
    if isinstance(one.result, Refusal):
        failed = tuple(failure.rule for failure in one.result.failures)
        return Occurrence(starts_at=one.starts_at, ends_at=ends_at, code=one.result.code, failed=failed)
    part = one.result.parts[0]
    return Occurrence(
        **asdict(part.slot()),
        appointment_id=one.appointment_id,
        counted=tuple(counter.name for counter in one.result.counters(context.schedule, context.customer_id)),
    )
