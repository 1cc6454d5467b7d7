"""Twilio's signatures, parameters and API, against its own test vectors and the simulator."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from chalicelib.core.errors import (
    DomainError,
    Invalid,
    OutcomeUnknown,
    RateLimited,
    Unauthenticated,
    Unavailable,
    VendorRefused,
)
from chalicelib.vendors.retell.client import NewPhoneCall, Retell
from chalicelib.vendors.twilio import twiml
from chalicelib.vendors.twilio.client import NewCall, Twilio, refused_with
from chalicelib.vendors.twilio.webhook import Received, delivery_id, parse_voice, sign, verify
from infra.local.simulators.retell.simulator import RetellSimulator
from infra.local.simulators.twilio.simulator import TwilioSimulator

from .conftest import SAMPLES, Sample

TO, SENDER = "+4915112345678", "+493055501000"
FORM = [
    ("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675310"), ("Digits", "1234"), ("From", "+14158675310"),
    ("To", "+18005551212"),
]  # fmt: skip
"""The classic vector of Twilio's documentation: token 12345, and this URL."""
URL = ("https://example.com", "/myapp.php", {"foo": ["1"], "bar": ["2"]})
SHA1, SHA256 = "L/OH5YylLD5NRKLltdqwSvS0BnU=", "qMztBq0IANMH/q0K9sCfKQJLylezvRdRzRS647SAVow="
BY_KEY = {"x-twilio-webhooks-signature-settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"}


def check(
    signature: str, *, headers: dict[str, str] | None = None, keys: tuple[str, ...] = ("12345",), **other: Any
) -> None:
    base, path, query = other.get("url", URL)
    given = {"x-twilio-signature": signature, **(headers or {})}
    verify(base, Received(path, query, given, other.get("raw", urlencode(FORM).encode())), keys)


def test_twilios_own_vectors() -> None:
    check(SHA1)
    check(SHA256, headers=BY_KEY)
    assert sign("https://example.com/myapp.php?foo=1&bar=2", FORM, "12345") == SHA1
    assert sign("https://example.com/myapp.php?foo=1&bar=2", FORM, "12345", "HMAC_SHA256") == SHA256


@pytest.mark.parametrize(
    "change",
    [
        {"keys": ("123456",)},
        {"keys": ("",)},
        {"keys": ()},
        {"headers": BY_KEY},
        {"headers": {"x-twilio-webhooks-signature-settings": "algorithm=HMAC_MD5"}},
        {"raw": urlencode([*FORM, ("More", "1")]).encode()},
        {"raw": b""},
        {"raw": b'{"CallSid": "x"}', "headers": {"content-type": "application/json"}},
        {"url": ("https://example.org", *URL[1:])},
        {"url": (URL[0], "/other", URL[2])},
        {"url": (*URL[:2], {"foo": ["1"]})},
        {"url": (*URL[:2], {"foo": ["\ud800"]})},
    ],
)
def test_anything_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated) as refused:
        check(SHA1, **change)
    assert refused.value.code == "bad_signature"


@pytest.mark.parametrize("signature", ["", "x", SHA1[:-1], "é" * 28, SHA256])
def test_a_signature_that_is_none_is_refused(signature: str) -> None:
    with pytest.raises(Unauthenticated):
        check(signature)


def test_a_rotated_token_and_a_port_in_the_url_are_accepted() -> None:
    check(SHA1, keys=("new", "12345"))
    check(SHA1, url=("https://example.com:443", *URL[1:]))


def test_names_given_twice_and_empty_values_are_signed_as_twilio_does() -> None:
    form = [("B", "2"), ("B", "1"), ("B", "2"), ("A", ""), ("Text", "Sì & nò")]
    check(
        sign("https://example.com/x", form, "12345"),
        url=("https://example.com", "/x", {}),
        raw=urlencode(form).encode(),
    )


def test_too_many_fields_and_what_is_no_text_are_invalid() -> None:
    for raw in (urlencode([("a", "1")] * 300).encode(), b"\xff\xfe=1"):
        with pytest.raises(Invalid):
            check(SHA1, raw=raw)


def test_parameters_are_read(sample: Sample) -> None:
    import json

    body = json.loads((SAMPLES / "twilio" / "call_status_completed.json").read_text())["body"]
    event = parse_voice(urlencode(body).encode())
    assert (event.call_sid, event.call_status, event.seconds, event.sequence) == (body["CallSid"], "completed", 42, 3)
    assert parse_voice(sample("twilio", "voice_inbound")).to_number == "+390200000000"
    with pytest.raises(Invalid) as wrong:
        parse_voice(b"From=x")
    assert wrong.value.faults[0].path == "body.CallSid"


def test_a_delivery_is_known_by_token_then_sequence_then_bytes() -> None:
    first, again = parse_voice(b"CallSid=CA1&SequenceNumber=2"), parse_voice(b"CallSid=CA1")
    assert delivery_id("status", first, {"i-twilio-idempotency-token": "t1"}, b"") == "status:t1"
    assert delivery_id("status", first, {}, b"") == "status:CA1:2"
    assert delivery_id("status", first, {"i-twilio-idempotency-token": "a#b"}, b"") == "status:CA1:2"
    assert delivery_id("status", again, {}, b"1") != delivery_id("status", again, {}, b"2")


def test_no_http_client_is_imported_and_no_twiml_either() -> None:
    program = (
        "import sys, chalicelib.vendors.twilio.webhook, chalicelib.vendors.twilio.twiml; "
        "print([n for n in ('requests', 'urllib3', 'twilio.twiml', 'twilio.rest', 'botocore') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_twiml_rings_records_asks_and_escapes() -> None:
    rung = twiml.ring(["+4915112345678", "sip:a@b"], 20, "https://x/y?call=a.b.c.staff")
    assert "<Number>+4915112345678</Number><Sip>sip:a@b</Sip>" in rung
    assert 'action="https://x/y?call=a.b.c.staff"' in rung
    assert 'timeout="20"' in rung
    assert "Tom &amp; Jerry" in twiml.record("Tom & Jerry", "de", "https://x", "https://y")
    assert 'language="vi-VN"' in twiml.gather_key("…", "vi", "https://x")
    assert twiml.hang_up() == '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup /></Response>'
    assert "<Reject" in twiml.reject()


@pytest.fixture
def simulator() -> Iterator[TwilioSimulator]:
    made = TwilioSimulator()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def client(simulator: TwilioSimulator) -> Iterator[Twilio]:
    made = Twilio(simulator.account.sid, simulator.auth_token, simulator.url, timeout_seconds=1)
    yield made
    made.close()


def test_texts_are_sent_as_documented_and_listed_over_pages(client: Twilio, simulator: TwilioSimulator) -> None:
    sent = [client.send_text(TO, SENDER, f"Hello & {number}") for number in range(101)]
    assert sent[0].status == "queued"
    assert sent[0].created_at is not None
    assert simulator.requests[0]["body"] == urlencode([("To", TO), ("From", SENDER), ("Body", "Hello & 0")])
    client.send_text("+4915112345679", SENDER, "another")
    found = list(client.texts_to(TO))
    assert [one.sid for one in found] == [one.sid for one in reversed(sent)]
    assert simulator.requests[-1]["query"]["Page"] == "1"


def test_calls_are_made_and_found_again(client: Twilio, simulator: TwilioSimulator) -> None:
    new = NewCall(to=TO, from_number=SENDER, url="https://x/bridge", status_url="https://x/status")
    leg = client.start_call(new)
    assert client.call(leg.sid).status == "queued"
    assert simulator.requests[0]["body"].count("StatusCallbackEvent=") == 4
    assert [one.sid for one in client.calls_to(TO, SENDER)] == [leg.sid]
    assert list(client.calls_to(TO, "+493055501009")) == []
    child = simulator.account.leg(to=TO, sender=SENDER, direction="outbound-dial", status="completed", parent=leg.sid)
    assert [one.sid for one in client.legs_of(leg.sid)] == [child["sid"]]


@pytest.mark.parametrize(
    ("status", "message", "kind", "code"),
    [
        (400, "[21610] Attempt to send to unsubscribed recipient", VendorRefused, "twilio_invalid"),
        (401, "[20003] Authenticate", VendorRefused, "twilio_credentials"),
        (404, "[20404] not found", VendorRefused, "twilio_not_found"),
        (429, "[20429] Too many requests", RateLimited, "twilio_rate_limited"),
        (500, "oops", OutcomeUnknown, "twilio_outcome_unknown"),
    ],
)
def test_a_refusal_carries_twilios_number(
    client: Twilio, simulator: TwilioSimulator, status: int, message: str, kind: type[DomainError], code: str
) -> None:
    simulator.fault(path="*/Messages.json", status=status, message=message)
    with pytest.raises(kind) as refused:
        client.send_text(TO, SENDER, "Hello")
    assert (type(refused.value), refused.value.code) == (kind, code)
    assert refused_with(refused.value, 21610) is (status == 400)


def test_a_list_that_fails_is_only_unavailable(client: Twilio, simulator: TwilioSimulator) -> None:
    simulator.fault(path="*/Messages.json", status=500)
    with pytest.raises(Unavailable) as failed:
        list(client.texts_to(TO))
    assert type(failed.value) is Unavailable


def test_the_token_is_shown_as_a_password_and_never_kept(client: Twilio, simulator: TwilioSimulator) -> None:
    client.send_text(TO, SENDER, "Hello")
    assert simulator.requests[-1]["headers"]["authorization"] == "***"
    wrong = Twilio(simulator.account.sid, "wrong", simulator.url)
    with pytest.raises(VendorRefused) as refused:
        wrong.send_text(TO, SENDER, "Hello")
    assert refused.value.extra["vendor_code"] == 20003
    wrong.close()


@pytest.mark.parametrize(
    ("to", "body", "code"),
    [("12", "x", 21211), (TO, "", 21602), (TO, "x" * 1601, 21617)],
)
def test_the_simulator_refuses_what_twilio_refuses(
    client: Twilio, simulator: TwilioSimulator, to: str, body: str, code: int
) -> None:
    with pytest.raises(VendorRefused) as refused:
        client.send_text(to, SENDER, body)
    assert refused_with(refused.value, code)
    assert simulator.account.texts == {}


def test_the_simulators_state_outlives_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("state") / "twilio.json"
    first = TwilioSimulator(state_file=file)
    client = Twilio(first.account.sid, first.auth_token, first.start())
    client.send_text(TO, SENDER, "Hello")
    client.close()
    first.stop()
    again = TwilioSimulator(state_file=file)
    shown = requests.get(f"{again.start()}/_sim/texts", timeout=2).json()["data"]
    again.stop()
    assert [one["body"] for one in shown] == ["Hello"]


def test_retell_starts_a_call_once_per_key() -> None:
    simulator = RetellSimulator("key_x")
    retell = Retell("key_x", simulator.start(), timeout_seconds=1)
    new = NewPhoneCall(from_number=SENDER, to_number=TO, metadata={"phone_call_id": "pho_1"}, idempotency_key="pho_1")
    first, again = retell.create_phone_call(new), retell.create_phone_call(new)
    assert first.call_id == again.call_id
    found = retell.call_with(TO, "phone_call_id", "pho_1")
    assert found is not None
    assert found.call_id == first.call_id
    assert retell.call_with(TO, "phone_call_id", "pho_2") is None
    assert retell.call_with(SENDER, "phone_call_id", "pho_1") is None
    simulator.fault(path="/v2/create-phone-call", status=402, message="Trial has ended")
    with pytest.raises(VendorRefused):
        retell.create_phone_call(new)
    retell.close()
    simulator.stop()
