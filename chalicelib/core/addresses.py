"""Whose address a request comes from, and what of it is counted."""

import socket
from collections.abc import Mapping
from typing import Any


def visitor_address(identity: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """The visitor's address; `identity` is API Gateway's, `headers` by their lower-case names.

    Behind the distribution API Gateway sees CloudFront's address; the visitor's is the last that CloudFront wrote into
    X-Forwarded-For, after whatever the visitor wrote there. It is believed only where the distribution's key was right:
    API Gateway names the key then, and nobody else can.
    """
    nearest = str(identity.get("sourceIp") or "")
    if not identity.get("apiKeyId"):
        return nearest
    passed = [each.strip() for each in headers.get("x-forwarded-for", "").split(",")]
    if passed[-1] == nearest:
        passed.pop()  # API Gateway adds whom it sees
    return passed[-1] if passed and _family(passed[-1]) else nearest


def network_of(address: str) -> str:
    """What requests are counted by: the address, or of IPv6 the /64 it is in, in which a visitor may change at will."""
    if _family(address) == socket.AF_INET6:
        return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, address)[:8] + bytes(8)) + "/64"
    return address


def _family(address: str) -> int | None:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, address)
        except OSError:
            continue
        return family
    return None
