"""Booking a series: it is checked as a whole, its times are held, and each hold becomes an appointment.

What can be held is decided on one reading (`plan`). The holds are written with the series in as few transactions as
they fit into, mostly one; the last of them makes the series `booking`, and from then on every hold becomes an
appointment, in this request or by the job that came with the first transaction. Whoever dies before that leaves a
series `holding`, whose holds the job gives up; should the job never run, they lapse by themselves.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec

from chalicelib.booking.appointments.appointment import Appointment, Status
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.store import Calendar
from chalicelib.booking.creation.decision import Decision
from chalicelib.booking.jobs import ResumeSeries
from chalicelib.booking.rules import deposits, limit_store
from chalicelib.booking.rules.limits import Counter
from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.context import SeriesContext, SeriesRequest, read
from chalicelib.booking.series.finish import SeriesProgress, SeriesRun, carry_on, give_up, progress_of
from chalicelib.booking.series.plan import Plan, PlannedOccurrence, make_plan
from chalicelib.booking.series.series import Occurrence, Series
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, DomainError, Stale, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit
from chalicelib.crm import customers

MOST_HELD_AT_ONCE = 70
"""Calendars' weeks and counters in one transaction; the rest of its ninety is for the series and what goes with it."""
JOB_AFTER_SECONDS = 60
"""The job looks after the series when a request (29 seconds at most) is surely over."""
REQUEST_LASTS = timedelta(seconds=15)
"""For how long a request makes appointments itself; what is left is the job's."""


def check(company_id: str, request: SeriesRequest, clock: Clock) -> Plan:
    """Each occurrence, bookable or not; nothing is written. Raises Invalid and NotFound as `book` does."""
    return make_plan(read(company_id, request, clock()))


def book_series(run: SeriesRun, request: SeriesRequest) -> SeriesProgress:
    """The series and its appointments, with what stood in the way of those that are not to be had.

    Raises Conflict `series_conflict` with all `occurrences` when one cannot be had (`on_conflict` none) or none can
    (skip): then nothing stands. Invalid, NotFound and Unavailable as `booking.book`.
    """
    until = run.clock() + REQUEST_LASTS
    try:
        series, plan = until_committed(
            lambda: _planned_and_held(run, request),
            "calendar_busy",
            "Many are booking these days at once; try again in a moment.",
        )
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
    through_calcom = context.schedule.branch.books_through == "calcom"
    if through_calcom and request.on_conflict == "none":
        sentence = "This branch books through Cal.com, which takes one at a time: use `skip`."
        raise invalid(f"{request.path}.on_conflict", "not_with_calcom", sentence)
    plan = make_plan(context)
    conflicts, occurrences = len(plan.conflicts), len(plan.occurrences)
    if conflicts and (request.on_conflict == "none" or conflicts == occurrences):
        detail = f"{conflicts} of {occurrences} times cannot be had, and nothing was booked; see the occurrences."
        raise Conflict("series_conflict", detail, occurrences=plan.listed())
    if through_calcom:
        run.calcom().close()  # without a key for it, nothing is held
    return _hold(run, plan), plan


def _hold(run: SeriesRun, plan: Plan) -> Series:
    """All free times held, and the series `booking`. Raises Stale when someone was faster; then nothing is held."""
    series = _series(plan)
    calendars = plan.context.booking.by_owner()
    for chunk in _chunks(plan):
        unit = run.answering()
        before = series
        reached = sum(before.held_in[-1:]) + len(chunk)
        series = msgspec.structs.replace(
            before,
            held_in=(*before.held_in, reached),
            status="booking" if reached == len(plan.occurrences) else "holding",
            version=before.version + bool(before.held_in),
        )
        if before.held_in:
            series_store.save_series(unit, series)
        else:
            _begin(unit, series, plan.context)
        _take(unit, series, chunk, calendars, plan.context)
        try:
            unit.commit(SeriesProgress(series, {}, plan.conflicts))
        except Stale:
            if before.held_in:
                give_up(run, before)
            raise
    return series


def _begin(unit: Unit, series: Series, context: SeriesContext) -> None:
    """Stage the series with who it is for and the job that looks after it."""
    if not context.known:
        request = context.request
        customers.add_from_contact(unit, request.contact, request.source, context.now, context.customer_id)
    series_store.add_series(unit, series)
    job = ResumeSeries(company_id=unit.company_id, series_id=series.id)
    unit.enqueue(job, delay_seconds=JOB_AFTER_SECONDS)
    details: dict[str, Any] = {"overridden": ",".join(series.overridden)} if series.overridden else {}
    unit.audit("series.asked", series.id, **details)


def _take(
    unit: Unit,
    series: Series,
    chunk: list[PlannedOccurrence],
    calendars: dict[str, Calendar],
    context: SeriesContext,
) -> None:
    """Stage the holds of these occurrences; `calendars` by their owner, as they are, and then as they will be."""
    holds: dict[str, list[Any]] = {}
    counters: list[Counter] = []
    by_start = {one.starts_at: one for one in series.bookable()}
    decisions = [one.result for one in chunk if isinstance(one.result, Decision)]
    for decision in decisions:
        hold = series.hold(by_start[decision.entry.start])
        for calendar in decision.choice.calendars():
            holds.setdefault(calendar.staff.id, []).append(hold)
        counters += decision.counters(context.schedule, context.customer_id)
    for owner, entries in holds.items():
        calendar_store.take_all(unit, calendars[owner], entries, context.now)
        calendars[owner] = calendar_store.with_all(calendars[owner], entries, context.now)
    limit_store.count_together(unit, counters, over_the_limit=any(one.unlimited for one in decisions))


def _chunks(plan: Plan) -> Iterator[list[PlannedOccurrence]]:
    """The occurrences in order, in runs whose calendars' weeks and counters fit into one transaction."""
    context = plan.context
    chunk: list[PlannedOccurrence] = []
    touched: set[Any] = set()
    for one in plan.occurrences:
        own: set[Any] = set()
        if isinstance(one.result, Decision):
            owners = [calendar.staff for calendar in one.result.choice.calendars()]
            mondays = sorted({day - timedelta(days=day.weekday()) for day in one.result.entry.days()})
            own.update(calendar_store.keys(context.company_id, owners, mondays))
            own.update(counter.name for counter in one.result.counters(context.schedule, context.customer_id))
        if chunk and len(touched | own) > MOST_HELD_AT_ONCE:
            yield chunk
            chunk, touched = [], set()
        chunk.append(one)
        touched |= own
    yield chunk


def _series(plan: Plan) -> Series:
    context = plan.context
    length = timedelta(minutes=plan.decisions[0].service.duration_min)
    return Series(
        id=(series_id := new_id("ser")),
        template=_template(plan, series_id, length),
        recurrence=context.request.recurrence,
        zone=context.schedule.branch.zone,
        whole=context.request.on_conflict == "none",
        occurrences=tuple(_occurrence(one, length, context) for one in plan.occurrences),
        held_until=context.held_until,
        overridden=tuple(sorted({rule for decision in plan.decisions for rule in decision.overridden})),
        created_at=context.now,
        updated_at=context.now,
    )


def _template(plan: Plan, series_id: str, length: timedelta) -> Appointment:
    context, request, service = plan.context, plan.context.request, plan.decisions[0].service
    branch, policy = context.schedule.branch, context.schedule.policy(context.service)
    waits = policy.needs_approval or any(decision.awaits_deposit for decision in plan.decisions)
    status: Status = "held" if branch.books_through == "calcom" else "requested" if waits else "confirmed"
    deposit_due = deposits.due(policy)
    return Appointment(
        id="",
        company_id=branch.company_id,
        branch_id=branch.id,
        service_id=service.id,
        staff_id=None,
        customer_id=context.customer_id,
        starts_at=context.starts[0],
        ends_at=context.starts[0] + length,
        before_min=service.buffer_before_min,
        after_min=service.buffer_after_min,
        service_number=service.number,
        channel=service.channel,
        status=status,
        booked_as="confirmed" if status == "confirmed" else None,
        source=request.source,
        metadata=request.metadata,
        currency=branch.currency if deposit_due else None,
        deposit_due_minor=deposit_due,
        created_at=context.now,
        updated_at=context.now,
        series_id=series_id,
    )


def _occurrence(one: PlannedOccurrence, length: timedelta, context: SeriesContext) -> Occurrence:
    ends_at = one.starts_at + length
    if not isinstance(one.result, Decision):
        failed = tuple(failure.rule for failure in one.result.failures)
        code = "not_bookable" if failed else "slot_taken"
        return Occurrence(starts_at=one.starts_at, ends_at=ends_at, code=code, failed=failed)
    choice = one.result.choice
    return Occurrence(
        starts_at=one.starts_at,
        ends_at=ends_at,
        appointment_id=one.appointment_id,
        staff_id=choice.staff.id,
        home_branch_id=choice.staff.home_branch_id,
        resource_ids=tuple(room.staff.id for room in choice.rooms),
        counted=tuple(counter.name for counter in one.result.counters(context.schedule, context.customer_id)),
    )
