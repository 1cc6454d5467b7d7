"""What a search offers around mobile services is what a booking would grant; and the reason if it is not."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.booking.allocation.choose import ChoiceQuery, NewEntry, choose, entry_for
from chalicelib.booking.allocation.context import BranchContext
from chalicelib.booking.availability.branch_calendar import BranchCalendar
from chalicelib.booking.availability.reasons import Reason, why_not
from chalicelib.booking.availability.search_index import SearchIndex, compile_search
from chalicelib.booking.availability.slots import Able, find_slots
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Entry, Kind, first_clash
from chalicelib.booking.calendar.owner import owner_of
from chalicelib.booking.calendar.reach import too_far
from chalicelib.booking.calendar.travel_time import in_time
from chalicelib.booking.engine.clocks import day_start, minute_of, moment_of
from chalicelib.booking.engine.query import frame_of
from chalicelib.booking.practice.geo import Point, Roads, Travel
from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import Branch, GeoAddress, Service, Staff
from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.practice.schedule import Schedule
from tests.sizes import examples

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = date(2026, 3, 30)
ZONE = "America/New_York"
"""Its evening is the next day in UTC."""
BRANCH, FAR = GeoAddress(40.75, -74.0), GeoAddress(40.75, -73.6)
"""33.7 km apart."""
CLOSER = GeoAddress(40.75, -73.75)
"""12.6 km from there: 19 minutes."""
NEAR = st.builds(GeoAddress, st.sampled_from([40.7, 40.75, 40.8, 40.9]), st.sampled_from([-74.1, -74.0, -73.8]))


def practice(
    mobile: bool, travel: Travel = Travel(), home: GeoAddress | None = None, place: GeoAddress | None = BRANCH
) -> Schedule:
    hours = tuple(Window(day, 14 * 60, 22 * 60) for day in range(5))
    service = Service(
        id="svc", company_id="com", number=1, name="Haircut", duration_min=45, buffer_before_min=5,
        slot_interval_min=20, mobile=mobile, policy=Policy(minimum_notice_min=0, travel=travel),
    )  # fmt: skip
    ada = Staff(
        id="ada",
        company_id="com",
        name="Ada",
        home_branch_id="bra",
        hours={"bra": hours},
        service_ids=("svc",),
        home=home,
    )
    branch = Branch(id="bra", company_id="com", name="B", zone=ZONE, hours=hours, place=place)
    return Schedule(branch=branch, services=(service,), staff=(ada,))


def calendar(schedule: Schedule, *entries: Entry) -> Calendar:
    empty = Calendar(owner_of(schedule.staff[0]), base=schedule.branch.point)
    return empty.with_entries(entries, NOW)


def entry(minute: int, place: GeoAddress | None, number: int = 0, **fields: Any) -> Entry:
    at = moment_of(day_start(ZONE, DAY.toordinal())) + timedelta(minutes=minute)
    made = Entry(at, 30, 0, 0, Kind.BOOKING, 9, bytes([number]).ljust(12), point=place.point() if place else None)
    return replace(made, **fields)


def branch_day(schedule: Schedule, taken: Calendar, here: Point) -> BranchCalendar:
    # As the compilation comes out of the table.
    branch = msgspec.json.decode(msgspec.json.encode(compile_search(schedule)), type=SearchIndex)
    first, last = (day_start(ZONE, DAY.toordinal() + n) for n in (0, 1))
    return BranchCalendar(
        index=branch,
        calendars={"ada": taken},
        frame=frame_of(first, last + 60),
        first=first,
        last=last,
        now=NOW,
        here=here,
    )


def offered(made: BranchCalendar) -> set[int]:
    found, _ = find_slots(made, made.index.services[0], Able(made.index.staff), None, 1000)
    return {slot.start for slot in found}


def why(made: BranchCalendar, start: int) -> list[Reason]:
    return why_not(made, made.index.services[0], Able(made.index.staff), None, start)


HELD = st.lists(st.tuples(st.integers(13 * 12, 23 * 12), st.none() | NEAR), max_size=4)
TRAVEL = st.builds(
    Travel, speed_kmh=st.sampled_from([15, 40, 200]), fixed_min=st.integers(0, 20), within_hours=st.booleans()
)


@settings(max_examples=examples(150))
@given(HELD, st.booleans(), TRAVEL, st.none() | NEAR, st.sampled_from([BRANCH, None]), NEAR)
def test_every_slot_that_is_offered_is_granted_and_no_other(
    held: list[tuple[int, GeoAddress | None]],
    mobile: bool,
    travel: Travel,
    home: GeoAddress | None,
    place: GeoAddress | None,
    here: GeoAddress,
) -> None:
    schedule = practice(mobile, travel, home, place)
    roads = Roads(travel)
    taken = calendar(schedule)
    kept: list[Entry] = []
    for number, (at, where) in enumerate(held):
        late = entry(at * 5, where, number)
        if not first_clash(taken.days, late, NOW) and not too_far(taken, late, roads, NOW):
            kept.append(late)
            taken = calendar(schedule, *kept)
    made = branch_day(schedule, taken, here.point())
    slots = offered(made)
    context = BranchContext(schedule=schedule, calendars=[taken])
    service = schedule.services[0]
    for start in range(made.first, made.last, 20):
        late = entry_for(service, moment_of(start), bytes(12), point=here.point() if mobile else None)
        new = NewEntry(late, NOW)
        granted = choose(context, ChoiceQuery(service=service, able=schedule.staff, new=new, roads=roads))
        assert (granted is not None) == (start in slots), (late, kept)
        assert (why(made, start) == [Reason("free")]) == (start in slots)


def test_who_is_under_way_is_not_free_and_the_reason_is_the_way() -> None:
    schedule = practice(mobile=True)
    taken = calendar(schedule, entry(18 * 60, None))
    at = minute_of(entry(18 * 60, None).start)
    near, far = (branch_day(schedule, taken, place.point()) for place in (BRANCH, FAR))
    assert {at - 60, at + 40} <= offered(near)
    assert {at - 60, at + 40}.isdisjoint(offered(far))
    assert {at - 100, at + 100} <= offered(far)
    assert why(far, at - 60) == why(far, at + 60) == [Reason("travel", "ada")]
    assert why(far, at) == [Reason("taken", "ada", by="booking")]
    plain = practice(mobile=False)
    beside = branch_day(plain, calendar(plain, entry(18 * 60, FAR)), FAR.point())
    assert why(beside, at + 60) == [Reason("travel", "ada")]
    assert at + 100 in offered(beside)


def test_the_way_from_home_and_back_lies_in_working_hours_only_where_the_policy_says_so() -> None:
    opens = day_start(ZONE, DAY.toordinal()) + 14 * 60
    for home, first in ((None, 60), (CLOSER, 40)):
        own_time = branch_day(practice(mobile=True, home=home), calendar(practice(mobile=True)), FAR.point())
        assert opens in offered(own_time)
        paid = practice(mobile=True, travel=Travel(within_hours=True), home=home)
        made = branch_day(paid, calendar(paid), FAR.point())
        assert min(offered(made)) == opens + first
        assert why(made, opens) == [Reason("travel", "ada")]
    assert max(offered(made)) == opens + 8 * 60 - 80
    nowhere = practice(mobile=True, travel=Travel(within_hours=True), place=None)
    assert opens in offered(branch_day(nowhere, calendar(nowhere), FAR.point()))


def test_time_off_and_what_has_lapsed_is_spent_nowhere() -> None:
    schedule = practice(mobile=True)
    off = entry(18 * 60, None, kind=Kind.TIME_OFF)
    lapsed = entry(20 * 60, BRANCH, 1, kind=Kind.HOLD, expires_at=NOW - timedelta(minutes=1))
    made = branch_day(schedule, calendar(schedule, off, lapsed), FAR.point())
    assert {minute_of(off.start) - 60, minute_of(off.start) + 40, minute_of(lapsed.start)} <= offered(made)
    late = entry(18 * 60 + 30, FAR, 2)
    assert in_time(schedule, calendar(schedule, off, lapsed), late, Roads(), NOW)
