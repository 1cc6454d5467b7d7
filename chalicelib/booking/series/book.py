"""Booking a series: it is checked as a whole, its times are held, and each hold becomes an appointment.

What can be held is decided on one reading (`series_planning`). The holds are written with the series in as few
transactions as they fit into, mostly one; the last of them makes the series `booking`, and from then on every hold
becomes an appointment, in this request or by the job that came with the first transaction. Whoever dies before that
leaves a series `holding`, whose holds the job gives up; should the job never run, they lapse by themselves.
"""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.booking.appointments.appointment import Status
from chalicelib.booking.appointments.hold import LASTS, lapses_at
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.store import Calendar
from chalicelib.booking.creation import book
from chalicelib.booking.creation.book import TRIES
from chalicelib.booking.creation.decided import Decision
from chalicelib.booking.jobs import ResumeSeries
from chalicelib.booking.rules import deposits, limit_store
from chalicelib.booking.rules.limits import Counter
from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.finish import SeriesProgress, Units, carry_on, give_up, progress_of
from chalicelib.booking.series.plan import Conflicts, Plan, Planned, SeriesContext, SeriesRequest, conflicts, plan, read
from chalicelib.booking.series.series import HOLDS_LAST, Occurrence, OnConflict, Series
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, DomainError, Stale, Unavailable, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.logging import log
from chalicelib.core.unit import Unit
from chalicelib.crm import customers

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import CalCom

MOST_HELD_AT_ONCE = 70
"""Calendars' weeks and counters in one transaction; the rest of its ninety is for the series and what goes with it."""
JOB_AFTER_SECONDS = 60
"""The job looks after the series when a request (29 seconds at most) is surely over."""
REQUEST_LASTS = timedelta(seconds=15)
"""For how long a request makes appointments itself; what is left is the job's."""


class Checked(msgspec.Struct, frozen=True):
    """A series as it would be, and what stands in the way of it, by the start of the occurrence."""

    plan: Plan
    conflicts: Conflicts

    @property
    def zone(self) -> str:
        """On whose clock it is."""
        return self.plan.after.schedule.branch.zone


def check(company_id: str, wish: SeriesRequest, clock: Clock) -> Checked:
    """Each occurrence, bookable or not; nothing is written. Raises Invalid and NotFound as `book` does."""
    now = clock()
    planned = plan(company_id, wish, read(company_id, wish, now), _lapse(now), now)
    return Checked(planned, conflicts(company_id, wish, planned))


def book_series(
    units: Units,
    company_id: str,
    wish: SeriesRequest,
    on_conflict: OnConflict,
    clock: Clock,
    calcom: "Callable[[], CalCom]",
) -> SeriesProgress:
    """The series and its appointments, with what stood in the way of those that are not to be had.

    Raises Conflict `series_conflict` with all `occurrences` when one cannot be had (`on_conflict` none) or none can
    (skip): then nothing stands. Invalid, NotFound and Unavailable as `booking.book`.
    """
    until = clock() + REQUEST_LASTS
    try:
        series, found = _held(units, company_id, wish, on_conflict, clock, calcom)
    except DomainError as error:
        if error.code != "storage_busy":
            # Some of it may have been held, and was given up: the Idempotency-Key may be used again. Not so when it
            # is not known what became of the last transaction.
            unit = units.answering()
            unit.free_key()
            unit.commit()
        raise
    try:
        return carry_on(units, series, clock, calcom, until, found)
    except DomainError as error:
        # From here on it is the job's to see to; whoever asks again is told how far it is.
        log.warning("series left to its job", extra={"series_id": series.id, "code": error.code})
        return progress_of(series_store.get_series(company_id, series.id), found)


def _held(
    units: Units,
    company_id: str,
    wish: SeriesRequest,
    on_conflict: OnConflict,
    clock: Clock,
    calcom: "Callable[[], CalCom]",
) -> tuple[Series, Conflicts]:
    for attempt in range(TRIES):
        now = clock()
        ground = read(company_id, wish, now)
        through_calcom = ground.schedule.branch.books_through == "calcom"
        if through_calcom and on_conflict == "none":
            sentence = "This branch books through Cal.com, which takes one at a time: use `skip`."
            raise invalid(f"{wish.path}.on_conflict", "not_with_calcom", sentence)
        planned = plan(company_id, wish, ground, _lapse(now), now)
        found = conflicts(company_id, wish, planned)
        if found and (on_conflict == "none" or len(found) == len(planned.occurrences)):
            raise _refusal(Checked(planned, found))
        if through_calcom:
            calcom().close()  # without a key for it, nothing is held
        try:
            return _hold(units, wish, ground, planned, on_conflict, found, clock, calcom), found
        except Stale:
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
    raise Unavailable("calendar_busy", "Many are booking these days at once; try again in a moment.")


def listed(checked: Checked) -> list[dict[str, Any]]:
    """Every occurrence with whether it can be had, in plain values and the branch's own time."""
    clock = checked.plan.after.schedule.branch.clock()
    return [
        {
            "starts_at": one.starts_at.astimezone(clock).isoformat(),
            "bookable": isinstance(one.judged, Decision),
            **checked.conflicts.get(one.starts_at.isoformat(), {}),
        }
        for one in checked.plan.occurrences
    ]


def _refusal(checked: Checked) -> Conflict:
    number, all_of_them = len(checked.conflicts), len(checked.plan.occurrences)
    detail = f"{number} of {all_of_them} times cannot be had, and nothing was booked; see the occurrences."
    return Conflict("series_conflict", detail, occurrences=listed(checked))


def _lapse(now: datetime) -> datetime:
    return lapses_at(now + HOLDS_LAST - LASTS)


def _hold(
    units: Units,
    wish: SeriesRequest,
    ground: SeriesContext,
    planned: Plan,
    on_conflict: OnConflict,
    found: Conflicts,
    clock: Clock,
    calcom: "Callable[[], CalCom]",
) -> Series:
    """All free times held, and the series `booking`. Raises Stale when someone was faster; then nothing is held."""
    series = _made(wish, ground, planned, on_conflict)
    now = series.created_at
    state = {one.staff.id: one for one in (*ground.found.calendars, *ground.found.rooms)}
    for chunk in _chunks(planned.occurrences, ground):
        unit = units.answering()
        before = series
        reached = sum(before.held_in[-1:]) + len(chunk)
        series = msgspec.structs.replace(
            before,
            held_in=(*before.held_in, reached),
            status="booking" if reached == len(planned.occurrences) else "holding",
            version=before.version + bool(before.held_in),
        )
        if before.held_in:
            series_store.save_series(unit, series)
        else:
            _begin(unit, series, wish, ground, now)
        _take(unit, state, [one.judged for one in chunk if isinstance(one.judged, Decision)], ground, series, now)
        try:
            unit.commit(SeriesProgress(series, {}, found))
        except Stale:
            if before.held_in:
                give_up(units, before, clock, calcom)
            raise
    return series


def _begin(unit: Unit, series: Series, wish: SeriesRequest, ground: SeriesContext, now: datetime) -> None:
    """Stage the series with who it is for and the job that looks after it."""
    if not ground.known:
        customers.add_from_contact(unit, wish.contact, wish.source, now, ground.customer_id)
    series_store.add_series(unit, series)
    job = ResumeSeries(company_id=unit.company_id, series_id=series.id)
    unit.enqueue(job, delay_seconds=JOB_AFTER_SECONDS)
    told: dict[str, Any] = {"overridden": ",".join(series.overridden)} if series.overridden else {}
    unit.audit("series.asked", series.id, **told)


def _take(
    unit: Unit, state: dict[str, Calendar], chosen: list[Decision], ground: SeriesContext, series: Series, now: datetime
) -> None:
    """Stage the holds of these occurrences; `state`: the calendars as they are, and then as they will be."""
    entries: dict[str, list[Any]] = {}
    counters: list[Counter] = []
    by_start = {one.starts_at: one for one in series.wanted()}
    for decision in chosen:
        hold = series.hold(by_start[decision.entry.start])
        for calendar in decision.choice.calendars():
            entries.setdefault(calendar.staff.id, []).append(hold)
        counters += decision.counters(ground.schedule, ground.customer_id)
    for owner, holds in entries.items():
        calendar_store.take_all(unit, state[owner], holds, now)
        state[owner] = calendar_store.with_all(state[owner], holds, now)
    limit_store.count(unit, counters, over_the_limit=any(one.unlimited for one in chosen))


def _chunks(planned: list[Planned], ground: SeriesContext) -> Iterator[list[Planned]]:
    """The occurrences in order, in runs whose calendars' weeks and counters fit into one transaction."""
    chunk: list[Planned] = []
    touched: set[Any] = set()
    for one in planned:
        mine: set[Any] = set()
        if isinstance(one.judged, Decision):
            entry = one.judged.entry
            owners = [calendar.staff for calendar in one.judged.choice.calendars()]
            mondays = sorted({day - timedelta(days=day.weekday()) for day in entry.days()})
            mine.update(calendar_store.keys(ground.schedule.branch.company_id, owners, mondays))
            mine.update(c.name for c in one.judged.counters(ground.schedule, ground.customer_id))
        if chunk and len(touched | mine) > MOST_HELD_AT_ONCE:
            yield chunk
            chunk, touched = [], set()
        chunk.append(one)
        touched |= mine
    yield chunk


def _made(wish: SeriesRequest, ground: SeriesContext, planned: Plan, on_conflict: OnConflict) -> Series:
    schedule, service = ground.schedule, ground.service
    decisions = [one.judged for one in planned.occurrences if isinstance(one.judged, Decision)]
    policy = schedule.policy(service)
    waits = any(one.waits for one in decisions)
    stands: Status = "requested" if waits else "confirmed"
    deposit_due = deposits.due(policy)
    sized = decisions[0].service
    return Series(
        id=new_id("ser"),
        company_id=schedule.branch.company_id,
        branch_id=schedule.branch.id,
        service_id=service.id,
        service_number=service.number,
        channel=service.channel,
        before_min=sized.buffer_before_min,
        after_min=sized.buffer_after_min,
        customer_id=ground.customer_id,
        source=wish.source,
        metadata=wish.metadata,
        recurrence=wish.recurrence,
        zone=schedule.branch.zone,
        starts_at=ground.starts[0],
        whole=on_conflict == "none",
        books_as="held" if schedule.branch.books_through == "calcom" else stands,
        occurrences=tuple(_occurrence(one, ground, sized.duration_min) for one in planned.occurrences),
        holds_until=planned.expires_at,
        overridden=tuple(sorted({rule for one in decisions for rule in one.overridden})),
        deposit_due_minor=deposit_due,
        currency=schedule.branch.currency if deposit_due else None,
        created_at=planned.at,
        updated_at=planned.at,
    )


def _occurrence(one: Planned, ground: SeriesContext, length_min: int) -> Occurrence:
    ends_at = one.starts_at + timedelta(minutes=length_min)
    if not isinstance(one.judged, Decision):
        failed = tuple(failure.rule for failure in one.judged.failures)
        code = "not_bookable" if failed else "slot_taken"
        return Occurrence(starts_at=one.starts_at, ends_at=ends_at, code=code, failed=failed)
    choice = one.judged.choice
    return Occurrence(
        starts_at=one.starts_at,
        ends_at=ends_at,
        appointment_id=one.appointment_id,
        staff_id=choice.staff.id,
        home_branch_id=choice.staff.home_branch_id,
        resource_ids=tuple(room.staff.id for room in choice.rooms),
        counted=tuple(counter.name for counter in one.judged.counters(ground.schedule, ground.customer_id)),
    )
