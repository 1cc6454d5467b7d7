"""What is refused, overridden or waits, by the rules that fail."""

import pytest
from msgspec.structs import replace

from chalicelib.booking.practice.policy import Policy, RuleName
from chalicelib.booking.rules.rules import Failure
from chalicelib.booking.rules.verdict import Verdict
from tests.booking.rules.salon import ADA, BEN, facts


def failed(*rules: RuleName) -> tuple[Failure, ...]:
    """Failures of these rules."""
    return tuple(Failure(rule, f"{rule}_failed", f"{rule}.") for rule in rules)


def named(*rules: RuleName) -> tuple[RuleName, ...]:
    """Rules that are not to matter."""
    return rules


def test_whatever_fails_is_refused_unless_it_is_overridden() -> None:
    verdict = Verdict(failed=failed("minimum_notice", "limits"), override=("limits", "blocklist"))
    assert [one.rule for one in verdict.refused] == ["minimum_notice"]
    assert (verdict.overridden, verdict.unlimited, verdict.any_hours) == (("limits",), True, False)
    assert verdict.audit_details() == {"overridden": "limits"}
    assert Verdict(failed=failed("limits")).audit_details() == {}


def test_a_rule_that_fails_twice_is_overridden_once() -> None:
    twice = failed("rescheduling", "rescheduling", "staff_availability")
    verdict = Verdict(failed=twice, override=("rescheduling", "staff_availability"))
    assert verdict.overridden == ("rescheduling", "staff_availability")
    assert verdict.any_hours


def test_a_deposit_that_is_waited_for_refuses_nothing_and_overrides_nothing() -> None:
    verdict = Verdict(failed=failed("deposit", "limits"), awaits_deposit=True)
    assert [one.rule for one in verdict.refused] == ["limits"]
    assert verdict.overridden == ()
    assert [one.rule for one in replace(verdict, awaits_deposit=False).refused] == ["deposit", "limits"]


def test_what_is_switched_off_matters_no_more_than_what_is_overridden() -> None:
    off = Verdict(policy=Policy(off=("staff_availability", "limits")))
    assert off.any_hours
    assert not off.unlimited  # what is switched off is not counted at all
    assert off.with_room([ADA, BEN], facts(("staff", "ada", 2))) == [ADA, BEN]
    assert Verdict().with_room([ADA, BEN], facts(("staff", "ada", 2), ("staff", "ben", 1))) == [BEN]


def test_one_member_of_staff_with_room_is_enough() -> None:
    found = facts(("staff", "ada", 2), ("staff", "ben", 1), ("service", "svc", 1))
    assert [usage.what for usage in found.that_matter([ADA, BEN])] == ["service"]
    assert [usage.record_id for usage in found.that_matter([ADA])] == ["ada", "ben", "svc"]
    assert not found.without({"ada#staff#day#2026-11-23"}).usages.keys() & {next(iter(found.usages))}


@pytest.mark.parametrize("rule", ["limits", "daily_maximum"])
def test_either_limit_may_be_exceeded_once_its_rule_is_overridden(rule: RuleName) -> None:
    assert Verdict(failed=failed(rule), override=named(rule)).unlimited
    assert not Verdict(failed=failed(rule), override=named("minimum_notice")).unlimited
    assert not Verdict(failed=failed("minimum_notice"), override=named(rule)).unlimited


def test_a_full_day_of_the_branch_leaves_nobody_out_and_overridden_limits_let_everyone_do_it() -> None:
    ada_full = facts(("staff", "ada", 2))
    day = Verdict(failed=failed("daily_maximum"), override=named("daily_maximum"))
    assert day.with_room([ADA, BEN], ada_full) == [BEN]
    assert Verdict(failed=failed("limits"), override=named("limits")).with_room([ADA, BEN], ada_full) == [ADA, BEN]


def test_all_that_was_overridden_is_audited_in_order() -> None:
    rules: tuple[RuleName, ...] = ("minimum_notice", "limits")
    assert Verdict(failed=failed(*rules), override=rules).audit_details() == {"overridden": "minimum_notice,limits"}
