"""Counters follow from the records, whatever order news comes in, however often, and from whichever old reading."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.analytics.counters import Days, Marker, State, contribution, step, together
from chalicelib.booking.appointments.appointment import Appointment

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
ZONE = "America/New_York"


def appointment(number: int = 1, **fields: Any) -> Appointment:
    common: dict[str, Any] = {
        "id": f"apt_{number}", "company_id": "com_1", "branch_id": "bra_1", "service_id": "svc_1", "staff_id": "stf_1",
        "customer_id": "cus_1", "starts_at": MONDAY, "ends_at": MONDAY + timedelta(minutes=45), "status": "confirmed",
        "source": "web", "created_at": MONDAY - timedelta(hours=30), "updated_at": MONDAY,
    }  # fmt: skip
    return Appointment(**common | fields)


def test_an_appointment_counts_on_the_day_it_was_booked_and_on_the_day_it_takes_place() -> None:
    # 09:00 UTC is 04:00 in New York; thirty hours before, it was Saturday, 22:00.
    made = appointment()
    booking = {"booked": 1, "lead": 1800, "source:web": 1}
    visit = {"due": 1, "service:svc_1": 1, "minutes": 45, "served:svc_1": 45, "hour:0:4": 1}
    assert contribution(made, ZONE) == {date(2026, 2, 28): booking, date(2026, 3, 2): visit}
    cancelled = contribution(appointment(status="cancelled"), ZONE)
    assert cancelled[date(2026, 3, 2)] == {"due": 1, "service:svc_1": 1, "cancelled": 1}
    assert contribution(appointment(status="no_show"), ZONE)[date(2026, 3, 2)] == visit | {"no_show": 1}
    same_day = contribution(appointment(created_at=MONDAY), ZONE)
    assert same_day == {date(2026, 3, 2): {"booked": 1, "source:web": 1} | visit}
    assert contribution(appointment(created_at=MONDAY + timedelta(hours=1)), ZONE)[date(2026, 3, 2)].get("lead") is None


def test_what_is_not_booked_counts_nowhere() -> None:
    for status in ("held", "released"):
        assert contribution(appointment(status=status), ZONE) == {}
        assert step(None, appointment(status=status), State(), lambda: ZONE) is None


def test_a_version_that_is_counted_changes_nothing() -> None:
    first = step(None, appointment(version=3), State(), lambda: ZONE)
    assert first is not None
    for version in (1, 2, 3):
        assert step(first.marker, appointment(version=version, status="cancelled"), State(), lambda: ZONE) is None


def test_the_clock_by_which_it_was_counted_stays() -> None:
    first = step(None, appointment(), State(), lambda: ZONE)
    assert first is not None
    second = step(first.marker, appointment(status="no_show", version=2), State(), lambda: "Asia/Tokyo")
    assert second is not None
    assert second.changes == {1: {date(2026, 3, 2): {"no_show": 1}}}


def test_who_read_the_state_before_a_rebuild_began_forgets_nothing() -> None:
    building = State(generation=1, building=2)
    first = step(None, appointment(), building, lambda: ZONE)
    assert first is not None
    late = step(first.marker, appointment(status="no_show", version=2), State(), lambda: ZONE)
    assert late is not None
    assert {n: one.version for n, one in late.marker.generations.items()} == {1: 2, 2: 1}
    # Its news comes again to one who knows of the rebuild, or the walk meets it: nothing is counted twice.
    again = step(late.marker, appointment(status="no_show", version=2), building, lambda: ZONE)
    assert again is not None
    assert again.changes == {2: {date(2026, 3, 2): {"no_show": 1}}}


@dataclass
class Books:
    """Appointments, their markers and the counters, with the store's condition on markers."""

    zone: str
    records: dict[int, list[Appointment]] = field(default_factory=dict)
    markers: dict[int, Marker] = field(default_factory=dict)
    state: State = field(default_factory=State)
    counters: dict[int, Days] = field(default_factory=dict)

    def count(self, number: int, reading: Appointment, before: Marker | None, state: State) -> None:
        """What a worker does who read these; a marker that someone wrote since makes it read again."""
        taken = step(before, reading, state, lambda: self.zone)
        if taken is None:
            return
        if self.markers.get(number) != before:
            self.count(number, self.records[number][-1], self.markers.get(number), self.state)
            return
        self.markers[number] = taken.marker
        for generation, days in taken.changes.items():
            self.counters[generation] = together([self.counters.get(generation, {}), days])

    def recounted(self) -> Days:
        return together(contribution(versions[-1], self.zone) for versions in self.records.values())


STATUSES = ("held", "requested", "confirmed", "cancelled", "declined", "no_show", "completed", "released")
CHANGE = st.tuples(st.just("change"), st.integers(0, 4), st.sampled_from(STATUSES), st.integers(-3000, 3000))
READ = st.tuples(st.just("read"), st.integers(0, 4), st.just(""), st.just(0))
WRITE = st.tuples(st.just("write"), st.integers(0, 30), st.just(""), st.just(0))
REBUILD = st.tuples(st.sampled_from(("begin", "walk", "end")), st.integers(0, 4), st.just(""), st.just(0))


@given(
    st.lists(st.one_of(CHANGE, READ, WRITE, REBUILD), max_size=60),
    st.sampled_from(("UTC", "America/New_York", "Asia/Kolkata")),
)
def test_counters_are_what_a_recount_finds(moves: list[tuple[str, int, str, int]], zone: str) -> None:
    books = Books(zone)
    readings: list[tuple[int, Appointment, Marker | None, State]] = []
    old_states = [books.state]
    for kind, number, status, minutes in moves:
        if kind == "change":
            versions = books.records.setdefault(number, [])
            at = MONDAY + timedelta(minutes=minutes)
            times = {"starts_at": at, "ends_at": at + timedelta(minutes=30)}
            versions.append(appointment(number, status=status, version=len(versions) + 1, **times))
        elif kind == "read" and number in books.records:
            # A worker reads now, and goes on whenever: late, twice, or after others. The state may be an older one.
            for state in old_states[-2:]:
                readings.append((number, books.records[number][-1], books.markers.get(number), state))
        elif kind == "write" and readings:
            books.count(*readings[number % len(readings)])
        else:
            _rebuild(books, kind)
            if books.state != old_states[-1]:
                old_states.append(books.state)
    for number, versions in books.records.items():  # the news of every last change arrives in the end
        books.count(number, versions[-1], books.markers.get(number), books.state)
    if books.state.building:
        _rebuild(books, "walk")
        _rebuild(books, "end")
    assert books.counters.get(books.state.generation, {}) == books.recounted()


def _rebuild(books: Books, kind: str) -> None:
    state = books.state
    if kind == "begin" and state.building is None:
        books.state = State(generation=state.generation, building=state.generation + 1)
    elif kind in ("walk", "end") and state.building:
        for number, versions in books.records.items():
            books.count(number, versions[-1], books.markers.get(number), state)
        if kind == "end":
            books.state = State(generation=state.building)
