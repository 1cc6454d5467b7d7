"""Cal.com answers late, twice, not at all, or with an error that in truth succeeded: afterwards both sides agree."""

import time
from typing import Any

import pytest

from chalicelib.core.errors import DomainError
from infra.local.demo_practice import Practice
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.booking.agreement import ours, recover
from tests.booking.test_changing import booked, call_off, move
from tests.calls.conftest import next_monday
from tests.integrations.calcom.agreement import assert_both_sides_agree

FAULTS: dict[str, tuple[dict[str, Any], bool]] = {
    "late": ({"delay_seconds": 1.3}, True),
    "twice": ({"twice": True}, True),
    "broken connection, done": ({"drop": True, "apply": True}, True),
    "broken connection, not done": ({"drop": True}, False),
    "500, done": ({"status": 500, "apply": True}, True),
    "503, not done": ({"status": 503}, False),
    "400, done": ({"status": 400, "apply": True}, True),
    "409, done": ({"status": 409, "apply": True}, True),
    "401, not done": ({"status": 401}, False),
    "429, not done": ({"status": 429}, False),
    "no JSON, done": ({"body": "<html>", "apply": True}, True),
}
"""How an answer goes wrong, and whether Cal.com acted."""
each_fault = pytest.mark.parametrize(("fault", "acted"), FAULTS.values(), ids=FAULTS.keys())


def settle_late(calcom: CalComSimulator) -> None:
    """A late request may still be under way when we have given it up."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(rule.delay_seconds for rule in calcom.faults.rules):
        if any(one["method"] == "POST" for one in calcom.requests[-1:]):
            break
        time.sleep(0.05)
    recover()


@each_fault
def test_booking(through_calcom: Practice, calcom: CalComSimulator, fault: dict[str, Any], acted: bool) -> None:
    calcom.fault(path="/v2/bookings", method="POST", **fault)
    try:
        booked(through_calcom)
    except DomainError:
        assert not acted
    settle_late(calcom)
    (made,) = ours()
    assert made.status == ("confirmed" if acted else "released")
    assert_both_sides_agree(calcom)


@each_fault
def test_rescheduling(through_calcom: Practice, calcom: CalComSimulator, fault: dict[str, Any], acted: bool) -> None:
    made = booked(through_calcom)
    calcom.requests.clear()
    calcom.fault(path="*/reschedule", **fault)
    try:
        move(made, next_monday(14))
    except DomainError:
        assert not acted
    settle_late(calcom)
    (found,) = ours()
    assert found.starts_at == (next_monday(14) if acted else made.starts_at)
    assert_both_sides_agree(calcom)


@each_fault
def test_cancelling(through_calcom: Practice, calcom: CalComSimulator, fault: dict[str, Any], acted: bool) -> None:
    made = booked(through_calcom)
    calcom.requests.clear()
    calcom.fault(path="*/cancel", **fault)
    refused = False
    try:
        call_off(made)
    except DomainError:
        refused = True
        assert not acted
    settle_late(calcom)
    (found,) = ours()
    # Whoever was not told that it failed may rely on it: what is unknown is asked for again.
    assert found.status == ("confirmed" if refused else "cancelled")
    assert_both_sides_agree(calcom)


@each_fault
def test_another_member(through_calcom: Practice, calcom: CalComSimulator, fault: dict[str, Any], acted: bool) -> None:
    made = booked(through_calcom)
    calcom.requests.clear()
    calcom.fault(path="/v2/bookings", method="POST", **fault)
    try:
        move(made, made.starts_at, staff="Ben Okafor")
    except DomainError:
        assert not acted
    settle_late(calcom)
    (found,) = ours()
    assert found.staff_id == through_calcom.staff[1 if acted else 0].id
    assert_both_sides_agree(calcom)
