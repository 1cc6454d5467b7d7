"""Slots of staff, skills and rooms together against a minute-by-minute reading, limits, packages, and reasons."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.booking.availability.branch_calendar import BranchCalendar
from chalicelib.booking.availability.reasons import Reason, why_not
from chalicelib.booking.availability.search_index import SearchIndex, compile_search
from chalicelib.booking.availability.slots import Able, FreeSlot, find_slots
from chalicelib.booking.calendar.entries import Days, Entry, Kind, with_entry
from chalicelib.booking.engine.clocks import day_start, minute_of
from chalicelib.booking.engine.query import frame_of
from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import Branch, Part, Resource, Service, Skill, Staff
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.practice.schedule import Schedule
from tests.booking.calendars import calendars_of
from tests.sizes import examples

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MONDAY = date(2026, 3, 30)
NINE = 9 * 60
MORNING = (Window(0, NINE, 12 * 60),)
BOOK = Policy(minimum_notice_min=0)
LASER = Service(
    id="svc_laser", company_id="com", number=1, name="Laser", duration_min=60, skills=("laser",), policy=BOOK,
    resources=("room", "device"),
)  # fmt: skip
WASH = Service(id="svc_wash", company_id="com", number=2, name="Wash", duration_min=30, policy=BOOK)


def member(name: str, **fields: Any) -> Staff:
    return Staff(
        id=name, company_id="com", name=name, home_branch_id="bra", hours={"bra": MORNING},
        service_ids=("svc_laser", "svc_wash"), **fields,
    )  # fmt: skip


def search_index_of(
    staff: tuple[Staff, ...], *services: Service, rooms: tuple[str, ...] = ("room", "device")
) -> SearchIndex:
    branch = Branch(id="bra", company_id="com", name="B", zone="Europe/Berlin", hours=MORNING)
    resources = tuple(
        Resource(id=f"{kind}{n}", company_id="com", branch_id="bra", kind=kind, name="x")
        for n, kind in enumerate(rooms)
    )
    schedule = Schedule(branch=branch, services=services or (LASER, WASH), staff=staff, resources=resources)
    # As it comes out of the table.
    return msgspec.json.decode(msgspec.json.encode(compile_search(schedule)), type=SearchIndex)


def at(minute: int) -> datetime:
    """A minute of the Monday's local clock."""
    return datetime.fromtimestamp(day_start("Europe/Berlin", MONDAY.toordinal()) * 60, UTC) + timedelta(minutes=minute)


def branch_day(branch: SearchIndex, taken: Mapping[str, Days]) -> BranchCalendar:
    first, last = (day_start(branch.zone, MONDAY.toordinal() + n) for n in (0, 1))
    return BranchCalendar(
        index=branch,
        calendars=calendars_of(taken),
        frame=frame_of(first, last + 240),
        first=first,
        last=last,
        now=NOW,
    )


def booked(*minutes: int, length: int = 60, number: int = 1) -> Days:
    days: dict[date, bytes] = {}
    for n, minute in enumerate(minutes):
        entry = Entry(at(minute), length, 0, 0, Kind.BOOKING, number, bytes([n]).ljust(12))
        days |= with_entry(days, entry, NOW)
    return days


def slots(branch: SearchIndex, service: Service, taken: Mapping[str, Days], only: str | None = None) -> list[FreeSlot]:
    offered = branch.service(service.id)
    assert offered is not None
    return find_slots(branch_day(branch, taken), offered, Able(branch.staff, only), None, 1000)[0]


def local(found: list[FreeSlot]) -> list[int]:
    return [slot.start - minute_of(at(0)) for slot in found]


TAKEN = st.lists(st.integers(0, 12).map(lambda n: NINE + 15 * n), max_size=2, unique=True)
LAPSED = date(2026, 3, 29)
SKILL = st.sampled_from(
    [(), (Skill("Laser"),), (Skill("laser", valid_until=MONDAY),), (Skill("laser", valid_until=LAPSED),)]
)


@settings(max_examples=examples(60))
@given(st.tuples(TAKEN, TAKEN, TAKEN, TAKEN, TAKEN), st.tuples(SKILL, SKILL))
def test_a_slot_is_offered_exactly_where_one_assignment_holds(
    taken: tuple[list[int], ...], skills: tuple[tuple[Skill, ...], ...]
) -> None:
    branch = search_index_of(
        (member("ada", skills=skills[0]), member("ben", skills=skills[1])), rooms=("room", "room", "device")
    )
    owners = ("ada", "ben", "room0", "room1", "device2")
    found = slots(branch, LASER, {owner: booked(*at) for owner, at in zip(owners, taken, strict=True)})
    busy = dict(zip(owners, taken, strict=True))

    def free(owner: str, start: int) -> bool:
        return all(start >= other + 60 or other >= start + 60 for other in busy[owner])

    able = [
        m for m, has in zip(("ada", "ben"), skills, strict=True) if any(s.valid_until in (None, MONDAY) for s in has)
    ]
    expected = {}
    for start in range(NINE, 11 * 60 + 1, 15):
        who = tuple(owner for owner in able if free(owner, start))
        rooms = [owner for owner in ("room0", "room1") if free(owner, start)]
        if who and rooms and free("device2", start):
            expected[start] = (who, (rooms[0], "device2"))
    assert {start: (slot.staff_ids, slot.room_ids) for start, slot in zip(local(found), found, strict=True)} == expected
    everything = branch_day(branch, {owner: booked(*when) for owner, when in busy.items()})
    for start in range(NINE, 11 * 60 + 1, 15):
        why = why_not(everything, branch.services[0], Able(branch.staff), None, minute_of(at(start)))
        assert (why == [Reason("free")]) == (start in expected)
        assert why


def test_a_day_on_which_a_limit_is_reached_offers_nothing_and_says_so() -> None:
    branch = search_index_of((member("ada", daily_maximum=2),))
    taken = {"ada": booked(NINE, 10 * 60, length=30, number=2)}
    assert slots(branch, WASH, taken) == []
    why = why_not(branch_day(branch, taken), branch.services[1], Able(branch.staff), None, minute_of(at(11 * 60)))
    assert why == [Reason("limit_reached", "ada")]
    weekly = replace(WASH, policy=Policy(minimum_notice_min=0, service_limits=Limits(per_week=2)))
    assert slots(search_index_of((member("ada"), member("ben")), weekly), weekly, taken) == []
    assert (
        len(slots(search_index_of((member("ada"),), replace(weekly, number=3)), replace(weekly, number=3), taken)) > 0
    )


def test_reasons_name_the_rule_the_entry_and_the_room() -> None:
    branch = search_index_of((member("ada", skills=(Skill("laser"),)), member("ben")))
    taken = {"ada": booked(10 * 60), "room0": booked(NINE)}
    whole = branch_day(branch, taken)

    def why(minute: int) -> set[Reason]:
        return set(why_not(whole, branch.services[0], Able(branch.staff), None, minute_of(at(minute))))

    assert why(NINE) == {Reason("skill_missing", "ben"), Reason("taken", room_id="room0", by="booking")}
    assert Reason("taken", "ada", by="booking") in why(10 * 60)
    wash = why_not(whole, branch.services[1], Able(branch.staff), None, minute_of(at(11 * 60 + 5)))
    assert wash == [Reason("off_the_grid")]
    assert Reason("ends_after_hours", "ada") in why(11 * 60 + 30)
    assert why_not(whole, branch.services[0], Able(()), None, minute_of(at(NINE)))[0] == Reason("nobody_able")


def test_a_package_takes_who_is_requested_and_others_for_what_they_do_not_do() -> None:
    parts = (Part("svc_wash"), Part("svc_laser", gap_min=30))
    both = Service(
        id="svc_both", company_id="com", number=3, name="Both", duration_min=90, category="package", parts=parts,
        policy=BOOK,
    )  # fmt: skip
    ada, ben = member("ada", skills=(Skill("laser"),)), replace(member("ben"), service_ids=("svc_wash",))
    branch = search_index_of((ada, ben), LASER, WASH, both)
    taken = {"ada": booked(NINE, length=45)}
    found = slots(branch, both, taken)
    first = [(p.service_id, p.start - minute_of(at(0)), p.staff_id, p.room_ids) for p in found[0].parts]
    # Ben washes at nine; Ada is free a quarter of an hour after that is done.
    assert first == [
        ("svc_wash", NINE, "ben", ()),
        ("svc_laser", NINE + 45, "ada", ("room0", "device1")),
    ]
    assert local(slots(branch, both, taken, "ada"))[0] == NINE + 45
    assert slots(branch, both, taken, "nobody") == []
    assert all(slot.parts[-1].end <= minute_of(at(12 * 60)) for slot in found)
    why = why_not(branch_day(branch, taken), branch.services[2], Able(branch.staff), None, minute_of(at(11 * 60)))
    assert why[0] == Reason("package_does_not_fit")
