"""What counts towards limits: which counters a booking adds to, of which day, week and month, and when one is full."""

from datetime import date, datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.booking.practice.models import Staff
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.rules.limits import Counter, LimitQuery, Period, ends, full_staff, limits_of_staff, periods
from chalicelib.booking.rules.rules import LimitUsage
from tests.booking.rules.salon import ADA, BEN, CUT, MONDAY, salon, usage

ALL = Limits(per_day=1, per_week=2, per_month=3)


def counters(policy: Policy, *staff: Staff, customer_id: str | None = None) -> list[Counter]:
    """What a haircut on Monday adds to."""
    service = replace(CUT, policy=policy)
    return LimitQuery(salon(service), service, staff, customer_id, MONDAY).counters()


def test_a_plain_service_counts_nowhere() -> None:
    assert counters(Policy(), ADA, customer_id="cus") == []
    assert periods(None, MONDAY) == []
    assert periods(Limits(), MONDAY) == []


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2026, 11, 22), date(2026, 11, 16)),  # a Sunday
        (date(2026, 11, 23), date(2026, 11, 23)),
        (date(2026, 11, 29), date(2026, 11, 23)),
        (date(2027, 1, 1), date(2026, 12, 28)),
    ],
)
def test_a_day_lies_in_its_own_week_from_monday_and_in_its_own_month(day: date, week: date) -> None:
    month = f"{day.year}-{day.month:02}"
    assert periods(ALL, day) == [Period(f"day#{day}", 1), Period(f"week#{week}", 2), Period(f"month#{month}", 3)]


@pytest.mark.parametrize(
    ("limits", "keys"),
    [
        (Limits(per_day=5), ["day#2026-11-23"]),
        (Limits(per_week=5), ["week#2026-11-23"]),
        (Limits(per_month=5), ["month#2026-11"]),
    ],
)
def test_only_periods_with_a_limit_count(limits: Limits, keys: list[str]) -> None:
    assert [(one.key, one.most) for one in periods(limits, MONDAY)] == [(key, 5) for key in keys]


def test_each_limit_has_a_counter_of_whom_it_is_about() -> None:
    policy = Policy(
        daily_maximum=9,
        service_limits=Limits(per_week=7),
        staff_limits=Limits(per_day=5),
        customer_limits=Limits(per_month=2),
    )
    found = counters(policy, ADA, BEN, customer_id="cus")
    assert found == [
        Counter("branch", "bra", "branch", "day#2026-11-23", 9),
        Counter("service", "bra", "svc_cut", "week#2026-11-23", 7),
        Counter("staff", "ada", "staff", "day#2026-11-23", 5),
        Counter("staff", "ben", "staff", "day#2026-11-23", 5),
        Counter("customer", "cus", "customer", "month#2026-11", 2),
    ]
    assert [one.name for one in found] == [
        "bra#branch#day#2026-11-23",
        "bra#svc_cut#week#2026-11-23",
        "ada#staff#day#2026-11-23",
        "ben#staff#day#2026-11-23",
        "cus#customer#month#2026-11",
    ]
    assert found[1].usage(6) == LimitUsage("service", "bra", "week#2026-11-23", 6, 7)
    # Nobody's own counters while it is unknown who comes or who does it.
    assert [one.what for one in counters(policy)] == ["branch", "service"]


def test_limits_that_are_off_are_not_counted() -> None:
    policy = Policy(daily_maximum=9, service_limits=ALL, staff_limits=ALL, customer_limits=ALL)
    off = replace(policy, off=("limits",))
    assert [one.what for one in counters(off, ADA, customer_id="cus")] == ["branch"]
    day_off = replace(policy, off=("daily_maximum",))
    expected = ["service"] * 3 + ["staff"] * 3 + ["customer"] * 3
    assert [one.what for one in counters(day_off, ADA, customer_id="cus")] == expected
    assert counters(replace(policy, off=("limits", "daily_maximum")), ADA, customer_id="cus") == []


@pytest.mark.parametrize(
    ("policys", "own", "most"), [(None, None, None), (3, None, 3), (None, 2, 2), (3, 2, 2), (2, 3, 2)]
)
def test_a_member_of_staff_has_the_lesser_daily_maximum(policys: int | None, own: int | None, most: int | None) -> None:
    member = replace(ADA, daily_maximum=own)
    assert limits_of_staff(Policy(staff_limits=Limits(per_day=policys, per_week=8)), member) == Limits(
        per_day=most, per_week=8
    )
    assert limits_of_staff(Policy(), member).per_day == own


def test_staff_are_full_from_their_limit_on() -> None:
    usages = [
        usage("staff", 1, record_id="ada"),
        usage("staff", 2, record_id="ben"),
        usage("service", 2, record_id="svc_cut"),
        usage("staff", 3, record_id="cleo"),
    ]
    assert full_staff(usages) == {"ben", "cleo"}


@pytest.mark.parametrize(
    ("period", "end"),
    [
        ("day#2026-11-30", date(2026, 12, 1)),
        ("week#2026-12-28", date(2027, 1, 4)),
        ("month#2026-12", date(2027, 1, 1)),
        ("month#2026-02", date(2026, 3, 4)),
    ],
)
def test_a_counter_is_kept_until_its_period_is_over(period: str, end: date) -> None:
    assert ends(period) == end


def test_a_counter_is_never_forgotten_within_its_period() -> None:
    day = date(2024, 1, 1)
    while day < date(2028, 1, 1):
        assert all(ends(one.key) > day for one in periods(ALL, day))
        day += timedelta(days=1)


def test_a_query_is_about_the_branchs_company() -> None:
    assert LimitQuery(salon(), CUT, (), None, datetime(2026, 11, 23).date()).company_id == "com"
