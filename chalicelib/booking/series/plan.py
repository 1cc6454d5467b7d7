"""Planning a series: everything is read once for all its occurrences, then each is decided after those before it.

An occurrence that can be had takes its time and counts to its limits in what was read, so the next one is decided as if
it stood already: two of a series never meet, and a limit of two a week lets two in.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.allocation.assignment import Preference
from chalicelib.booking.allocation.context import LONGEST_BLOCKED, BranchContext
from chalicelib.booking.alternatives import search as alternatives_search
from chalicelib.booking.alternatives.refusal import Refusal
from chalicelib.booking.appointments.appointment import Source
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.entries import Entry, Kind, weeks_between
from chalicelib.booking.calendar.store import Calendar
from chalicelib.booking.creation import book
from chalicelib.booking.creation import decision as booking_decision
from chalicelib.booking.creation.context import BookingContext
from chalicelib.booking.creation.decided import Decision
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.policy import FURTHEST, RuleName
from chalicelib.booking.practice.schedule import Schedule, of_kind
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules import limit_store
from chalicelib.booking.rules.limits import LimitQuery
from chalicelib.booking.rules.rules import described
from chalicelib.booking.series.recurrence import Recurrence
from chalicelib.core.clock import to_utc
from chalicelib.core.errors import NotFound, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.tables import Key, fetch
from chalicelib.crm import store as crm
from chalicelib.crm.customer import Contact

MOST_OF_A_VISITOR = 30
"""Occurrences: whoever needs no token could fill a practice's years with a hundred."""
Conflicts = dict[str, dict[str, Any]]
"""What refusals said, by the start of an occurrence or by the appointment that they are about."""


class SeriesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What someone wants booked again and again; the fields are those of `booking.Wish`.

    `starts_at` is the first occurrence. `somebody` False: it is only looked whether, and not yet said for whom.
    """

    branch_id: str
    service: str
    starts_at: datetime
    recurrence: Recurrence
    source: Source = "api"
    staff: str | None = None
    customer_id: str | None = None
    contact: Contact = msgspec.field(default_factory=lambda: Contact())
    metadata: dict[str, str] = {}
    length_min: int | None = None
    prefer: Preference = Preference()
    override: tuple[RuleName, ...] = ()
    visitor: bool = False
    somebody: bool = True
    path: str = "body"

    def asked(self, starts_at: datetime) -> BookingRequest:
        """What is to be decided about one occurrence."""
        return BookingRequest(
            customer_id=self.customer_id,
            contact=self.contact,
            branch_id=self.branch_id,
            service=self.service,
            starts_at=starts_at,
            length_min=self.length_min,
            staff=self.staff,
            prefer=self.prefer,
            override=self.override,
            visitor=self.visitor,
            path=self.path,
        )


class SeriesContext(msgspec.Struct, frozen=True, kw_only=True):
    """What was read for a series. `customer_id` is one to be, where `known` is False."""

    schedule: Schedule
    service: Service
    starts: list[datetime]
    customer_id: str
    known: bool
    found: BranchContext
    rows: dict[Key, Any]


class Planned(msgspec.Struct, frozen=True):
    """What can be had of one occurrence; its appointment's id is made already."""

    starts_at: datetime
    appointment_id: str
    judged: Decision | Refusal


class Plan(msgspec.Struct, frozen=True):
    """All occurrences in order, and what was read, as it is with those that can be had."""

    occurrences: list[Planned]
    after: SeriesContext
    at: datetime
    expires_at: datetime


def read(company_id: str, wish: SeriesRequest, now: datetime) -> SeriesContext:
    """Two rounds: the branch and who it is for; then the calendars and counters of all occurrences, a hundred rows to
    a request. Raises Invalid for what is no series, NotFound for a branch or customer that is not there.
    """
    starts_at = to_utc(wish.starts_at)
    book.check_time(starts_at, now, wish.path)
    known = [crm.key(company_id, wish.customer_id)] if wish.customer_id else crm.contact_keys(company_id, wish.contact)
    blocks = rule_facts.block_keys(company_id, wish.customer_id, wish.contact)
    found = fetch([practice_store.schedule_key(company_id, wish.branch_id), *known, *blocks])
    schedule = practice_store.schedule_of(found[0], wish.branch_id)
    if wish.visitor and not schedule.branch.published:
        raise NotFound("branch_not_found", f"There is no branch {wish.branch_id}.")
    customer_id = _customer(wish, found[1 : 1 + len(known)])
    service = _service(schedule, wish)
    starts = wish.recurrence.instants(starts_at, schedule.branch.clock(), wish.path)
    if wish.visitor and len(starts) > MOST_OF_A_VISITOR:
        raise invalid(f"{wish.path}.recurrence", "too_many", f"Call us for more than {MOST_OF_A_VISITOR} times.")
    if starts[-1] > now + FURTHEST:
        raise invalid(f"{wish.path}.recurrence", "too_far_ahead", "The last one is more than two years ahead.")
    rows = dict(zip(blocks, found[1 + len(known) :], strict=True))
    ground = SeriesContext(
        schedule=schedule,
        service=service,
        starts=starts,
        customer_id=customer_id or new_id("cus"),
        known=customer_id is not None,
        found=BranchContext(schedule=schedule),
        rows=rows,
    )
    return _with_weeks(company_id, wish, ground, [(at, at) for at in starts])


def plan(company_id: str, wish: SeriesRequest, ground: SeriesContext, expires_at: datetime, now: datetime) -> Plan:
    """Each occurrence decided; those that can be had lie in the calendars as holds until `expires_at`."""
    planned = []
    for at in ground.starts:
        appointment_id = new_id("apt")
        judged = booking_decision.judge(
            BookingContext(
                request=wish.asked(at),
                branch=msgspec.structs.replace(_near(ground.found, at), rows=ground.rows),
                record_id=appointment_id,
                now=now,
                customer_id=ground.customer_id,
            )
        )
        planned.append(Planned(at, appointment_id, judged))
        if isinstance(judged, Decision):
            ground = _with(company_id, ground, judged, expires_at, now)
    return Plan(planned, ground, now, expires_at)


def held(entry: Entry, expires_at: datetime) -> Entry:
    """An appointment's entry as the hold that keeps its time."""
    return msgspec.structs.replace(entry, kind=Kind.HOLD, expires_at=expires_at)


def conflicts(company_id: str, wish: SeriesRequest, planned: Plan) -> Conflicts:
    """What stands in the way of the occurrences that cannot be had, by their start (UTC): `code`, `failures`,
    `alternatives`.

    The calendars around all of them are read together; an alternative leaves the others of the series their times.
    """
    refused = [(one.starts_at, one.judged) for one in planned.occurrences if isinstance(one.judged, Refusal)]
    helped = {at for at, refusal in refused if refusal.other_times_help}
    around = [refusal.request.between for at, refusal in refused if at in helped]
    ground = _with_weeks(company_id, wish, planned.after, around, everyone=True) if around else planned.after
    found: Conflicts = {}
    consultation: list[dict[str, Any]] | None = None
    for at, refusal in refused:
        instead: list[dict[str, Any]] = []
        if refusal.consultation:
            # One consultation comes before all of them: times for it are looked for once.
            if consultation is None:
                consultation = alternatives_search.find_alternatives(refusal.request, consultation=True)
            instead = consultation
        elif at in helped:
            instead = alternatives_search.find_in_branch(refusal.request, ground.found, ground.rows)
        found[at.isoformat()] = {
            "code": refusal.code,
            "failures": described(refusal.failures),
            "alternatives": instead,
        }
    return found


def _customer(wish: SeriesRequest, rows: Sequence[Any]) -> str | None:
    if wish.customer_id:
        if rows[0] is None:
            raise NotFound("customer_not_found", f"There is no customer {wish.customer_id}.")
        return wish.customer_id
    found = crm.owner_of(rows)
    if found is None and wish.somebody and not (wish.contact.phone or wish.contact.email):
        raise invalid(f"{wish.path}.customer", "required", "Give the customer's phone number or e-mail address.")
    return found


def _service(schedule: Schedule, wish: SeriesRequest) -> Service:
    path = f"{wish.path}.service"
    service = schedule.service(wish.service, path)
    if wish.visitor and not service.published:
        raise invalid(path, "unknown_service", "This is not offered here.")
    if service.category == "package" or service.seats > 1 or service.mobile:
        sentence = "Packages, groups and services at the customer's place are booked one by one."
        raise invalid(path, "not_in_series", sentence)
    if wish.visitor and service.category != "recurring":
        raise invalid(path, "not_in_series", "This is booked one by one; call us for a series of it.")
    return service


def _with_weeks(
    company_id: str,
    wish: SeriesRequest,
    ground: SeriesContext,
    spans: Iterable[tuple[datetime, datetime]],
    *,
    everyone: bool = False,
) -> SeriesContext:
    """The ground with what lies in these spans of time read as well; what it has already stays as it is.

    Where a member of staff is asked for, the others are read with `everyone` alone: they matter for alternatives.
    """
    schedule, service = ground.schedule, ground.service
    clock = schedule.branch.clock()
    mondays: set[date] = set()
    days: set[date] = set()
    for first, last in spans:
        mondays.update(weeks_between(first - LONGEST_BLOCKED, last + LONGEST_BLOCKED))
        new_unit, end = first.astimezone(clock).date(), last.astimezone(clock).date()
        days.update(new_unit + timedelta(days=n) for n in range((end - new_unit).days + 1))
    able = schedule.able(service, None if everyone else wish.staff, f"{wish.path}.staff")
    # Nobody who is read for the first time has been read in any week.
    new = sorted(mondays if everyone and wish.staff else mondays - {*ground.found.mondays})
    rooms = [calendar_store.room(room) for kind in service.resources for room in of_kind(schedule.resources, kind)]
    owners = [*able, *{room.id: room for room in rooms}.values()]
    places = calendar_store.keys(company_id, owners, new)
    wanted = {
        key: None
        for day in sorted(days)
        for key in rule_facts.keys(LimitQuery(schedule, service, able, ground.customer_id, day))
        if key not in ground.rows
    }
    rows = fetch([*places, *wanted])
    read_now = calendar_store.calendars(company_id, owners, new, rows[: len(places)])
    merged = _merged(ground.found, read_now)
    people = len(able)
    found = BranchContext(
        schedule=schedule,
        calendars=merged[:people],
        rooms=merged[people:],
        mondays=sorted({*ground.found.mondays, *new}),
    )
    return msgspec.structs.replace(
        ground, found=found, rows=ground.rows | dict(zip(wanted, rows[len(places) :], strict=True))
    )


def _near(found: BranchContext, at: datetime) -> BranchContext:
    """Of what was read, the weeks that a single booking at that time would have read."""
    mondays = weeks_between(at - LONGEST_BLOCKED, at + LONGEST_BLOCKED)
    days = [monday + timedelta(days=n) for monday in mondays for n in range(7)]

    def of(every: Sequence[Calendar]) -> list[Calendar]:
        return [
            msgspec.structs.replace(one, days={day: one.days[day] for day in days if day in one.days}) for one in every
        ]

    return msgspec.structs.replace(found, calendars=of(found.calendars), rooms=of(found.rooms), mondays=mondays)


def _merged(found: BranchContext, read_now: Sequence[Calendar]) -> list[Calendar]:
    before = {calendar.staff.id: calendar.days for calendar in (*found.calendars, *found.rooms)}
    return [
        msgspec.structs.replace(calendar, days={**calendar.days, **before.get(calendar.staff.id, {})})
        for calendar in read_now
    ]


def _with(
    company_id: str, ground: SeriesContext, decision: Decision, expires_at: datetime, now: datetime
) -> SeriesContext:
    entry = held(decision.entry, expires_at)
    taken = {calendar.staff.id for calendar in decision.choice.calendars()}

    def after(every: Sequence[Calendar]) -> list[Calendar]:
        return [calendar_store.with_all(one, [entry], now) if one.staff.id in taken else one for one in every]

    found = ground.found
    rows = dict(ground.rows)
    for counter in decision.counters(ground.schedule, ground.customer_id):
        key = limit_store.counter_key(company_id, counter.name)
        rows[key] = limit_store.with_more(key, rows.get(key), 1)
    situation = msgspec.structs.replace(found, calendars=after(found.calendars), rooms=after(found.rooms))
    return msgspec.structs.replace(ground, found=situation, rows=rows)
