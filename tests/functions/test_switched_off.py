"""What clients, callers and customers meet while something is switched off, and that nothing is left of it."""

import math
from datetime import timedelta

import pytest

from chalicelib.accounting.leased_client import leased_client
from chalicelib.core import switches
from chalicelib.core.clock import now
from chalicelib.core.errors import SwitchedOff
from chalicelib.core.switches import PUBLIC_BOOKING, Off
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from infra.local.simulators.retell.simulator import RetellSimulator
from infra.local.simulators.twilio.simulator import TwilioSimulator
from tests.calls.conftest import next_monday
from tests.calls.telephone import NEVER_QUIET, ROUTING, open_branch, phone_calls, twilio
from tests.calls.test_outbound import post, retell
from tests.draining import drain
from tests.functions.test_visitor_endpoints import book, hold, proof
from tests.functions.waiting import FIRST, books, cancels, link, reply, texts, waits
from tests.messaging.test_sending import out, queued, read

__all__ = ["retell", "twilio"]
ME = Caller("com_test")


def turn(name: str, *, off: bool) -> None:
    switches.turn(lambda: Unit("platform"), name, Off(now() - timedelta(hours=1)) if off else None)


def refused(answer: Answer, code: str) -> bool:
    """Whether it is a 503 of that code which says when to come back."""
    return (answer.status, answer.json["code"], answer.headers["Retry-After"]) == (503, code, "900")


def test_while_public_booking_is_off_visitors_look_but_do_not_book(practice: Practice) -> None:
    held = hold(practice)
    turn(PUBLIC_BOOKING, off=True)
    assert refused(hold(practice, 12), "public_booking_off")
    said = book(practice, hold=proof(held))
    assert refused(said, "public_booking_off")
    assert "call us" in said.json["detail"]
    monday = next_monday(10).date().isoformat()
    query = {"company": "com_test", "branch_id": practice.branches[1].id, "service": "Haircut", "from": monday}
    assert call("GET", "/public/availability", query=query).status == 200
    place = {"branch_id": practice.branches[0].id, "service": "Consultation"}
    body = place | {"starts_at": next_monday(10).isoformat(), "customer": {"phone": "+4915112345678"}}
    assert call("POST", "/api/appointments", caller=ME, body=body).status == 201
    turn(PUBLIC_BOOKING, off=False)
    assert book(practice, hold=proof(held)).status == 201


def test_a_series_is_not_booked_by_visitors_either(practice: Practice) -> None:
    turn(PUBLIC_BOOKING, off=True)
    body = {
        "branch_id": practice.branches[1].id,
        "service": "Haircut",
        "starts_at": next_monday(10).isoformat(),
        "recurrence": {"frequency": "weekly", "count": 3},
        "customer": {"phone": "+12125550199"},
    }
    answer = call("POST", "/public/series", body=body)
    assert refused(answer, "public_booking_off"), answer


def test_what_was_offered_can_be_declined_and_is_accepted_later(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    taken = books(branch).json["id"]
    waits(branch, FIRST)
    cancels(taken)
    (words,) = texts(twilio, FIRST)
    turn(PUBLIC_BOOKING, off=True)
    assert refused(reply(link(words), "accept"), "public_booking_off")
    turn(PUBLIC_BOOKING, off=False)
    assert reply(link(words), "accept").json["outcome"] == "accepted"
    turn(PUBLIC_BOOKING, off=True)
    assert reply(link(words), "decline").json["code"] == "offer_accepted"


def test_what_was_booked_before_is_answered_again(practice: Practice) -> None:
    def again() -> Answer:
        body = {
            "branch_id": practice.branches[1].id,
            "service": "Haircut",
            "starts_at": next_monday(15).isoformat(),
            "customer": {"phone": "+12125550199"},
        }
        return call("POST", "/public/appointments", body=body, headers={"idempotency-key": "k1"})

    first = again()
    assert first.status == 201, first
    turn(PUBLIC_BOOKING, off=True)
    assert again().text == first.text


def test_a_call_is_not_made_while_its_vendor_is_off(twilio: TwilioSimulator, retell: RetellSimulator) -> None:
    open_branch(ROUTING, quiet=NEVER_QUIET)
    for name, kind in (("twilio", "staff"), ("retell", "agent")):
        turn(switches.vendor(name), off=True)
        assert refused(post(kind), f"{name}_switched_off")
    assert {one.status for one in phone_calls()} == {"failed"}
    assert twilio.requests == retell.requests == []


def test_texts_wait_while_twilio_is_off(twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switches, "wait_seconds", lambda since, at: 0)
    text = queued()
    turn(switches.vendor("twilio"), off=True)
    with pytest.raises(AssertionError, match="still not done"):
        drain(rounds=12)  # more than a text is tried
    assert (read(text), out(twilio)) == (text, [])
    turn(switches.vendor("twilio"), off=False)
    drain()
    assert out(twilio) == ["Hello"]


def test_quota_is_not_leased_for_what_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switches, "_kept", (math.inf, {switches.vendor("fic"): Off(now())}))
    with pytest.raises(SwitchedOff, match="fic_switched_off"), leased_client("com_1", "fic_1", lambda: Unit(""), now):
        pass
