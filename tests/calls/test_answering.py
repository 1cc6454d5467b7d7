"""An incoming call: who is rung, in which order, and what is kept of it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls import answer_phone, phone_store
from chalicelib.calls.routing import next_stage, shown_number
from chalicelib.core import aws as aws_clients
from chalicelib.core.rows import InboxRow
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from chalicelib.vendors.twilio import webhook as twilio_webhook
from chalicelib.vendors.twilio.webhook import VoiceEvent
from infra.local.demo_practice import BERLIN_PHONE, demo_practice
from infra.local.invoking import Answer, Caller, call
from infra.local.simulators.twilio.simulator import Hooks, TwilioSimulator
from tests.calls.telephone import (
    AGENT,
    CALLER,
    ROUTING,
    STAFF,
    only,
    open_branch,
    people,
    phone_calls,
    rings,
    settle,
    twilio,
)
from tests.draining import drain

__all__ = ["twilio"]
DESK = Caller("com_test")
OPEN = datetime(2026, 11, 23, 10, tzinfo=UTC)
CLOSED = datetime(2026, 11, 22, 10, tzinfo=UTC)


def post(path: str, form: list[tuple[str, str]], key: str = "twilio_test", **headers: str) -> Answer:
    """What Twilio would post, signed."""
    url = settings().public_url + path
    signature = twilio_webhook.sign(url, form, key)
    kind = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
    bare, _, query = path.partition("?")
    pairs = dict(pair.split("=") for pair in query.split("&")) if query else None
    raw = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in form).encode()
    return call("POST", bare, raw=raw, headers=kind | headers, query=pairs)


def status(sid: str, what: str, sequence: int, **more: str) -> Answer:
    form = [("CallSid", sid), ("CallStatus", what), ("SequenceNumber", str(sequence)), *more.items()]
    return post("/webhooks/twilio/voice/status", form)


@pytest.mark.parametrize(
    ("ring_staff", "at", "expected"),
    [
        ("always", CLOSED, "staff"),
        ("open_hours", OPEN, "staff"),
        ("open_hours", CLOSED, "agent"),
        ("never", OPEN, "agent"),
    ],
)
def test_staff_are_rung_by_the_branchs_hours(ring_staff: Any, at: datetime, expected: str) -> None:
    branch = replace(demo_practice("com").branches[0], call_routing=replace(ROUTING, ring_staff=ring_staff))
    assert next_stage(Schedule(branch=branch, services=(), staff=()), CALLER, at, None) == expected


def test_a_call_only_ever_goes_on() -> None:
    branch = replace(demo_practice("com").branches[0], call_routing=ROUTING)
    schedule = Schedule(branch=branch, services=(), staff=())
    assert [next_stage(schedule, CALLER, OPEN, after) for after in (None, "staff", "agent", "voicemail", "over")] == [
        "staff", "agent", "voicemail", "over", "over"
    ]  # fmt: skip
    nobody = replace(branch, call_routing=replace(ROUTING, agent=None, staff_numbers=(), voicemail=False))
    assert next_stage(Schedule(branch=nobody, services=(), staff=()), CALLER, OPEN, None) == "over"
    # Whom the agent transfers back to the branch's number does not get the agent again; nobody rings themselves.
    assert next_stage(Schedule(branch=branch, services=(), staff=()), branch.phone, OPEN, "staff") == "voicemail"
    assert next_stage(Schedule(branch=branch, services=(), staff=()), STAFF, OPEN, None) == "agent"


@pytest.mark.parametrize(
    ("text", "shown"),
    [(CALLER, CALLER), ("+266696687", None), ("anonymous", None), ("", None), (None, None), ("sip:x@y", None)],
)
def test_a_withheld_number_is_none(text: str | None, shown: str | None) -> None:
    assert shown_number(text) == shown


def test_staff_first_then_the_agent_then_the_mailbox(twilio: TwilioSimulator) -> None:
    open_branch()
    steps = rings(twilio, people("no-answer", "failed", message_seconds=7))
    assert [step for step in steps if step[0] != "Say"] == [
        ("Dial", "no-answer"), ("Dial", "failed"), ("Record", "7 s")
    ]  # fmt: skip
    drain()
    found = only()
    assert (found.outcome, found.status, found.caller, found.answered_by) == ("missed", "completed", CALLER, None)
    assert found.voicemail is not None
    assert found.voicemail.seconds == 7
    assert found.voicemail.recording_sid
    assert found.seconds == 42
    listed = call("GET", "/api/missed-calls", caller=DESK).json["data"]
    assert [one["id"] for one in listed] == [found.id]
    assert listed[0]["voicemail"]["url"] == found.voicemail.url
    assert call("GET", f"/api/phone-calls/{found.id}", caller=DESK).json == listed[0]
    assert call("GET", f"/api/phone-calls/{found.id}", caller=Caller("com_other")).status == 404
    assert call("GET", "/api/missed-calls", caller=Caller("com_other")).json["data"] == []


@pytest.mark.parametrize(("staff", "agent", "by"), [("answers", "answers", "staff"), ("busy", "answers", "agent")])
def test_who_answers_is_kept_and_nothing_is_missed(twilio: TwilioSimulator, staff: Any, agent: Any, by: str) -> None:
    open_branch()
    steps = rings(twilio, people(staff, agent))
    assert steps[-1] == ("Hangup", "over")
    drain()
    assert (only().outcome, only().answered_by) == ("answered", by)
    assert call("GET", "/api/missed-calls", caller=DESK).json["data"] == []
    assert twilio.account.texts == {}


@pytest.mark.parametrize("during", [0, 1, 2])
def test_a_caller_who_gives_up_has_missed_us(twilio: TwilioSimulator, during: int) -> None:
    open_branch()
    steps = rings(twilio, people(hangs_up_during=during))
    assert sum(twiml_verb in ("Dial", "Record") for twiml_verb, _ in steps) == during + 1
    drain()
    assert settle(only()).outcome == "missed"


def test_an_answer_that_was_never_told_is_found_at_twilio(twilio: TwilioSimulator) -> None:
    open_branch()
    first = post("/webhooks/twilio/voice", [("CallSid", "CA1"), ("From", CALLER), ("To", BERLIN_PHONE)])
    assert f'/webhooks/twilio/voice?call={only().reference}.staff"' in first.text
    twilio.account.legs["CA1"] = twilio.account.leg(
        to=BERLIN_PHONE, sender=CALLER, direction="inbound", status="completed"
    )
    leg = twilio.account.leg(to=STAFF, sender=CALLER, direction="outbound-dial", status="completed", parent="CA1")
    assert settle(only()).outcome == "answered"
    assert leg["status"] == "completed"


def test_every_webhook_twice_changes_nothing_twice(twilio: TwilioSimulator) -> None:
    open_branch()
    steps = rings(twilio, people(message_seconds=5), repeat=2)
    assert len([twiml_verb for twiml_verb, _ in steps if twiml_verb == "Dial"]) == 2
    drain()
    assert len(phone_calls()) == 1
    assert len(twilio.account.texts) == 1


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1), (3, 3, 0, 3)])
def test_status_callbacks_in_any_order_move_nothing_back(twilio: TwilioSimulator, order: tuple[int, ...]) -> None:
    open_branch()
    post("/webhooks/twilio/voice", [("CallSid", "CA1"), ("From", CALLER), ("To", BERLIN_PHONE)])
    statuses = ("initiated", "ringing", "in-progress", "completed")
    for number in order:
        more = {"CallDuration": "42"} if number == 3 else {}
        assert status("CA1", statuses[number], number, **more).status == 204
        drain()
    assert (only().status, only().seconds, only().ended_at is not None) == ("completed", 42, True)


def test_webhooks_signed_with_a_shared_key_are_taken(twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "twilio_test,shared")
    open_branch()
    api = f"{settings().public_url}/webhooks/twilio/voice"
    other = TwilioSimulator(auth_token="shared", hooks=Hooks(api, f"{api}/status"))
    other.algorithm = "HMAC_SHA256"
    assert rings(other, people("answers"))[-1] == ("Hangup", "over")
    assert only().outcome == "answered"


def test_a_number_of_nobodys_is_rejected_and_kept_nowhere(twilio: TwilioSimulator) -> None:
    open_branch()
    answer = post("/webhooks/twilio/voice", [("CallSid", "CA1"), ("From", CALLER), ("To", "+12025550000")])
    assert answer.status == 200
    assert "<Reject" in answer.text
    assert phone_calls() == []


def test_forged_webhooks_are_refused_and_leave_nothing(twilio: TwilioSimulator) -> None:
    open_branch()
    form = [("CallSid", "CA1"), ("From", CALLER), ("To", BERLIN_PHONE), ("CallStatus", "completed")]
    for path in ("", "/status", "/recording", "/bridge", "?call=com_test.x.y.staff"):
        assert post(f"/webhooks/twilio/voice{path}", form, key="wrong").status == 401
        unsigned = call("POST", f"/webhooks/twilio/voice{path.partition('?')[0]}", raw=b"CallSid=CA1")
        assert (unsigned.status, unsigned.json["code"]) == (401, "bad_signature")
    assert phone_calls() == []
    assert list(InboxRow.scan()) == []


@pytest.mark.parametrize(
    ("path", "form", "expected"),
    [
        ("", [("From", CALLER)], 422),
        ("", [("CallSid", "x" * 65)], 422),
        ("", [("CallSid", "CA1")], 200),
        ("", [("CallSid", "CA1"), ("From", "\x00"), ("To", BERLIN_PHONE)], 200),
        ("?call=x", [("CallSid", "CA1")], 200),
        ("?call=com_test.bra.pho.staff", [("CallSid", "CA1")], 200),
        ("/bridge?call=com_test.bra.pho", [("CallSid", "CA1")], 200),
        ("/status?call=com_test.bra.pho", [("CallSid", "CA1"), ("SequenceNumber", "x")], 204),
    ],
)
def test_what_makes_no_sense_is_never_our_failure(
    twilio: TwilioSimulator, path: str, form: list[tuple[str, str]], expected: int
) -> None:
    open_branch()
    answer = post(f"/webhooks/twilio/voice{path}", form)
    assert answer.status == expected, answer
    drain()
    assert all(one.caller is None for one in phone_calls())


def test_a_signature_of_one_url_opens_no_other(twilio: TwilioSimulator) -> None:
    open_branch()
    form = [("CallSid", "CA1"), ("From", CALLER), ("To", BERLIN_PHONE)]
    signature = twilio_webhook.sign(settings().public_url + "/webhooks/twilio/voice", form, "twilio_test")
    assert post("/webhooks/twilio/voice/status", form, **{"x-twilio-signature": signature}).status == 401


def test_json_is_signed_by_its_hash(twilio: TwilioSimulator) -> None:
    import hashlib

    open_branch()
    raw = json.dumps({"CallSid": "CA1", "CallStatus": "ringing"}).encode()
    path = f"/webhooks/twilio/voice/status?bodySHA256={hashlib.sha256(raw).hexdigest()}"
    signature = twilio_webhook.sign(settings().public_url + path, [], "twilio_test")
    headers = {"content-type": "application/json", "x-twilio-signature": signature}
    query = {"bodySHA256": hashlib.sha256(raw).hexdigest()}
    where = "/webhooks/twilio/voice/status"
    assert call("POST", where, raw=raw, headers=headers, query=query).status == 204
    assert call("POST", where, raw=raw + b" ", headers=headers, query=query).status == 401
    assert call("POST", where, raw=raw, headers=headers).status == 401


def test_an_answer_costs_two_reads_and_one_transaction(twilio: TwilioSimulator) -> None:
    open_branch()
    names: list[str] = []
    aws_clients.call_hooks.append(lambda when, name: names.append(name) if when == "before" else None)
    try:
        event = VoiceEvent(call_sid="CA1", from_number=CALLER, to_number=BERLIN_PHONE)
        text = answer_phone.answer(event, Unit, lambda: OPEN)
    finally:
        aws_clients.call_hooks.clear()
    assert STAFF in text
    assert AGENT not in text
    assert names == ["dynamodb.BatchGetItem", "dynamodb.GetItem", "dynamodb.TransactWriteItems"]
    assert phone_store.find_by_sid("CA1") == only()
