"""Whose address a request comes from: the visitor's, and nobody makes up another one."""

import json
import logging

import pytest

from chalicelib.core import throttle
from chalicelib.core.addresses import network_of, visitor_address
from chalicelib.core.clock import now
from chalicelib.core.errors import RateLimited
from chalicelib.identity.login_throttle import Slowed
from tests.conftest import EmbeddedAws
from tests.core.thing_endpoints import make_thing, serve

EDGE = "64.252.86.10"
VISITOR = "203.0.113.7"
KEYED = {"sourceIp": EDGE, "apiKeyId": "k1"}


@pytest.mark.parametrize(
    ("identity", "forwarded", "address"),
    [
        (KEYED, f"{VISITOR}, {EDGE}", VISITOR),
        (KEYED, f"198.51.100.1, {VISITOR}, {EDGE}", VISITOR),
        (KEYED, f"{EDGE}, {VISITOR}, {EDGE}", VISITOR),
        (KEYED, f"2001:db8::7, {EDGE}", "2001:db8::7"),
        # API Gateway may leave itself out.
        (KEYED, f"198.51.100.1, {VISITOR}", VISITOR),
        # Nothing to be believed: whom API Gateway saw.
        (KEYED, "", EDGE),
        (KEYED, EDGE, EDGE),
        (KEYED, f"nobody, {EDGE}", EDGE),
        ({"sourceIp": VISITOR}, f"198.51.100.1, {VISITOR}", VISITOR),
        ({"sourceIp": VISITOR, "apiKeyId": None}, "198.51.100.1", VISITOR),
        ({}, "198.51.100.1", ""),
    ],
)
def test_the_visitor_is_whom_cloudfront_saw(identity: dict[str, str | None], forwarded: str, address: str) -> None:
    assert visitor_address(identity, {"x-forwarded-for": forwarded} if forwarded else {}) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (VISITOR, VISITOR),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::99", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::99", "2001:db8:1:3::/64"),
        ("", ""),
    ],
)
def test_of_ipv6_the_network_is_counted(address: str, network: str) -> None:
    assert network_of(address) == network


def test_who_changes_their_address_within_a_network_is_counted_on(aws: EmbeddedAws) -> None:
    at = now()
    throttle.count("trial", "2001:db8:1:2::1", at, most=1)
    throttle.count("trial", "2001:db8:1:3::1", at, most=1)
    with pytest.raises(RateLimited):
        throttle.count("trial", "2001:db8:1:2::2", at, most=1)
    one, same, other = (
        Slowed("sign-in", "ada@example.com", address).address_counter
        for address in ("2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:3::1")
    )
    assert one == same != other


def test_a_request_is_logged_with_the_visitors_address(caplog: pytest.LogCaptureFixture) -> None:
    context = {
        "httpMethod": "POST",
        "resourcePath": "/things",
        "path": "/dev/things",
        "stage": "dev",
        "requestId": "req-1",
        "identity": KEYED,
    }
    headers = {"X-Forwarded-For": f"198.51.100.1, {VISITOR}, {EDGE}"}
    with caplog.at_level(logging.INFO):
        refused = serve(make_thing, "POST", "/things", requestContext=context, headers=headers)
    assert (refused.status, json.loads(refused.text)["instance"]) == (403, "/things")
    (answered,) = [record for record in caplog.records if record.getMessage() == "answered"]
    assert answered.__dict__["ip"] == VISITOR
