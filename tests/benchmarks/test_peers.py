"""What the peers know and this house does not: seats, routing, limits by calendar, windows and starts of teams."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers import windows
from benchmarks.peers.limits import days_ahead, full, period_of, window_end
from benchmarks.peers.query import TeamHost as Host
from benchmarks.peers.routing import choose
from benchmarks.peers.seats import Taken, attendance, blocked_windows, with_a_seat
from benchmarks.peers.starts import TeamSpec as SlotSpec
from benchmarks.peers.starts import aligned, rounded
from chalicelib.booking.engine import starts as of_one
from chalicelib.booking.engine.clocks import day_start
from chalicelib.booking.engine.hours import Hours
from chalicelib.booking.engine.starts import Alignment
from chalicelib.booking.engine.windows import continuous
from tests.booking.engine.test_parts import minutes, spans


@given(spans)
def test_windows_of_a_team_are_sets_of_minutes(some: list[tuple[int, int]]) -> None:
    assert minutes(windows.merged(some)) == minutes(some)
    assert minutes(windows.without_contained(some)) == minutes(some)
    assert minutes(windows.clipped(some, 10, 30)) == minutes(some) & set(range(10, 30))
    kept = windows.without_contained(some)
    assert not [a for a in kept for b in kept if a != b and b[0] <= a[0] and a[1] <= b[1]]


def test_windows_that_touch_stay_apart() -> None:
    assert windows.merged([(0, 5), (5, 9), (8, 12)]) == [(0, 5), (5, 12)]


@given(spans, st.integers(1, 9), st.integers(1, 9), st.integers(0, 3), st.sampled_from(["rounded", "gap"]))
def test_one_alone_starts_as_the_engine_has_it(
    some: list[tuple[int, int]], duration: int, step: int, offset: int, alignment: Alignment
) -> None:
    free = continuous(some)
    team = SlotSpec(duration=duration, step=step, offset=offset, alignment=alignment)
    assert aligned(free, team, "Asia/Kathmandu") == of_one.aligned(free, team, "Asia/Kathmandu")


def test_periods_follow_the_calendar_and_weeks_start_on_sunday() -> None:
    day = date(2024, 2, 29).toordinal()
    assert [date.fromordinal(number).isoformat() for number in period_of("week", day)] == ["2024-02-25", "2024-03-03"]
    assert [date.fromordinal(number).isoformat() for number in period_of("month", day)] == ["2024-02-01", "2024-03-01"]
    assert [date.fromordinal(number).isoformat() for number in period_of("year", day)] == ["2024-01-01", "2025-01-01"]


def test_a_period_is_full_when_one_more_would_be_too_many() -> None:
    monday = date(2026, 6, 1).toordinal()
    midnight = day_start("UTC", monday)
    assert full({"day": 2}, [(monday, 1), (monday, 1)], 1, "UTC", (monday, monday + 1)) == [(midnight, midnight + 1440)]
    assert full({"day": 3}, [(monday, 1), (monday, 1)], 1, "UTC", (monday, monday + 1)) == []
    assert len(full({"day": 30}, [], 60, "UTC", (monday, monday + 1))) == 2
    assert full({"day": 0}, [(monday, 1)], 1, "UTC", (monday, monday)) == []


def test_weekends_may_be_left_out_of_account() -> None:
    friday = date(2024, 5, 31).toordinal()
    assert days_ahead(friday, 2, True) == friday + 2
    assert days_ahead(friday, 2, False) == friday + 4
    assert window_end(friday, 2, False, {friday, friday + 1, friday + 4}) == friday + 4
    assert window_end(friday, 2, True, ()) == friday + 61


def test_a_group_with_a_seat_left_keeps_only_the_time_around_it() -> None:
    spec = SlotSpec(duration=60, step=60, before=5, after=10)
    group = Taken(start=600, end=660, before=1, after=2, same_service=True, people=2)
    assert blocked_windows([group], spec, 3) == ([], [(589, 600), (660, 667)])
    assert blocked_windows([group], spec, 2) == ([(599, 662)], [])
    other = Taken(start=600, end=660)
    assert blocked_windows([other], spec, 3) == ([(600, 660)], [])
    assert with_a_seat([540, 600, 630, 660], [group], 60, 2) == [540, 660]
    assert with_a_seat([540, 600], [group], 60, 3) == [540, 600]
    assert with_a_seat([570], [other], 60, 3) == []
    assert attendance([540, 600], [group, other]) == {600: 2}


def test_a_stretch_falls_in_with_the_starts_of_another() -> None:
    spec = SlotSpec(duration=45, step=45)
    assert rounded([(660, 780), (675, 780)], spec, "UTC") == [660, 705]
    assert rounded([(660, 780), (790, 900)], spec, "UTC") == [660, 705, 795, 840]
    saving = SlotSpec(duration=20, step=20, optimized=True)
    assert rounded([(610, 750)], saving, "UTC") == [610, 630, 650, 670, 690, 710, 730]


def test_preferences_that_nobody_fulfils_are_left_out_of_account() -> None:
    hours = Hours(zone="UTC", weekly=((),) * 7)
    ada, bob, eve = (Host(id=name, hours=hours, fixed=False) for name in ("ada", "bob", "eve"))
    everyone = [ada, bob, eve]
    assert choose(everyone).first == (ada, bob, eve)
    assert choose(everyone, preferred="bob") == choose(everyone, preferred="bob", routed=["nobody"])
    assert (choose(everyone, preferred="bob").first, choose(everyone, preferred="bob").others) == (
        (bob,),
        (ada, bob, eve),
    )
    assert choose(everyone, routed=["eve"]).first == (eve,)
    assert choose(everyone, preferred="bob", routed=["eve"]).others == (eve, bob)
    assert choose(everyone, preferred="bob", before="ada").first == (ada,)
    assert choose(everyone, routed=["eve"], before="ada").first == (eve,)
