"""What is refused, overridden or waits, by the rules that fail; and who adds alternatives to a refusal."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from chalicelib.booking.alternatives import search
from chalicelib.booking.alternatives.add import with_alternatives
from chalicelib.booking.alternatives.refusal import NotBookable, RefusedRequest, SlotTaken
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import Policy, RuleName
from chalicelib.booking.rules.facts import RuleFacts
from chalicelib.booking.rules.limits import Counter
from chalicelib.booking.rules.rules import Failure
from chalicelib.booking.rules.verdict import Verdict

ADA, BEN = (
    Staff(id=one, company_id="com", name=one, home_branch_id="bra", hours={}, service_ids=()) for one in ("ada", "ben")
)
CUT = Service(id="svc", company_id="com", number=1, name="Cut", duration_min=30, consultation_id="svc_talk")
AT = datetime(2026, 11, 23, 15, tzinfo=UTC)
REFUSED = RefusedRequest(company_id="com", branch_id="bra", service=CUT, staff=None, starts_at=AT, now=AT)


def failed(*rules: RuleName) -> tuple[Failure, ...]:
    return tuple(Failure(rule, f"{rule}_failed", f"{rule}.") for rule in rules)


def full(*owners: tuple[str, str, int]) -> RuleFacts:
    """Facts with one limit of 2 for each owner: what, whose, how many are booked."""
    counters = {Counter(what, record_id, what, "day#2026-11-23", 2): booked for what, record_id, booked in owners}
    return RuleFacts(usages={counter: counter.usage(booked) for counter, booked in counters.items()})


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
    assert off.with_room([ADA, BEN], full(("staff", "ada", 2))) == [ADA, BEN]
    assert Verdict().with_room([ADA, BEN], full(("staff", "ada", 2), ("staff", "ben", 1))) == [BEN]


def test_one_member_of_staff_with_room_is_enough() -> None:
    facts = full(("staff", "ada", 2), ("staff", "ben", 1), ("service", "svc", 1))
    assert [usage.what for usage in facts.that_matter([ADA, BEN])] == ["service"]
    assert [usage.record_id for usage in facts.that_matter([ADA])] == ["ada", "ben", "svc"]
    assert not facts.without({"ada#staff#day#2026-11-23"}).usages.keys() & {next(iter(facts.usages))}


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[RefusedRequest, bool]]:
    """What alternatives were looked for."""
    made: list[tuple[RefusedRequest, bool]] = []

    def find(refused: RefusedRequest, *, consultation: bool) -> list[search.Shown]:
        made.append((refused, consultation))
        return [{"starts_at": "then"}]

    monkeypatch.setattr(search, "find_alternatives", find)
    return made


def test_a_refusal_knows_no_alternatives_until_it_leaves_a_use_case(
    searched: list[tuple[RefusedRequest, bool]],
) -> None:
    taken = SlotTaken(REFUSED)
    assert (taken.code, taken.extra, searched) == ("slot_taken", {}, [])
    with pytest.raises(SlotTaken), with_alternatives(), with_alternatives():
        raise taken
    assert taken.extra == {"alternatives": [{"starts_at": "then"}]}
    assert searched == [(REFUSED, False)]  # once, however many use cases it leaves


def test_after_a_missing_consultation_times_for_that_are_looked_for(
    searched: list[tuple[RefusedRequest, bool]],
) -> None:
    with pytest.raises(NotBookable) as refused, with_alternatives():
        raise NotBookable(REFUSED, failed("limits", "consultation"))
    assert searched == [(REFUSED, True)]
    assert list(refused.value.extra) == ["failures", "alternatives"]
    assert refused.value.detail == "limits. consultation."


@pytest.mark.parametrize("rule", ["blocklist", "deposit", "rescheduling"])
def test_where_no_other_time_helps_none_is_looked_for(
    searched: list[tuple[RefusedRequest, bool]], rule: RuleName
) -> None:
    with pytest.raises(NotBookable) as refused, with_alternatives():
        raise NotBookable(REFUSED, failed("minimum_notice", rule))
    assert (refused.value.extra["alternatives"], searched) == ([], [])
