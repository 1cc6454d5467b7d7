"""What is read for a series: once for all its occurrences, and as it would be with those that were decided so far."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

import msgspec

from chalicelib.booking.allocation.context import LONGEST_BLOCKED, BranchContext, CalendarFilter
from chalicelib.booking.appointments.hold import LASTS, lapses_at
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import weeks_between
from chalicelib.booking.calendar.owner import owner_of
from chalicelib.booking.creation.book import check_time
from chalicelib.booking.creation.context import BookingContext
from chalicelib.booking.creation.decided import Decision
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.creation.who_comes import WhoComes, who_comes
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.policy import FURTHEST
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules import limit_store
from chalicelib.booking.rules.limits import LimitQuery
from chalicelib.booking.series.recurrence import Recurrence
from chalicelib.booking.series.series import HOLDS_LAST, OnConflict, held
from chalicelib.core.clock import to_utc
from chalicelib.core.errors import invalid
from chalicelib.core.tables import fetch_map
from chalicelib.crm.people import write

MOST_OF_A_VISITOR = 30
"""Occurrences: whoever needs no token could fill a practice's years with a hundred."""


class SeriesRequest(BookingRequest, frozen=True, kw_only=True):
    """What someone wants booked again and again; `starts_at` is the first occurrence.

    `on_conflict` none: all of them or nothing; skip: those that can be had.
    """

    recurrence: Recurrence
    on_conflict: OnConflict = "none"


class SeriesContext(msgspec.Struct, frozen=True, kw_only=True):
    """What was read for a request. `customer_id` is one to be, where `comes` knows of nobody; `held_until`: how long
    the times are to be held.
    """

    request: SeriesRequest
    branch: BranchContext
    service: Service
    starts: list[datetime]
    customer_id: str
    comes: WhoComes | None
    now: datetime
    held_until: datetime

    @property
    def schedule(self) -> Schedule:
        """The branch's."""
        return self.branch.schedule

    @property
    def company_id(self) -> str:
        """Whose branch it is."""
        return self.schedule.branch.company_id

    def booking(self, at: datetime, appointment_id: str) -> BookingContext:
        """What a single booking at that time would know: of the calendars, the weeks that it would have read."""
        mondays = weeks_between(at - LONGEST_BLOCKED, at + LONGEST_BLOCKED)
        days = [monday + timedelta(days=number) for monday in mondays for number in range(7)]

        def near(one: Calendar) -> Calendar:
            return msgspec.structs.replace(one, days={day: one.days[day] for day in days if day in one.days})

        return BookingContext(
            request=msgspec.structs.replace(self.request, starts_at=at),
            branch=msgspec.structs.replace(_changed(self.branch, near), mondays=mondays),
            record_id=appointment_id,
            now=self.now,
            customer_id=self.customer_id,
        )

    def with_hold(self, decision: Decision) -> "SeriesContext":
        """As it is once the time that was decided on is held, and counts to the limits."""
        hold = held(decision.entry, self.held_until)
        taken = {calendar.owner for calendar in decision.choice.calendars()}

        def after(one: Calendar) -> Calendar:
            return one.with_entries([hold], self.now) if one.owner in taken else one

        rows = dict(self.branch.rows)
        for counter in decision.counters(self.schedule, self.customer_id):
            key = limit_store.counter_key(self.company_id, counter.name)
            rows[key] = limit_store.with_more(key, rows.get(key), 1)
        branch = msgspec.structs.replace(_changed(self.branch, after), rows=rows)
        return msgspec.structs.replace(self, branch=branch)


def _changed(branch: BranchContext, change: Callable[[Calendar], Calendar]) -> BranchContext:
    calendars, rooms = [change(one) for one in branch.calendars], [change(one) for one in branch.rooms]
    return msgspec.structs.replace(branch, calendars=calendars, rooms=rooms)


def read(company_id: str, request: SeriesRequest, now: datetime, *, for_anybody: bool = False) -> SeriesContext:
    """Two rounds: the branch and who it is for; then the calendars and counters of all occurrences, a hundred rows to
    a request. `for_anybody`: it need not be said yet for whom.

    Raises Invalid for what is no series, NotFound for a branch or customer that is not there.
    """
    starts_at, path = to_utc(request.starts_at), request.path
    check_time(starts_at, now, path)
    schedule_key = practice_store.schedule_key(company_id, request.branch_id)
    block_keys = rule_facts.block_keys(company_id, request.customer_id, request.contact)
    rows = fetch_map([schedule_key, *request.customer_keys(company_id), *block_keys])
    schedule = practice_store.schedule_of(rows[schedule_key], request.branch_id, published=request.visitor)
    nobody_yet = for_anybody and not request.names_customer
    comes = None if nobody_yet else who_comes(company_id, request, rows)
    service = _service(schedule, request)
    starts = request.recurrence.instants(starts_at, schedule.branch.clock(), path)
    if request.visitor and len(starts) > MOST_OF_A_VISITOR:
        raise invalid(f"{path}.recurrence", "too_many", f"Call us for more than {MOST_OF_A_VISITOR} times.")
    if starts[-1] > now + FURTHEST:
        raise invalid(f"{path}.recurrence", "too_far_ahead", "The last one is more than two years ahead.")
    context = SeriesContext(
        request=request,
        branch=BranchContext(schedule=schedule, rows=rows),
        service=service,
        starts=starts,
        customer_id=(comes.customer_id if comes else None) or write.new_person_id(),
        comes=comes,
        now=now,
        held_until=lapses_at(now + HOLDS_LAST - LASTS),
    )
    return with_weeks(context, [(at, at) for at in starts])


def _service(schedule: Schedule, request: SeriesRequest) -> Service:
    path, service = f"{request.path}.service", request.service_in(schedule)
    if service.category == "package" or service.seats > 1 or service.mobile:
        sentence = "Packages, groups and services at the customer's place are booked one by one."
        raise invalid(path, "not_in_series", sentence)
    if request.visitor and service.category != "recurring":
        raise invalid(path, "not_in_series", "This is booked one by one; call us for a series of it.")
    return service


def with_weeks(
    context: SeriesContext, spans: Iterable[tuple[datetime, datetime]], *, everyone: bool = False
) -> SeriesContext:
    """The context with what lies in these spans of time read as well; what it has already stays as it is.

    Where a member of staff is asked for, the others are read with `everyone` alone: they matter for alternatives.
    """
    schedule, service, known = context.schedule, context.service, context.branch
    clock, only = schedule.branch.clock(), context.request.staff
    mondays: set[date] = set()
    days: set[date] = set()
    for first, last in spans:
        mondays.update(weeks_between(first - LONGEST_BLOCKED, last + LONGEST_BLOCKED))
        first_day, last_day = first.astimezone(clock).date(), last.astimezone(clock).date()
        days.update(first_day + timedelta(days=number) for number in range((last_day - first_day).days + 1))
    able = schedule.able(service, None if everyone else only, f"{context.request.path}.staff")
    # Nobody who is read for the first time has been read in any week.
    new = sorted(mondays if everyone and only else mondays - {*known.mondays})
    owners = [*map(owner_of, able), *CalendarFilter(service=service.id).rooms_of(schedule)]
    queries = [LimitQuery(schedule, service, able, context.customer_id, day) for day in sorted(days)]
    fact_keys = [key for query in queries for key in rule_facts.keys(query) if key not in known.rows]
    rows = fetch_map([*calendar_store.keys(owners, new), *fact_keys])
    before = known.by_owner()
    calendars = [one.joined(before.get(one.owner, one)) for one in calendar_store.calendars(owners, new, rows)]
    branch = BranchContext(
        schedule=schedule,
        calendars=calendars[: len(able)],
        rooms=calendars[len(able) :],
        mondays=sorted({*known.mondays, *new}),
        rows={**known.rows, **{key: rows[key] for key in fact_keys}},
    )
    return msgspec.structs.replace(context, branch=branch)
