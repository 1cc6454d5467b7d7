"""Groups by themselves: seats are never oversold, whatever joins and leaves; what is offered of them; policies."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.group import Group, Participant, in_time, opened, policy_to_open
from chalicelib.booking.availability.branch_calendar import BranchCalendar
from chalicelib.booking.availability.reasons import why_not
from chalicelib.booking.availability.search_index import compile_search
from chalicelib.booking.availability.slots import Able, FreeSlot, find_slots
from chalicelib.booking.calendar.entries import Entry, Kind, with_entry
from chalicelib.booking.engine.clocks import day_start, minute_of
from chalicelib.booking.engine.query import frame_of
from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import ANYONE, SERVICE, Branch, Part, Service, Staff
from chalicelib.booking.practice.policy import GroupPolicy, Policy, resolved
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.practice_admin.validation import policy_faults, service_faults
from chalicelib.core.references import Reference
from tests.booking.calendars import calendars_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MONDAY = datetime(2026, 3, 30, 7, tzinfo=UTC)
"""Nine o'clock in Berlin."""
EVENT_TYPE = Reference("calcom", SERVICE, "7", ANYONE)
MERGE = Policy(group=GroupPolicy(deadline_min=1440, below="merge"))
YOGA = Service(
    id="svc_yoga", company_id="com", number=1, name="Yoga", duration_min=60, seats=4, least_seats=2,
    slot_interval_min=60, policy=Policy(minimum_notice_min=0),
)  # fmt: skip


def who(number: int, seats: int = 1) -> Participant:
    return Participant(
        id=f"prt_{number}", customer_id=f"cus_{number}", seats=seats, source="api", joined_at=NOW
    )  # fmt: skip


def appointment(group: Group) -> Appointment:
    return Appointment(
        id="apt_00D1ZMFH9MM3HK4Z12GC", company_id="com", branch_id="bra", service_id="svc_yoga", staff_id="ada",
        customer_id="cus_1", starts_at=MONDAY, ends_at=MONDAY + timedelta(hours=1), service_number=1,
        status="confirmed", source="api", created_at=NOW, updated_at=NOW, group=group,
    )  # fmt: skip


STEPS = st.lists(st.tuples(st.sampled_from(["join", "leave"]), st.integers(0, 9), st.integers(1, 4)), max_size=60)


@given(st.integers(2, 8), STEPS)
def test_whatever_joins_and_leaves_seats_are_never_oversold(seats: int, steps: list[tuple[str, int, int]]) -> None:
    group = Group(seats=seats)
    held: dict[str, int] = {}
    for step, number, wanted in steps:
        one = who(number, wanted)
        if step == "join":
            may = wanted <= seats - sum(held.values()) and one.customer_id not in held
            assert group.takes((one,)) == may
            if may:
                group = group.joined(one)
                held[one.customer_id] = wanted
        else:
            group = group.without(one.id)
            held.pop(one.customer_id, None)
        assert group.taken == sum(held.values()) <= seats
        assert group.left == seats - group.taken
        kind = appointment(group).entry().kind
        assert kind is (Kind.BOOKING if group.taken == seats else Kind.GROUP)


def test_a_group_refuses_to_be_oversold_even_where_nobody_asked_whether_it_takes_them() -> None:
    with pytest.raises(AssertionError, match="never oversold"):
        Group(seats=2, participants=(who(1),)).joined(who(2, seats=2))
    with pytest.raises(AssertionError, match="never oversold"):
        Group(seats=3, participants=(who(1),)).joined(who(1))


def test_who_opens_a_group_after_its_deadline_could_not_be_joined_in_time_so_it_is_not_opened() -> None:
    service = replace(YOGA, policy=MERGE)
    assert policy_to_open(resolved(MERGE), service).minimum_notice_min == 1440
    assert policy_to_open(resolved(MERGE), replace(service, least_seats=1)).minimum_notice_min == 120
    kept = resolved(Policy(group=GroupPolicy(below="keep")))
    assert policy_to_open(kept, service) == kept
    early, late = MONDAY - timedelta(days=3), MONDAY - timedelta(hours=2)
    assert (made := opened(resolved(MERGE), service, who(1), MONDAY, early))
    assert made.deadline_min == 1440
    assert appointment(made).deadline() == MONDAY - timedelta(days=1)
    # Staff may override the notice; then nothing is looked at any more.
    assert (made := opened(resolved(MERGE), service, who(1), MONDAY, late))
    assert made.deadline_min is None
    assert opened(resolved(MERGE), replace(service, seats=1, least_seats=1), who(1), MONDAY, early) is None


def test_a_group_is_joined_up_to_the_notice_and_from_the_furthest_day_on() -> None:
    policy = resolved(Policy(minimum_notice_min=60, maximum_advance_days=10))
    assert in_time(policy, MONDAY, MONDAY - timedelta(minutes=60), "Europe/Berlin")
    assert not in_time(policy, MONDAY, MONDAY - timedelta(minutes=59), "Europe/Berlin")
    assert in_time(policy, MONDAY, MONDAY - timedelta(days=10), "Europe/Berlin")
    assert not in_time(policy, MONDAY, MONDAY - timedelta(days=11), "Europe/Berlin")
    off = replace(policy, off=("minimum_notice", "maximum_advance"))
    assert in_time(off, MONDAY, MONDAY - timedelta(days=99), "Europe/Berlin")
    assert not in_time(off, MONDAY, MONDAY, "Europe/Berlin")


def test_what_a_group_cannot_be_as_well_is_named() -> None:
    part_of = Service(
        id="svc_day", company_id="com", number=2, name="Spa day", duration_min=60, category="package",
        parts=(Part("svc_yoga"),),
    )  # fmt: skip
    wrong = replace(YOGA, least_seats=5, category="recurring", channel="text", mobile=True, references=(EVENT_TYPE,))
    found = [(fault.path, fault.code) for fault in service_faults(wrong, [part_of], [], [], "body")]
    assert ("body.least_seats", "more_than_seats") in found
    assert [code for path, code in found if path == "body.seats"] == ["no_groups_here"] * 3
    assert ("body.calcom_event_types", "no_groups_at_calcom") in found
    assert ("body.mobile", "part_of_package") in found
    open_all_day = Branch(id="bra", company_id="com", name="B", zone="UTC", hours=(Window(0, 0, 1440),))
    (fault,) = service_faults(part_of, [YOGA], [], [open_all_day], "body")
    assert (fault.path, fault.code) == ("body.parts[0].service_id", "stands_alone")
    late = Policy(maximum_advance_days=1, minimum_notice_min=0, group=GroupPolicy(deadline_min=1440))
    assert [fault.path for fault in policy_faults(late, "body.policy")] == ["body.policy.group.deadline_min"]


def searched(group: Group, staff: int = 1) -> list[FreeSlot]:
    """The Monday from nine to twelve, with a group at ten."""
    hours = (Window(0, 540, 720),)
    members = tuple(
        Staff(
            id=name, company_id="com", name=name, home_branch_id="bra", hours={"bra": hours}, service_ids=("svc_yoga",)
        )
        for name in ("ada", "ben")[:staff]
    )
    branch = Branch(id="bra", company_id="com", name="B", zone="Europe/Berlin", hours=hours)
    compiled = compile_search(Schedule(branch=branch, services=(YOGA,), staff=members))
    at_ten = MONDAY + timedelta(hours=1)
    kind = Kind.BOOKING if group.full else Kind.GROUP
    taken = {"ada": with_entry({}, Entry(at_ten, 60, 0, 0, kind, 1, bytes(12)), NOW)}
    at_ten_group = Appointment(
        id="apt", company_id="com", branch_id="bra", service_id="svc_yoga", staff_id="ada", customer_id="cus",
        starts_at=at_ten, ends_at=at_ten + timedelta(hours=1), status="confirmed", source="web", group=group,
        created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    first = day_start("Europe/Berlin", date(2026, 3, 30).toordinal())
    board = BranchCalendar(
        index=compiled,
        calendars=calendars_of(taken),
        frame=frame_of(first, first + 1500),
        first=first,
        last=first + 1440,
        now=NOW,
        groups=[] if group.full else [at_ten_group],
    )
    service = compiled.service("svc_yoga")
    assert service
    able = Able(compiled.staff)
    slots, _ = find_slots(board, service, able, None, 100)
    starts = {slot.start for slot in slots}
    for minute in range(first + 420, first + 720, 60):
        assert (why_not(board, service, able, None, minute)[0].code == "free") == (minute in starts)
    return slots


def seen(slots: list[FreeSlot]) -> list[tuple[int, tuple[str, ...], int | None]]:
    return [((slot.start - minute_of(MONDAY)) // 60, slot.staff_ids, slot.seats_left) for slot in slots]


def test_a_group_that_fills_is_offered_with_its_seats_and_a_full_one_not_at_all() -> None:
    half, full = Group(seats=4, participants=(who(1, 3),)), Group(seats=4, participants=(who(1, 4),))
    assert seen(searched(half)) == [(0, ("ada",), 4), (1, ("ada",), 1), (2, ("ada",), 4)]
    assert seen(searched(full)) == [(0, ("ada",), 4), (2, ("ada",), 4)]
    # Whoever else is free could begin another one beside it.
    both = ("ada", "ben")
    assert seen(searched(half, 2)) == [(0, both, 4), (1, ("ada",), 1), (1, ("ben",), 4), (2, both, 4)]
