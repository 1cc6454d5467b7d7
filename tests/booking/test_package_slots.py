"""Packages in availability against trying everything, minute by minute; and what is offered is what is booked."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.booking.alternatives.package_solver import PackageProblem
from chalicelib.booking.availability.branch_calendar import BranchCalendar
from chalicelib.booking.availability.search_index import SearchIndex, compile_search
from chalicelib.booking.availability.slots import Able, FreeSlot, find_slots
from chalicelib.booking.calendar.entries import Days, Entry, Kind, with_entry
from chalicelib.booking.engine.clocks import day_start, minute_of
from chalicelib.booking.engine.query import frame_of
from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import Branch, Part, Resource, Service, Skill, Staff
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.practice_admin.compile_schedule import compile_schedule
from tests.booking.calendars import calendars_of
from tests.sizes import examples

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MONDAY = date(2026, 3, 30)
MIDNIGHT = datetime(2026, 3, 29, 22, tzinfo=UTC)
"""Of that Monday in Berlin."""
NINE, NOON = 9 * 60, 12 * 60
OPEN = (Window(0, NINE, NOON),)
STEP = 15
NAMES = ("ada", "ben", "cleo")
ROOMS = ("room0", "room1", "tub0")
Busy = dict[str, list[tuple[int, int]]]


def schedule(draw: st.DrawFn, policy: Policy = Policy()) -> Schedule:
    """Three services in one, by up to three members of staff, of whom Cleo is at home in another branch."""
    services = [
        Service(
            id=f"svc_{n}",
            company_id="com",
            number=n + 1,
            name=f"S{n}",
            duration_min=draw(st.sampled_from([15, 30, 45])),
            buffer_before_min=draw(st.sampled_from([0, 0, 5])),
            buffer_after_min=draw(st.sampled_from([0, 0, 10])),
            skills=draw(st.sampled_from([(), (), ("laser",)])),
            resources=draw(st.sampled_from([(), ("room",), ("room", "tub"), ("room", "room")])),
        )
        for n in range(2)
    ]
    parts = draw(st.lists(st.sampled_from([0, 1]), min_size=1, max_size=3))
    package = Service(
        id="svc_p",
        company_id="com",
        number=9,
        name="P",
        duration_min=1,
        category="package",
        policy=msgspec.structs.replace(policy, minimum_notice_min=0),
        parts=tuple(Part(f"svc_{n}", draw(st.sampled_from([0, 0, 10, 30]))) for n in parts),
    )
    staff = [
        Staff(
            id=name,
            company_id="com",
            name=name,
            home_branch_id="bra" if name != "cleo" else "other",
            hours={"bra": draw(st.sampled_from([OPEN, OPEN, (Window(0, 10 * 60, NOON),)]))},
            service_ids=draw(st.sampled_from([("svc_0", "svc_1"), ("svc_0",), ("svc_1",)])),
            skills=draw(st.sampled_from([(), (Skill("Laser"),), (Skill("laser", valid_until=date(2026, 3, 29)),)])),
        )
        for name in NAMES
    ]
    branch = Branch(id="bra", company_id="com", name="B", zone="Europe/Berlin", hours=OPEN)
    rooms = [
        Resource(id=one, company_id="com", branch_id="bra", kind=one[:-1], name=one, hours=hours)
        for one, hours in zip(ROOMS, (None, (Window(0, NINE, 11 * 60),), None), strict=True)
    ]
    return compile_schedule(branch, [*services, package], staff, rooms, NOW.date())


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Schedule, Busy]:
    starts = st.integers(0, 11).map(lambda n: NINE + 15 * n)
    taken = st.lists(st.tuples(starts, st.sampled_from([15, 30])), max_size=2, unique_by=lambda one: one[0])
    return schedule(draw), {owner: draw(taken) for owner in (*NAMES, *ROOMS)}


def days_of(busy: Busy) -> dict[str, Days]:
    found: dict[str, Days] = {}
    for owner, taken in busy.items():
        days: dict[date, bytes] = {}
        for n, (start, length) in enumerate(taken):
            at = MIDNIGHT + timedelta(minutes=start)
            days |= with_entry(days, Entry(at, length, 0, 0, Kind.BOOKING, 1, bytes([n]).ljust(12)), NOW)
        found[owner] = days
    return found


def search_index_of(found: Schedule) -> SearchIndex:
    return msgspec.json.decode(msgspec.json.encode(compile_search(found)), type=SearchIndex)


def slots(found: Schedule, taken: Mapping[str, Days], only: str | None = None) -> list[FreeSlot]:
    branch = search_index_of(found)
    first, last = (day_start(branch.zone, MONDAY.toordinal() + n) for n in (0, 1))
    branch_day = BranchCalendar(
        index=branch,
        calendars=calendars_of(taken),
        frame=frame_of(first, last + 300),
        first=first,
        last=last,
        now=NOW,
    )
    package = branch.service("svc_p")
    return find_slots(branch_day, package, Able(branch.staff, only), None, 500)[0] if package else []


def placements(found: Schedule, busy: Busy, start: int) -> Iterator[list[tuple[int, str, tuple[str, ...]]]]:
    """Every way in which the package can begin at that minute, by trying them all."""
    package = found.find_service("svc_p")
    assert package
    parts = [(found.service(part.service_id, ""), part.gap_min) for part in package.parts]
    for gaps in product(*(range(0, (gap if n else 0) + 1, 5) for n, (_, gap) in enumerate(parts))):
        times = [start + sum(s.duration_min for s, _ in parts[:n]) + sum(gaps[: n + 1]) for n in range(len(parts))]
        options = [list(_takers(found, busy, part, at)) for (part, _), at in zip(parts, times, strict=True)]
        for chosen in product(*options):
            placed = [(at, *who) for at, who in zip(times, chosen, strict=True)]
            if not _meet([part for part, _ in parts], placed):
                yield placed


def _takers(found: Schedule, busy: Busy, part: Service, at: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    ends = at + part.duration_min

    def free(owner: str) -> bool:
        first, last = at - part.buffer_before_min, ends + part.buffer_after_min
        return all(start + length <= first or last <= start for start, length in busy[owner])

    def open_at(windows: tuple[Window, ...] | None) -> bool:
        return any(max(w.start, NINE) <= at and ends <= min(w.end, NOON) for w in windows or OPEN)

    for member in found.staff:
        able = part.id in member.service_ids and member.can(part.skills, MONDAY)
        if able and open_at(member.hours["bra"]) and free(member.id):
            kinds = [
                [r.id for r in found.resources if r.kind == kind and open_at(r.hours) and free(r.id)]
                for kind in part.resources
            ]
            for rooms in product(*kinds):
                if len(set(rooms)) == len(rooms):
                    yield member.id, rooms


def _meet(parts: list[Service], placed: list[tuple[int, str, tuple[str, ...]]]) -> bool:
    takes = [
        (owner, at - part.buffer_before_min, at + part.duration_min + part.buffer_after_min, n)
        for n, (part, (at, staff, rooms)) in enumerate(zip(parts, placed, strict=True))
        for owner in (staff, *rooms)
    ]
    return any(a[0] == b[0] and a[1] < b[2] and b[1] < a[2] for a, b in product(takes, takes) if a[3] < b[3])


@settings(max_examples=examples(120))
@given(worlds())
def test_a_package_is_offered_exactly_where_it_can_be_and_booked_wherever_it_is_offered(
    world: tuple[Schedule, Busy],
) -> None:
    found, busy = world
    package = found.find_service("svc_p")
    if package is None:  # nobody does one of its parts
        return
    taken = days_of(busy)
    offered = {slot.start - minute_of(MIDNIGHT): slot for slot in slots(found, taken)}
    assert list(offered) == sorted(offered)
    for start in range(NINE - STEP, NOON + STEP, STEP):
        every = list(placements(found, busy, start))
        assert (start in offered) == bool(every), start
        at = MIDNIGHT + timedelta(minutes=start)
        problem = PackageProblem(schedule=found, package=package, taken=calendars_of(taken), starts_at=at, now=NOW)
        solved = problem.solve(found.staff)
        assert (solved is not None) == bool(every), start
        if solved:
            shown = [(minute_of(p.starts_at) - minute_of(MIDNIGHT), p.staff.id, p.room_ids) for p in solved]
            assert shown in every
            assert [(p.start, p.staff_id, p.room_ids) for p in offered[start].parts] == [
                (minute_of(p.starts_at), p.staff.id, p.room_ids) for p in solved
            ]


@settings(max_examples=examples(40))
@given(worlds(), st.sampled_from(NAMES), st.permutations(NAMES))
def test_whoever_is_preferred_what_is_offered_is_booked(
    world: tuple[Schedule, Busy], only: str, order: list[str]
) -> None:
    found, busy = world
    package = found.find_service("svc_p")
    if package is None:
        return
    taken = days_of(busy)
    ranked = sorted(found.staff, key=lambda member: order.index(member.id))
    for slot in slots(found, taken, only):
        at = MIDNIGHT + timedelta(minutes=slot.start - minute_of(MIDNIGHT))
        problem = PackageProblem(
            schedule=found, package=package, taken=calendars_of(taken), starts_at=at, now=NOW, only=only
        )
        solved = problem.solve(ranked)
        assert solved
        assert all(one.ends_at <= other.starts_at for one, other in pairwise(solved))
        mine = next(member for member in found.staff if member.id == only)
        assert all(part.staff.id == only for part in solved if part.service.id in mine.service_ids)


def test_packages_count_once_to_the_branch_and_to_themselves() -> None:
    entries: list[Any] = [(NINE, "ada"), (NINE + 30, "ben"), (NINE + 60, "ada"), (NINE + 90, "ben")]
    days: dict[str, dict[date, bytes]] = {"ada": {}, "ben": {}}
    for n, (start, who) in enumerate(entries):  # two packages of two parts
        at = MIDNIGHT + timedelta(minutes=start)
        days[who] |= with_entry(days[who], Entry(at, 30, 0, 0, Kind.BOOKING, 9, bytes([n]).ljust(12)), NOW)
    cut = Service(id="svc_0", company_id="com", number=1, name="S0", duration_min=30)
    staff = [
        Staff(id=n, company_id="com", name=n, home_branch_id="bra", hours={"bra": OPEN}, service_ids=("svc_0",))
        for n in ("ada", "ben")
    ]

    def offered(of_package: Policy, of_branch: Policy) -> int:
        both = (Part("svc_0"), Part("svc_0"))
        package = Service(
            id="svc_p", company_id="com", number=9, name="P", duration_min=60, category="package", parts=both,
            policy=msgspec.structs.replace(of_package, minimum_notice_min=0),
        )  # fmt: skip
        branch = Branch(id="bra", company_id="com", name="B", zone="Europe/Berlin", hours=OPEN, policy=of_branch)
        return len(slots(compile_schedule(branch, [cut, package], staff, [], NOW.date()), days))

    anyhow = offered(Policy(), Policy())
    assert anyhow > 0
    assert offered(Policy(service_limits=Limits(per_day=3)), Policy(daily_maximum=3)) == anyhow
    assert offered(Policy(service_limits=Limits(per_day=2)), Policy()) == 0
    assert offered(Policy(), Policy(daily_maximum=2)) == 0
    assert offered(Policy(staff_limits=Limits(per_day=2)), Policy()) == 0
