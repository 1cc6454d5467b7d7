"""Deposits: what is due by the policy, and what was paid of it, to the last minor unit."""

from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.rules.deposits import due, paid
from chalicelib.core.errors import Conflict
from tests.booking.rules.salon import appointment

OWING = appointment(deposit_due_minor=5000, currency="EUR")
FACTS: dict[str, Any] = {"id": "apt_1"}


@pytest.mark.parametrize(
    ("policy", "minor"),
    [
        (Policy(), 0),
        (Policy(deposit_minor=0), 0),
        (Policy(deposit_minor=5000), 5000),
        (Policy(deposit_minor=5000, off=("deposit",)), 0),
        (Policy(deposit_minor=5000, off=("limits",)), 5000),
    ],
)
def test_a_deposit_is_due_unless_its_rule_is_off(policy: Policy, minor: int) -> None:
    assert due(policy) == minor


@pytest.mark.parametrize("minor", [5000, 5001])
def test_what_covers_the_deposit_is_noted(minor: int) -> None:
    after, details = paid(OWING, minor, without=False, facts=FACTS)
    assert after == replace(OWING, deposit_minor=minor)
    assert details == {"deposit": f"{minor} EUR"}


@pytest.mark.parametrize("minor", [None, 0, 4999])
def test_less_is_refused_with_the_figure_and_what_stands(minor: int | None) -> None:
    with pytest.raises(Conflict) as refused:
        paid(OWING, minor, without=False, facts=FACTS)
    assert refused.value.code == "deposit_required"
    assert refused.value.detail == "A deposit of 50.00 EUR was asked for; say what was paid."
    assert refused.value.extra == {"current": FACTS, "amount_minor": 5000}


def test_less_will_do_where_staff_say_so_and_the_history_names_it() -> None:
    assert paid(OWING, None, without=True, facts=FACTS) == (OWING, {"overridden": "deposit"})
    after, details = paid(OWING, 4999, without=True, facts=FACTS)
    assert (after.deposit_minor, details) == (4999, {"deposit": "4999 EUR", "overridden": "deposit"})
    # Nothing is overridden where enough was paid.
    assert paid(OWING, 5000, without=True, facts=FACTS)[1] == {"deposit": "5000 EUR"}


def test_what_was_paid_before_counts_and_may_be_corrected() -> None:
    had = replace(OWING, deposit_minor=5000)
    assert paid(had, None, without=False, facts=FACTS) == (had, {})
    with pytest.raises(Conflict):
        paid(had, 10, without=False, facts=FACTS)


def test_without_a_deposit_nothing_is_asked_and_a_figure_needs_no_currency() -> None:
    free = appointment()
    assert paid(free, None, without=False, facts=FACTS) == (free, {})
    assert paid(free, 7, without=False, facts=FACTS)[1] == {"deposit": "7"}
