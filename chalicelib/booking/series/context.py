"""What is read for a series: once for all its occurrences, and as it would be with those that were decided so far."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta

import msgspec

from chalicelib.booking.allocation.context import LONGEST_BLOCKED, BookingContext
from chalicelib.booking.appointments.appointment import Source
from chalicelib.booking.appointments.hold import LASTS, lapses_at
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.entries import weeks_between
from chalicelib.booking.calendar.store import Calendar
from chalicelib.booking.creation.book import BookingRequest, check_time, known_customer
from chalicelib.booking.creation.decision import Decision
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.policy import FURTHEST
from chalicelib.booking.practice.schedule import Schedule, of_kind
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules import limit_store
from chalicelib.booking.series.recurrence import Recurrence
from chalicelib.booking.series.series import HOLDS_LAST, OnConflict, held
from chalicelib.core.clock import to_utc
from chalicelib.core.errors import NotFound, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.tables import fetch
from chalicelib.crm import store as crm

MOST_OF_A_VISITOR = 30
"""Occurrences: whoever needs no token could fill a practice's years with a hundred."""


class SeriesRequest(BookingRequest, frozen=True, kw_only=True):
    """What someone wants booked again and again; `starts_at` is the first occurrence.

    `on_conflict` none: all of them or nothing; skip: those that can be had. `for_somebody` False: it is only looked
    whether, and not yet said for whom.
    """

    recurrence: Recurrence
    source: Source = "api"
    on_conflict: OnConflict = "none"
    for_somebody: bool = True


class SeriesContext(msgspec.Struct, frozen=True, kw_only=True):
    """What was read for a request. `customer_id` is one to be, where `known` is False; `held_until`: how long the times
    are to be held.
    """

    request: SeriesRequest
    booking: BookingContext
    rows: rule_facts.Rows
    service: Service
    starts: list[datetime]
    customer_id: str
    known: bool
    now: datetime
    held_until: datetime

    @property
    def schedule(self) -> Schedule:
        """The branch's."""
        return self.booking.schedule

    @property
    def company_id(self) -> str:
        """Whose it is."""
        return self.schedule.branch.company_id

    def near(self, at: datetime) -> BookingContext:
        """Of what was read, the weeks that a single booking at that time would have read."""
        mondays = weeks_between(at - LONGEST_BLOCKED, at + LONGEST_BLOCKED)
        days = [monday + timedelta(days=number) for monday in mondays for number in range(7)]

        def narrowed(one: Calendar) -> Calendar:
            return msgspec.structs.replace(one, days={day: one.days[day] for day in days if day in one.days})

        return self._calendars(narrowed, mondays)

    def with_hold(self, decision: Decision) -> "SeriesContext":
        """As it is once the time that was decided on is held, and counts to the limits."""
        hold = held(decision.entry, self.held_until)
        taken = {calendar.staff.id for calendar in decision.choice.calendars()}

        def after(one: Calendar) -> Calendar:
            return calendar_store.with_all(one, [hold], self.now) if one.staff.id in taken else one

        rows = dict(self.rows)
        for counter in decision.counters(self.schedule, self.customer_id):
            key = limit_store.counter_key(self.company_id, counter.name)
            rows[key] = limit_store.with_more(key, rows.get(key), 1)
        return msgspec.structs.replace(self, booking=self._calendars(after, self.booking.mondays), rows=rows)

    def _calendars(self, change: Callable[[Calendar], Calendar], mondays: list[date]) -> BookingContext:
        found = self.booking
        calendars, rooms = [change(one) for one in found.calendars], [change(one) for one in found.rooms]
        return BookingContext(found.schedule, calendars, mondays, found.extra, rooms)


def read(company_id: str, request: SeriesRequest, now: datetime) -> SeriesContext:
    """Two rounds: the branch and who it is for; then the calendars and counters of all occurrences, a hundred rows to
    a request. Raises Invalid for what is no series, NotFound for a branch or customer that is not there.
    """
    starts_at, path = to_utc(request.starts_at), request.path
    check_time(starts_at, now, path)
    customer_id, contact = request.customer_id, request.contact
    customer_keys = [crm.key(company_id, customer_id)] if customer_id else crm.contact_keys(company_id, contact)
    block_keys = rule_facts.block_keys(company_id, customer_id, contact)
    found = fetch([practice_store.schedule_key(company_id, request.branch_id), *customer_keys, *block_keys])
    customer_rows, block_rows = found[1 : 1 + len(customer_keys)], found[1 + len(customer_keys) :]
    schedule = practice_store.schedule_of(found[0], request.branch_id)
    if request.visitor and not schedule.branch.published:
        raise NotFound("branch_not_found", f"There is no branch {request.branch_id}.")
    if request.for_somebody:
        customer_id = known_customer(customer_id, contact, customer_rows, path)
    service = _service(schedule, request)
    starts = request.recurrence.instants(starts_at, schedule.branch.clock(), path)
    if request.visitor and len(starts) > MOST_OF_A_VISITOR:
        raise invalid(f"{path}.recurrence", "too_many", f"Call us for more than {MOST_OF_A_VISITOR} times.")
    if starts[-1] > now + FURTHEST:
        raise invalid(f"{path}.recurrence", "too_far_ahead", "The last one is more than two years ahead.")
    context = SeriesContext(
        request=request,
        booking=BookingContext(schedule, [], [], []),
        rows=dict(zip(block_keys, block_rows, strict=True)),
        service=service,
        starts=starts,
        customer_id=customer_id or new_id("cus"),
        known=customer_id is not None,
        now=now,
        held_until=lapses_at(now + HOLDS_LAST - LASTS),
    )
    return with_weeks(context, [(at, at) for at in starts])


def _service(schedule: Schedule, request: SeriesRequest) -> Service:
    path = f"{request.path}.service"
    service = schedule.service(request.service, path)
    if request.visitor and not service.published:
        raise invalid(path, "unknown_service", "This is not offered here.")
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
    company_id, schedule, service = context.company_id, context.schedule, context.service
    clock, known = schedule.branch.clock(), context.booking
    mondays: set[date] = set()
    days: set[date] = set()
    for first, last in spans:
        mondays.update(weeks_between(first - LONGEST_BLOCKED, last + LONGEST_BLOCKED))
        first_day, last_day = first.astimezone(clock).date(), last.astimezone(clock).date()
        days.update(first_day + timedelta(days=number) for number in range((last_day - first_day).days + 1))
    asked_for = None if everyone else context.request.staff
    able = schedule.able(service, asked_for, f"{context.request.path}.staff")
    # Nobody who is read for the first time has been read in any week.
    new = sorted(mondays if everyone and context.request.staff else mondays - {*known.mondays})
    rooms = [calendar_store.room(room) for kind in service.resources for room in of_kind(schedule.resources, kind)]
    owners = [*able, *{room.id: room for room in rooms}.values()]
    calendar_keys = calendar_store.keys(company_id, owners, new)
    fact_keys = {
        key: None
        for day in sorted(days)
        for key in rule_facts.keys(company_id, schedule, service, able, context.customer_id, day)
        if key not in context.rows
    }
    rows = fetch([*calendar_keys, *fact_keys])
    found = calendar_store.calendars(company_id, owners, new, rows[: len(calendar_keys)])
    merged = _with_known_days(found, [*known.calendars, *known.rooms])
    people = len(able)
    booking = BookingContext(schedule, merged[:people], sorted({*known.mondays, *new}), [], merged[people:])
    fact_rows = dict(zip(fact_keys, rows[len(calendar_keys) :], strict=True))
    return msgspec.structs.replace(context, booking=booking, rows=context.rows | fact_rows)


def _with_known_days(found: Sequence[Calendar], known: Iterable[Calendar]) -> list[Calendar]:
    before = {calendar.staff.id: calendar.days for calendar in known}
    return [
        msgspec.structs.replace(calendar, days={**calendar.days, **before.get(calendar.staff.id, {})})
        for calendar in found
    ]
