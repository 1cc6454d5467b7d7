"""Several do anything in any order at once: calendars hold exactly what stands, and what they offer can be booked."""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.booking.allocation import context as branch_context
from chalicelib.booking.appointments import hold_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import TAKES_TIME, Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.hold import Hold, HoldProof
from chalicelib.booking.availability.search import explain, search
from chalicelib.booking.availability.search_query import SearchQuery
from chalicelib.booking.calendar.entries import Entry, Kind
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.changes.cancel import Cancellation, cancel
from chalicelib.booking.changes.reschedule import reschedule
from chalicelib.booking.creation.book import book
from chalicelib.booking.creation.hold import hold, release
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.engine.clocks import moment_of
from chalicelib.booking.practice.models import Resource
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.rules import limit_store
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.booking.time_off import book_time_off
from chalicelib.booking.time_off import store as time_off_store
from chalicelib.booking.time_off.absence import TimeOff
from chalicelib.booking.time_off.book_time_off import TimeOffRequest
from chalicelib.core.errors import DomainError
from chalicelib.core.tables import fetch
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_practice import Practice, demo_practice
from tests.booking.calendars import read_calendar
from tests.conftest import EmbeddedAws
from tests.races.test_bookings import MONDAY, NOW
from tests.sizes import ROUNDS

STARTS = st.integers(0, 23).map(lambda n: MONDAY + timedelta(hours=8, minutes=15 * n))
WHICH = st.integers(0, 9)
A_DAY = 7
STEP = st.one_of(
    st.tuples(st.just("book"), STARTS, st.sampled_from([None, 0, 1, 2])),
    st.tuples(st.just("book"), STARTS, st.none()),
    st.tuples(st.just("move"), STARTS, WHICH),
    st.tuples(st.just("cancel"), st.none(), WHICH),
    st.tuples(st.just("hold"), STARTS, st.none()),
    st.tuples(st.just("use"), st.none(), WHICH),
    st.tuples(st.just("let go"), st.none(), WHICH),
    st.tuples(st.just("away"), STARTS, st.integers(0, 2)),
    st.tuples(st.just("back"), st.none(), WHICH),
)
PROGRAM = st.lists(st.lists(STEP, min_size=1, max_size=6), min_size=2, max_size=4)
REFUSALS = {
    "slot_taken", "not_bookable", "not_reschedulable", "hold_not_found", "time_off_not_found", "too_many_holds",
    "not_cancellable",
}  # fmt: skip
_numbers = itertools.count()


class Studio:
    """A company with three who do massages in two rooms, at most seven a day, and what its visitors and staff do."""

    def __init__(self) -> None:
        number = next(_numbers)
        self.company = f"com_{number}"
        made = demo_practice(self.company, calcom=False, suffix=f"{number}", shift=number)
        berlin = made.branches[0]
        massage = replace(made.services[1], resources=("room",), policy=Policy(service_limits=Limits(per_day=A_DAY)))
        ada = made.staff[0]
        plain = replace(ada, service_ids=(massage.id,), references=())
        self.team = [replace(plain, id=f"{ada.id[:-3]}M{n:02}", name=f"M {n}") for n in range(3)]
        self.rooms = [
            Resource(id=f"res_{n:020}", company_id=self.company, branch_id=berlin.id, kind="room", name=f"{n}")
            for n in range(2)
        ]
        self.practice = Practice(made.branches, (massage,), tuple(self.team), ())
        save_practice(self.new_unit, [berlin], [massage], self.team, self.rooms)
        self.appointments: list[str] = []
        self.holds: list[tuple[Hold, HoldProof]] = []
        self.away: list[tuple[TimeOff, list[Appointment]]] = []

    def new_unit(self, company_id: str = "") -> Unit:
        return Unit(self.company, clock=lambda: NOW)

    def step(self, kind: str, at: datetime | None, which: Any) -> None:
        """One step of a program; what is refused is refused for a reason known."""
        act: Callable[[Any, Any], None] = getattr(self, f"_{kind.replace(' ', '_')}")
        try:
            act(at, which)
        except DomainError as refusal:
            if refusal.code not in REFUSALS:
                raise

    def booking_request(self, at: datetime, staff: str | None, proof: HoldProof | None = None) -> BookingRequest:
        return BookingRequest(
            branch_id=self.practice.branches[0].id, service="Massage", starts_at=at, source="api", staff=staff,
            contact=Contact(name="Guest", phone=f"+49151{random.randrange(10**8):08}"), hold=proof,
        )  # fmt: skip

    def booked(self, booking_request: BookingRequest) -> Appointment:
        made = book(self.new_unit, self.company, booking_request, lambda: NOW).appointment
        self.appointments.append(made.id)
        return made

    def _book(self, at: datetime, which: int | None) -> None:
        self.booked(self.booking_request(at, None if which is None else self.team[which].id))

    def _move(self, at: datetime, which: int) -> None:
        if self.appointments:
            one = self.appointments[which % len(self.appointments)]
            reschedule(
                ChangeContext(self.new_unit, self.company, lambda: NOW, connect=_nobody), one, Move(starts_at=at)
            )

    def _cancel(self, at: None, which: int) -> None:
        if self.appointments:
            one = self.appointments[which % len(self.appointments)]
            cancel(ChangeContext(self.new_unit, self.company, lambda: NOW, connect=_nobody), one, Cancellation())

    def _hold(self, at: datetime, which: None) -> None:
        hold_request = BookingRequest(branch_id=self.practice.branches[0].id, service="Massage", starts_at=at)
        made, secret = hold(self.new_unit, f"192.0.2.{random.randrange(250)}", hold_request, lambda: NOW)
        self.holds.append((made, HoldProof(made.id, secret)))

    def _use(self, at: None, which: int) -> None:
        if self.holds:
            made, proof = self.holds[which % len(self.holds)]
            self.booked(self.booking_request(made.starts_at, None, proof))

    def _let_go(self, at: None, which: int) -> None:
        if self.holds:
            release(self.new_unit, self.holds[which % len(self.holds)][1], lambda: NOW)

    def _away(self, at: datetime, which: int) -> None:
        until = at + timedelta(minutes=90)
        self.away.append(
            book_time_off.take(self.new_unit, self.company, TimeOffRequest(self.team[which].id, at, until), lambda: NOW)
        )

    def _back(self, at: None, which: int) -> None:
        if self.away:
            off, _ = self.away[which % len(self.away)]
            book_time_off.withdraw(self.new_unit, self.company, off.staff_id, off.id)

    def active(self) -> list[Appointment]:
        found = [appointment_store.get_appointment(self.company, one) for one in self.appointments]
        return [one for one in found if one.status in TAKES_TIME]

    def owners(self) -> list[str]:
        return [*(member.id for member in self.team), *(room.id for room in self.rooms)]

    def entries(self, record_id: str) -> list[Entry]:
        calendar = CalendarOwner(self.company, self.practice.branches[0].id, record_id)
        around = Entry(MONDAY, 1440, 0, 0, Kind.BOOKING, 0, b"")
        return read_calendar(calendar, around).entries()


@settings(
    max_examples=ROUNDS * 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(PROGRAM, st.integers(0, 10_000))
def test_whatever_is_done_in_whatever_order(aws: EmbeddedAws, program: list[Any], chosen: int) -> None:
    studio = Studio()
    _run(studio, program)
    active = studio.active()
    _calendars_hold_exactly_what_stands(studio, active)
    _nothing_overlaps(studio)
    _who_is_away_sees_their_appointments(studio, active)
    _the_limit_counts_what_stands(active, studio)
    _what_is_offered_can_be_booked(studio, chosen)


def _run(studio: Studio, program: list[Any]) -> None:
    gate = Barrier(len(program))

    def follow(steps: list[Any]) -> None:
        gate.wait()
        for step in steps:
            studio.step(*step)

    with ThreadPoolExecutor(len(program)) as pool:
        list(pool.map(follow, program))


def _calendars_hold_exactly_what_stands(studio: Studio, active: Iterable[Appointment]) -> None:
    expected: Counter[tuple[str, Kind, bytes]] = Counter()
    for one in active:
        expected.update((who, Kind.BOOKING, one.entry().reference) for who in (str(one.staff_id), *one.resource_ids))
    used = {proof.id for _, proof in studio.holds if _gone(studio, proof)}
    for made, _ in studio.holds:
        if made.id not in used:
            expected.update((owner.id, Kind.HOLD, made.reference) for owner in made.lies())
    for off, _ in studio.away:
        if time_off_store.find(studio.company, off.staff_id, off.id):
            expected.update((off.staff_id, Kind.TIME_OFF, entry.reference) for entry in off.entries())
    found: Counter[tuple[str, Kind, bytes]] = Counter()
    for record_id in studio.owners():
        found.update((record_id, entry.kind, entry.reference) for entry in studio.entries(record_id))
    assert found == expected


def _gone(studio: Studio, proof: HoldProof) -> bool:
    return hold_store.find(studio.company, proof.id) is None


def _nothing_overlaps(studio: Studio) -> None:
    for record_id in studio.owners():
        taken = [entry for entry in studio.entries(record_id) if entry.kind != Kind.TIME_OFF]
        assert [(a, b) for a, b in itertools.combinations(taken, 2) if a.clashes(b, NOW)] == []


def _who_is_away_sees_their_appointments(studio: Studio, active: Iterable[Appointment]) -> None:
    # An appointment lies in time off only when it was there before, and then whoever took it was told.
    for off, in_the_way in studio.away:
        if time_off_store.find(studio.company, off.staff_id, off.id) is None:
            continue
        shown = {one.id for one in in_the_way}
        for one in active:
            overlaps = any(one.entry().clashes(entry, NOW) for entry in off.entries())
            assert one.staff_id != off.staff_id or not overlaps or one.id in shown


def _the_limit_counts_what_stands(active: list[Appointment], studio: Studio) -> None:
    names = {name for one in active for name in one.counted}
    assert len(active) <= A_DAY
    for name in names:
        row = fetch([limit_store.counter_key(studio.company, name)])[0]
        assert limit_store.counted(row) == sum(name in one.counted for one in active)


def _what_is_offered_can_be_booked(studio: Studio, chosen: int) -> None:
    day = MONDAY.date()
    query = SearchQuery(branch_ids=(studio.practice.branches[0].id,), services=("Massage",), first=day, last=day)
    (free,) = search(studio.company, query, lambda: NOW)
    starts = {moment_of(slot.start) for slot in free.slots}
    for n in range(0, 24, 5):
        at = MONDAY + timedelta(hours=8, minutes=15 * n)
        if at not in starts:
            (why,) = explain(studio.company, query, at, lambda: NOW)
            assert why.reasons
            assert "free" not in {reason.code for reason in why.reasons}
    if free.slots:
        slot = free.slots[chosen % len(free.slots)]
        branch_context.forget()
        made = studio.booked(studio.booking_request(moment_of(slot.start), slot.staff_ids[0]))
        assert (made.starts_at, made.staff_id) == (moment_of(slot.start), slot.staff_ids[0])


def _nobody(name: str) -> Any:
    raise AssertionError("not asked")
