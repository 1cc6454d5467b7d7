"""A refusal, and who adds alternatives to it."""

from datetime import UTC, datetime

import pytest

from chalicelib.booking.alternatives import search
from chalicelib.booking.alternatives.add import with_alternatives
from chalicelib.booking.alternatives.refusal import NotBookable, RefusedRequest, SlotTaken
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.policy import RuleName
from chalicelib.booking.rules.rules import Failure

CUT = Service(id="svc", company_id="com", number=1, name="Cut", duration_min=30, consultation_id="svc_talk")
AT = datetime(2026, 11, 23, 15, tzinfo=UTC)
REFUSED = RefusedRequest(company_id="com", branch_id="bra", service=CUT, staff=None, starts_at=AT, now=AT)


def failed(*rules: RuleName) -> tuple[Failure, ...]:
    return tuple(Failure(rule, f"{rule}_failed", f"{rule}.") for rule in rules)


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
