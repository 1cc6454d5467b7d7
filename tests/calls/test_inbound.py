"""The inbound-call webhook: what the agent learns before it speaks, and that nobody else learns anything."""

import json
from typing import Any

import pytest

from chalicelib.booking.practice.hours import Window
from chalicelib.calls import inbound
from chalicelib.core import aws as aws_clients
from chalicelib.core.clock import now
from chalicelib.vendors.retell import webhook as retell
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, call
from tests.calls.conftest import signed
from tests.calls.desk import MINE, MONDAY, SATURDAY, booked, practice_that_speaks

ALL_WEEK = tuple(Window(day, 0, 24 * 60) for day in range(7))
BERLIN_NUMBER = "+493055501000"


def inbound_call(from_number: str | None = MINE, to_number: str | None = BERLIN_NUMBER) -> Answer:
    body = {
        "event": "call_inbound",
        "call_inbound": {"agent_id": "agent_1", "from_number": from_number, "to_number": to_number},
    }
    return signed("/webhooks/retell/inbound", body)


def answered(from_number: str | None = MINE, to_number: str | None = BERLIN_NUMBER) -> dict[str, Any]:
    answer = inbound_call(from_number, to_number)
    assert answer.status == 200
    found: dict[str, Any] = answer.json["call_inbound"]["dynamic_variables"]
    return found


def test_the_agent_learns_where_it_is_and_who_calls(practice: Practice) -> None:
    practice_that_speaks(practice, "de", hours=ALL_WEEK)
    booked()
    found = answered()
    assert all(isinstance(value, str) for value in found.values())
    assert (found["branch_name"], found["language"], found["open_now"]) == ("Berlin Mitte", "de", "yes")
    assert (found["known_customer"], found["customer_name"]) == ("yes", "Eve Stone")
    assert found["next_opening"] == ""
    assert found["today"].split(", ")[0].endswith(("tag", "woch", "abend"))


@pytest.mark.parametrize(
    ("language", "today", "next_opening"),
    [
        ("en", "Saturday, November 21", "Monday, November 23 at 8:00 AM"),
        ("de", "Samstag, 21. November", "Montag, 23. November um 8 Uhr"),
        ("it", "sabato 21 novembre", "lunedì 23 novembre alle ore 8"),
        ("vi", "thứ Bảy, ngày 21 tháng 11", "8 giờ thứ Hai, ngày 23 tháng 11"),
    ],
)
def test_a_closed_branch_tells_when_it_opens(practice: Practice, language: str, today: str, next_opening: str) -> None:
    practice_that_speaks(practice, language)
    found = inbound.variables(MINE, BERLIN_NUMBER, lambda: SATURDAY)
    assert (found["open_now"], found["today"], found["next_opening"]) == ("no", today, next_opening)
    assert inbound.variables(MINE, BERLIN_NUMBER, lambda: MONDAY)["open_now"] == "yes"


@pytest.mark.parametrize("number", [None, "anonymous", "+266696687", "+15005550006"])
def test_who_is_not_known_by_number_has_no_name(practice: Practice, number: str | None) -> None:
    booked()
    found = answered(number)
    assert (found["known_customer"], found["customer_name"]) == ("no", "")


def test_a_number_taken_for_a_name_is_not_said(practice: Practice) -> None:
    booked(name="")
    assert answered()["customer_name"] == ""


@pytest.mark.parametrize("number", ["+12025550000", None, "", "anonymous", "x" * 5000])
def test_a_number_of_nobodys_gets_no_variables(practice: Practice, number: str | None) -> None:
    answer = inbound_call(to_number=number)
    assert (answer.status, answer.json) == (200, {"call_inbound": {"dynamic_variables": {}}})


def test_forged_and_senseless_bodies_are_refused(practice: Practice) -> None:
    raw = json.dumps({"event": "call_inbound", "call_inbound": {"to_number": BERLIN_NUMBER}}).encode()
    for key in ({}, {"x-retell-signature": retell.sign(raw, "key_other", now())}):
        assert call("POST", "/webhooks/retell/inbound", raw=raw, headers=key).status == 401
    assert signed("/webhooks/retell/inbound", {"event": "call_inbound"}).status == 422


def test_requests(practice: Practice) -> None:
    booked()
    inbound.forget()
    names: list[str] = []
    counts = []
    aws_clients.call_hooks.append(lambda when, name: names.append(name) if when == "before" else None)
    try:
        for number in (MINE, MINE, "anonymous"):
            names.clear()
            answered(number)
            counts.append(len(names))
    finally:
        aws_clients.call_hooks.clear()
    assert counts == [3, 2, 1]


def test_a_number_that_moves_to_another_branch_is_believed_at_once(practice: Practice) -> None:
    assert answered()["branch_name"] == "Berlin Mitte"
    inbound._last_seen[BERLIN_NUMBER] = inbound._Line("com_test", practice.branches[1].id)
    assert answered()["branch_name"] == "Berlin Mitte"
