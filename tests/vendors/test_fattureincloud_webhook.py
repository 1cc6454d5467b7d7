"""Notifications of Fatture in Cloud: whose they are, what they say, and what passes for neither."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.errors import Invalid, Unauthenticated, Unavailable
from chalicelib.core.settings import FIC_PUBLIC_KEY
from chalicelib.vendors.fattureincloud import webhook
from chalicelib.vendors.fattureincloud.webhook import FicEvent, parse_event, verify_event, verify_token
from infra.local.simulators.fattureincloud.signer import Signer

from .conftest import SAMPLES

SINK = "https://api.example.com/webhooks/fic/fic_1/entity"
NOW = datetime(2026, 4, 4, 11, tzinfo=UTC)
SIGNER = Signer()
EVENT_ID, SUBJECT = "198:f059b211-24f4-44ab-9859-b1613a9a0701", "company:108061"


def delivery(name: str) -> tuple[dict[str, str], bytes]:
    one = json.loads((Path(SAMPLES) / "fattureincloud" / f"{name}.json").read_bytes())
    return {key.lower(): value for key, value in one["headers"].items()}, json.dumps(one.get("body")).encode()


def signed(**changed: Any) -> str:
    return f"Bearer {SIGNER.token(EVENT_ID, SUBJECT, SINK, NOW, **changed)}"


def check(authorization: str | None, at: datetime = NOW, key: str = SIGNER.public_key) -> webhook.Claims:
    return verify_token(authorization, [SINK], key, at)


def test_a_binary_event() -> None:
    event = parse_event(*delivery("entities.clients.create.binary"))
    assert event.about == ("clients", "create")
    assert (event.id, event.fic_company_id, event.ids) == (EVENT_ID, 108061, (3062301,))
    assert event.occurred_at == datetime(2026, 4, 4, 10, 54, 21, tzinfo=UTC)


def test_a_structured_event_says_the_same() -> None:
    headers, raw = delivery("entities.clients.create.structured")
    for content_type in ("application/cloudevents+json", "application/json"):
        event = parse_event(headers | {"content-type": content_type}, raw)
        assert event.about == ("clients", "create")
        assert (event.fic_company_id, event.ids) == (108061, (3062300,))


def test_the_twelve_types_are_known_and_others_are_kept() -> None:
    assert len(webhook.ACTED_UPON) == 12
    assert parse_event(*delivery("issued_documents.invoices.delete.binary")).about == ("invoices", "delete")
    assert parse_event(*delivery("subscriptions.welcome.binary")).about is None
    headers, _ = delivery("subscriptions.welcome.binary")
    for body in ({}, {"data": None}, {"data": {"ids": "none"}}, {"data": [1]}):
        event = parse_event(headers, json.dumps(body).encode())
        assert (event.type, event.ids) == (webhook.WELCOME, ())


@pytest.mark.parametrize("body", [{}, {"data": {}}, {"data": {"ids": None}}, {"data": {"ids": ["x"]}}, [], None])
def test_an_event_about_records_has_to_name_them(body: Any) -> None:
    headers, _ = delivery("entities.clients.create.binary")
    with pytest.raises(Invalid):
        parse_event(headers, json.dumps(body).encode())


@pytest.mark.parametrize("name", ["id", "time", "subject"])
def test_a_header_that_is_missing_is_named(name: str) -> None:
    headers, raw = delivery("entities.clients.create.binary")
    del headers[f"ce-{name}"]
    with pytest.raises(Invalid) as raised:
        parse_event(headers, raw)
    assert raised.value.faults[0].path == f"headers.ce.{name}"


def test_an_id_given_twice_is_one() -> None:
    headers, _ = delivery("entities.clients.create.binary")
    assert parse_event(headers, b'{"data":{"ids":[5,5,4]}}').ids == (5, 4)


@given(st.binary(max_size=80) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(msgspec.json.encode))
def test_whatever_comes_is_an_event_or_invalid(raw: bytes) -> None:
    for headers in ({}, {"ce-type": "x", "ce-id": "1", "ce-subject": "s", "ce-time": "2026-01-01T00:00:00Z"}):
        try:
            event = parse_event(headers, raw)
        except Invalid:
            continue
        assert all(isinstance(one, int) for one in event.ids)


def test_what_fic_signed_is_taken() -> None:
    claims = check(signed())
    assert (claims.jti, claims.sub) == (EVENT_ID, SUBJECT)
    verify_event(claims, parse_event(*delivery("entities.clients.create.binary")))
    sample = json.loads((Path(SAMPLES) / "fattureincloud" / "jwt_claims.json").read_bytes())["payload"]
    assert set(sample) == set(jwt.decode(signed().split()[1], options={"verify_signature": False}))


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"aud": ["https://api.example.com/webhooks/fic/fic_2/entity"]},
        {"aud": []},
        {"aud": None},
        {"exp": None},
        {"exp": "soon"},
        {"sub": 5},
    ],
)
def test_other_claims_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated, match="bad_signature"):
        check(signed(**changed))


def test_one_of_several_audiences_is_enough() -> None:
    assert check(signed(aud=["https://other.example", SINK])).jti == EVENT_ID
    assert check(signed(aud=SINK)).jti == EVENT_ID


def test_it_holds_for_three_hours() -> None:
    token = signed()
    assert check(token, NOW + timedelta(hours=3)).jti == EVENT_ID
    with pytest.raises(Unauthenticated, match="expired"):
        check(token, NOW + timedelta(hours=3, minutes=2))


@pytest.mark.parametrize("text", [None, "", "Bearer", "Bearer ", "Basic x", "Bearer x", "Bearer a.b.c", "Bearer é.é.é"])
def test_what_is_no_token_is_refused(text: str | None) -> None:
    with pytest.raises(Unauthenticated):
        check(text)


def test_another_key_or_another_algorithm_is_refused() -> None:
    claims = jwt.decode(signed().split()[1], options={"verify_signature": False})
    public = base64.b64decode(SIGNER.public_key).decode()
    others = [
        Signer().token(EVENT_ID, SUBJECT, SINK, NOW),
        _by_hand({"alg": "none", "typ": "JWT"}, claims, b""),
        _by_hand({"alg": "HS256", "typ": "JWT"}, claims, public.encode()),
    ]
    for token in others:
        with pytest.raises(Unauthenticated):
            check(f"Bearer {token}")


def _by_hand(header: dict[str, str], claims: dict[str, Any], secret: bytes) -> str:
    """The old tricks: no signature, and a symmetric one whose secret is the public key. PyJWT refuses to make them."""
    text = b".".join(map(_part, (json.dumps(header).encode(), json.dumps(claims).encode())))
    signature = hmac.new(secret, text, hashlib.sha256).digest() if secret else b""
    return (text + b"." + _part(signature)).decode()


def _part(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def test_a_token_made_for_another_event_is_refused() -> None:
    event = parse_event(*delivery("entities.clients.create.binary"))
    for other in (
        msgspec.structs.replace(event, id="198:other"),
        msgspec.structs.replace(event, subject="company:1"),
    ):
        with pytest.raises(Unauthenticated, match="another event"):
            verify_event(check(signed()), other)


def test_a_public_key_may_be_plain_and_a_wrong_one_is_our_fault() -> None:
    assert check(signed(), key=base64.b64decode(SIGNER.public_key).decode()).jti == EVENT_ID
    for wrong in ("nonsense!", base64.b64encode(b"-----BEGIN PUBLIC KEY-----\nx").decode(), "é"):
        with pytest.raises(Unavailable, match="not_configured"):
            check(signed(), key=wrong)


def test_the_published_key_is_one_and_has_not_signed_this() -> None:
    with pytest.raises(Unauthenticated):
        check(signed(), key=FIC_PUBLIC_KEY)


@pytest.mark.parametrize("name", ["verification.header", "verification.query"])
def test_a_challenge_comes_in_either_place(name: str) -> None:
    one = json.loads((Path(SAMPLES) / "fattureincloud" / f"{name}.json").read_bytes())
    headers = {key.lower(): value for key, value in one["headers"].items()}
    found = webhook.challenge_in(headers, one["query"])
    assert {"verification": found} == one["expected_response"]["body"]


@pytest.mark.parametrize("value", ["", "<script>", "x" * 300, "é"])
def test_what_is_no_challenge_is_not_repeated(value: str) -> None:
    with pytest.raises(Invalid) as raised:
        webhook.challenge_in({}, {webhook.CHALLENGE: value})
    assert not value or value not in str(raised.value)


def test_a_subject_that_is_no_company() -> None:
    for subject in ("user:5", "company:", "company:x", "company:²"):
        event = FicEvent(id="1", type="t", subject=subject, occurred_at=NOW)
        assert event.fic_company_id is None
