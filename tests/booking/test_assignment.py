"""Whom a booking goes to: preference first, then as the policy says; ties are stable."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.booking.allocation.assignment import Candidate, How, Preference, candidate, ranked
from chalicelib.booking.calendar.entries import Entry, Kind
from chalicelib.booking.practice.models import Gender, Skill, Staff

DAY = date(2026, 11, 23)


def member(name: str, weight: int = 1, priority: int = 0, gender: Gender | None = None, *languages: str) -> Staff:
    return Staff(
        id=f"stf_{name}",
        company_id="com_test",
        name=name,
        home_branch_id="bra_1",
        hours={},
        service_ids=(),
        weight=weight,
        priority=priority,
        gender=gender,
        languages=languages,
    )


def order(candidates: list[Candidate], how: How, preference: Preference = Preference()) -> list[str]:
    return [one.member.name for one in ranked(candidates, DAY, how, preference)]


def test_the_least_loaded_for_their_weight_goes_first() -> None:
    full_time, half = member("full", weight=2), member("half", weight=1)
    assert order([Candidate(half, 2), Candidate(full_time, 3)], "least_loaded") == ["full", "half"]
    assert order([Candidate(half, 1), Candidate(full_time, 3)], "least_loaded") == ["half", "full"]


def test_round_robin_takes_whose_latest_booking_is_the_oldest() -> None:
    found = [Candidate(member("a"), 0, b"\x03"), Candidate(member("b"), 9, b"\x01"), Candidate(member("c"), 9, b"")]
    assert order(found, "round_robin") == ["c", "b", "a"]


def test_priority_goes_before_load() -> None:
    found = [Candidate(member("idle"), 0), Candidate(member("first", priority=5), 7)]
    assert order(found, "priority") == ["first", "idle"]


def test_a_preference_goes_before_everything_and_leaves_nobody_out() -> None:
    busy = member("busy", 1, 0, "female", "it", "de")
    found = [Candidate(member("idle", 1, 9, "male", "de"), 0), Candidate(busy, 7)]
    for how in ("least_loaded", "round_robin", "priority"):
        assert order(found, how, Preference(gender="female", language="IT")) == ["busy", "idle"]


def test_a_preferred_skill_counts_while_its_certificate_is_valid() -> None:
    def skilled(until: date) -> Candidate:
        return Candidate(replace(member("b"), skills=(Skill("Lymph", valid_until=until),)))

    other = Candidate(member("a"))
    preference = Preference(skill="lymph")
    assert order([other, skilled(DAY)], "least_loaded", preference) == ["b", "a"]
    assert order([other, skilled(DAY - timedelta(days=1))], "least_loaded", preference) == ["a", "b"]


@given(st.permutations(range(5)), st.lists(st.integers(0, 2), min_size=5, max_size=5))
def test_the_order_does_not_depend_on_the_order_asked(shuffled: list[int], loads: list[int]) -> None:
    found = [Candidate(member(str(n)), loads[n]) for n in range(5)]
    expected = order(found, "least_loaded")
    assert order([found[n] for n in shuffled], "least_loaded") == expected
    assert [loads[int(name)] for name in expected] == sorted(loads)


@pytest.mark.parametrize(("kind", "load"), [(Kind.BOOKING, 1), (Kind.HOLD, 1), (Kind.TIME_OFF, 0)])
def test_the_load_is_what_is_booked_on_the_local_day(kind: Kind, load: int) -> None:
    late = datetime(2026, 11, 24, 2, tzinfo=UTC)  # still Monday in New York
    entry = Entry(late, 30, 0, 0, kind, 1, b"\x01" * 12)
    assert candidate(member("a"), [entry], DAY, ZoneInfo("America/New_York")).load == load
    assert candidate(member("a"), [entry], DAY, ZoneInfo("UTC")).load == 0
