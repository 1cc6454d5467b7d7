"""Every rule of booking at both sides of its boundary, with what it tells people."""

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import Skill
from chalicelib.booking.practice.policy import Policy, RuleName
from chalicelib.booking.rules.rules import RULES, Failure, RuleInput, described, failures, full, spoken
from tests.booking.rules.salon import ADA, BEN, CUT, MONDAY, NOW, TALK, TEN, booking, salon, usage

MINUTE = timedelta(minutes=1)


def fails(rule: RuleName, rule_input: RuleInput) -> Failure | None:
    """What one rule says."""
    return RULES[rule](rule_input)


def test_nothing_stands_against_an_ordinary_booking() -> None:
    assert failures(booking()) == []


@pytest.mark.parametrize(
    ("notice", "ahead", "message"),
    [
        (None, timedelta(), None),
        (None, -MINUTE, "Book at least some time ahead."),
        (120, timedelta(hours=2), None),
        (120, timedelta(hours=2, microseconds=-1), "Book at least 2 hours ahead."),
        (1, MINUTE, None),
        (1, timedelta(seconds=59), "Book at least 1 minute ahead."),
    ],
)
def test_minimum_notice_is_met_to_the_instant(notice: int | None, ahead: timedelta, message: str | None) -> None:
    rule_input = booking(NOW + ahead, policy=Policy(minimum_notice_min=notice))
    expected = message and Failure("minimum_notice", "too_soon", message)
    assert fails("minimum_notice", rule_input) == expected


@pytest.mark.parametrize(
    ("days", "starts_in", "allowed"),
    [
        # NOW is 13:00 in Berlin: the last day that may be booked ends eleven hours later than so many times 24 hours.
        (1, timedelta(days=1, hours=11) - MINUTE, True),
        (1, timedelta(days=1, hours=11), False),
        (30, timedelta(days=30, hours=11) - MINUTE, True),
        (30, timedelta(days=30, hours=11), False),
        (None, timedelta(days=4000), True),
    ],
)
def test_the_last_day_that_may_be_booked_is_one_of_the_branchs_calendar(
    days: int | None, starts_in: timedelta, allowed: bool
) -> None:
    rule_input = booking(NOW + starts_in, policy=Policy(maximum_advance_days=days))
    message = f"Times are bookable up to {days} days ahead."
    expected = None if allowed else Failure("maximum_advance", "too_far_ahead", message)
    assert fails("maximum_advance", rule_input) == expected


@pytest.mark.parametrize(("days", "allowed"), [(1, True), (2, False)])
def test_it_is_the_branchs_date_that_days_are_counted_from(days: int, allowed: bool) -> None:
    late = NOW.replace(hour=23, minute=30)  # the next day in Berlin
    rule_input = booking(late + timedelta(days=days), now=late, policy=Policy(maximum_advance_days=1))
    assert (fails("maximum_advance", rule_input) is None) == allowed
    early = booking(late - timedelta(hours=1) + timedelta(days=1), now=late, schedule=salon(zone="Pacific/Honolulu"))
    assert early.day == date(2026, 11, 21)


@pytest.mark.parametrize(
    ("begins", "minutes", "allowed"),
    [
        (-120, 30, True),  # 8:00, when it opens
        (-121, 30, False),
        (570, 30, True),  # until 20:00, when it closes
        (570, 31, False),
        (600, 30, False),
    ],
)
def test_an_appointment_lies_within_opening_hours(begins: int, minutes: int, allowed: bool) -> None:
    rule_input = booking(TEN + begins * MINUTE, minutes)
    expected = None if allowed else Failure("business_hours", "closed", "Mitte is closed at this time.")
    assert fails("business_hours", rule_input) == expected


def test_hours_that_meet_at_midnight_are_one_stretch_of_either_day() -> None:
    night = (Window(0, 20 * 60, 1440), Window(1, 0, 4 * 60))
    for start in (TEN.replace(hour=22, minute=30), TEN.replace(day=24, hour=0)):  # 23:30 and 1:00 in Berlin
        assert fails("business_hours", booking(start, 60, schedule=salon(hours=night))) is None
    gap = (Window(0, 20 * 60, 1439), Window(1, 0, 4 * 60))
    assert fails("business_hours", booking(TEN.replace(hour=22, minute=30), 60, schedule=salon(hours=gap)))


@pytest.mark.parametrize(
    ("begins", "minutes", "allowed"),
    [(-60, 30, True), (-61, 30, False), (390, 30, True), (390, 31, False)],
)
def test_an_appointment_lies_within_someones_working_hours(begins: int, minutes: int, allowed: bool) -> None:
    rule_input = booking(TEN + begins * MINUTE, minutes)
    failure = Failure("staff_availability", "not_working", "Nobody who does this works at this time.")
    assert fails("staff_availability", rule_input) == (None if allowed else failure)


def test_one_who_works_then_is_enough_and_must_be_the_one_who_is_able() -> None:
    away = replace(BEN, hours={})
    skilled = replace(CUT, skills=("colour",))
    assert fails("staff_availability", booking(staff=(away, ADA))) is None
    unable = Failure("staff_availability", "no_one_able", "Nobody with the required skills is there.")
    assert fails("staff_availability", booking(staff=())) == unable
    assert fails("staff_availability", booking(service=skilled)) == unable
    able = replace(away, skills=(Skill("Colour"),))
    not_working = fails("staff_availability", booking(service=skilled, staff=(able, ADA)))
    assert not_working is not None
    assert not_working.code == "not_working"


@pytest.mark.parametrize(("until", "allowed"), [(MONDAY, True), (MONDAY - timedelta(days=1), False)])
def test_a_certificate_is_valid_on_its_last_day(until: date, allowed: bool) -> None:
    holder = replace(ADA, skills=(Skill("colour", valid_until=until),))
    rule_input = booking(service=replace(CUT, skills=("colour",)), staff=(holder,))
    assert (fails("staff_availability", rule_input) is None) == allowed


@pytest.mark.parametrize(
    ("fields", "minutes", "allowed"),
    [
        ({}, 30, True),
        ({}, 29, False),
        ({}, 31, False),
        ({"category": "recurring"}, 30, True),
        ({"category": "recurring"}, 45, False),
        ({"category": "package"}, 200, True),
        # Without a longest length there is but one.
        ({"category": "flexible"}, 30, True),
        ({"category": "flexible"}, 45, False),
        ({"longest_min": 90}, 45, False),
        ({"category": "flexible", "longest_min": 60}, 15, False),
        ({"category": "flexible", "longest_min": 60}, 30, True),
        ({"category": "flexible", "longest_min": 60}, 40, False),
        ({"category": "flexible", "longest_min": 60}, 45, True),
        ({"category": "flexible", "longest_min": 60}, 60, True),
        ({"category": "flexible", "longest_min": 60}, 75, False),
        ({"category": "flexible", "longest_min": 60, "duration_min": 20}, 35, True),
    ],
)
def test_a_length_is_one_of_the_services(fields: dict[str, Any], minutes: int, allowed: bool) -> None:
    rule_input = booking(minutes=minutes, service=replace(CUT, **fields))
    message = f"Cut is not offered with {minutes} minutes."
    expected = None if allowed else Failure("service_availability", "length_not_offered", message)
    assert fails("service_availability", rule_input) == expected


def test_the_blocked_are_not_told_so() -> None:
    assert fails("blocklist", booking(blocked=False)) is None
    assert fails("blocklist", booking(blocked=True)) == Failure("blocklist", "not_bookable", "Please call us to book.")


DAY_FULL = Failure("daily_maximum", "day_full", "This day is fully booked.")
LIMIT = Failure("limits", "limit_reached", "No more of these can be booked in this period.")


@pytest.mark.parametrize("booked", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("what", "rule", "other", "failure"),
    [
        ("branch", "daily_maximum", "limits", DAY_FULL),
        ("service", "limits", "daily_maximum", LIMIT),
        ("staff", "limits", "daily_maximum", LIMIT),
        ("customer", "limits", "daily_maximum", LIMIT),
    ],
)
def test_a_limit_is_reached_by_the_last_one_it_allows(
    what: str, rule: RuleName, other: RuleName, failure: Failure, booked: int
) -> None:
    rule_input = booking(usages=(usage("none", 0), usage(what, booked)))
    assert fails(rule, rule_input) == (failure if booked >= 2 else None)
    assert fails(other, rule_input) is None
    assert full(rule_input.usages) == ([failure] if booked >= 2 else [])


def test_a_full_day_and_another_limit_are_told_of_both() -> None:
    assert full([usage("customer", 2), usage("branch", 2)]) == [DAY_FULL, LIMIT]
    assert full([]) == []


@pytest.mark.parametrize(
    ("due", "paid", "allowed"), [(None, 0, True), (0, 0, True), (1, 0, False), (5000, 4999, False)]
)
def test_a_deposit_is_paid_in_full(due: int | None, paid: int, allowed: bool) -> None:
    failed = fails("deposit", booking(policy=Policy(deposit_minor=due), paid_minor=paid))
    assert (failed is None) == allowed


def test_what_is_to_be_paid_is_told_as_a_figure_too() -> None:
    asking = Policy(deposit_minor=5000)
    failure = Failure("deposit", "deposit_required", "A deposit of 50.00 USD is required first.", 5000)
    assert fails("deposit", booking(policy=asking, paid_minor=4999, schedule=salon(currency="USD"))) == failure
    assert fails("deposit", booking(policy=asking, paid_minor=5000)) is None


def test_a_consultation_comes_first_where_one_is_required() -> None:
    needing = replace(CUT, consultation_id=TALK.id)
    assert fails("consultation", booking(consulted=False)) is None
    assert fails("consultation", booking(service=needing, consulted=True)) is None
    failure = Failure("consultation", "consultation_required", "Book Talk first; Cut follows it.")
    assert fails("consultation", booking(service=needing, consulted=False)) == failure
    gone = fails("consultation", booking(service=replace(CUT, consultation_id="svc_gone"), consulted=False))
    assert gone is not None
    assert gone.message == "Book a consultation first; Cut follows it."


def test_all_failures_come_together_in_the_order_of_the_rules_and_none_that_is_off() -> None:
    night = booking(
        NOW - timedelta(hours=12),
        40,
        service=replace(CUT, consultation_id=TALK.id),
        policy=Policy(deposit_minor=1),
        blocked=True,
        consulted=False,
        usages=(usage("branch", 2), usage("staff", 2)),
    )
    expected: list[RuleName] = [
        "minimum_notice", "business_hours", "staff_availability", "service_availability", "blocklist",
        "daily_maximum", "limits", "deposit", "consultation",
    ]  # fmt: skip
    assert [one.rule for one in failures(night)] == expected
    for rule in expected:
        off = replace(night, policy=replace(night.policy, off=(rule,)))
        assert [one.rule for one in failures(off)] == [one for one in expected if one != rule]


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "some time"), (1, "1 minute"), (59, "59 minutes"), (60, "1 hour"), (61, "61 minutes"), (90, "90 minutes"),
        (120, "2 hours"), (1439, "1439 minutes"), (1440, "1 day"), (1500, "25 hours"), (2880, "2 days"),
    ],
)  # fmt: skip
def test_lengths_are_spoken_in_the_largest_unit_that_fits(minutes: int, said: str) -> None:
    assert spoken(timedelta(minutes=minutes)) == said
    assert spoken(timedelta(minutes=minutes, seconds=59)) == said


def test_failures_are_described_with_a_figure_only_where_there_is_one() -> None:
    assert described([DAY_FULL, Failure("deposit", "deposit_required", "Pay.", 0)]) == [
        {"rule": "daily_maximum", "code": "day_full", "message": "This day is fully booked."},
        {"rule": "deposit", "code": "deposit_required", "message": "Pay.", "amount_minor": 0},
    ]
