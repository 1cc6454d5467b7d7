"""The quota as a rule: never more than FIC admits in any stretch of time, and waits that are long enough, not more."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.accounting.quota import LIMITS, SLOT_SECONDS, Quota

BEGAN = datetime(2026, 11, 20, 12, 0, 7, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def made(*steps: tuple[float, int]) -> Quota:
    """After so many calls at so many seconds."""
    quota = Quota()
    for seconds, calls in steps:
        assert quota.wait(calls, after(seconds)) == 0
        quota = quota.at(after(seconds)).taken(calls)
    return quota


def test_what_fic_grants_can_be_taken_at_once_and_not_one_more() -> None:
    assert made((0, 299)).wait(1, BEGAN) == 0
    full = made((0, 299), (0, 1))
    assert 300 <= full.wait(1, BEGAN) <= 300 + SLOT_SECONDS
    assert full.at(BEGAN).left == 0


def test_the_wait_ends_when_it_says() -> None:
    full = made((0, 100), (60, 200))
    wait = full.wait(50, after(61))
    assert full.wait(50, after(61 + wait)) == 0
    assert full.wait(50, after(61 + wait - SLOT_SECONDS)) > 0
    assert full.wait(150, after(61)) > wait


def test_the_hour_has_a_limit_of_its_own() -> None:
    quota = made((0, 300), (6 * 60, 300), (12 * 60, 300), (18 * 60, 100))
    wait = quota.wait(1, after(18 * 60 + 400))
    assert 3600 - 18 * 60 - 400 <= wait <= 3600 - 18 * 60 - 400 + SLOT_SECONDS


def test_more_than_is_ever_granted_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="301"):
        Quota().wait(301, BEGAN)


def test_it_stays_small() -> None:
    quota = made(*((second, 1) for second in range(0, 5 * 3600, 7)))
    assert len(quota.earlier) <= 3600 // SLOT_SECONDS + 1


def test_a_clock_that_is_behind_counts_in_the_slot_of_the_others() -> None:
    quota = made((100, 250))
    assert quota.wait(51, BEGAN) > 0
    assert quota.at(BEGAN) == quota


@given(st.lists(st.tuples(st.floats(0, 400), st.integers(1, 40)), max_size=60))
def test_no_stretch_of_time_ever_holds_more(steps: list[tuple[float, int]]) -> None:
    quota, now = Quota(), 0.0
    calls_made: list[tuple[float, int]] = []
    for pause, calls in steps:
        now += pause
        admits = quota.wait(calls, after(now)) == 0
        assert admits == (quota.at(after(now)).left >= calls)
        if admits:
            quota = quota.at(after(now)).taken(calls)
            calls_made.append((now, calls))
    for limit in LIMITS:
        for end, _ in calls_made:
            assert sum(calls for at, calls in calls_made if end - limit.seconds < at <= end) <= limit.calls


@given(st.lists(st.integers(1, 100), min_size=1, max_size=12), st.integers(1, 100))
def test_whoever_waits_as_told_gets_in(taken: list[int], calls: int) -> None:
    quota, now = Quota(), 0.0
    for each in taken:
        now += quota.wait(each, after(now))
        quota = quota.at(after(now)).taken(each)
    wait = quota.wait(calls, after(now))
    assert quota.wait(calls, after(now + wait)) == 0
    assert wait == 0 or quota.wait(calls, after(now + wait - SLOT_SECONDS)) > 0
