"""Reaching an address that a company gave us: over HTTPS, and never anything inside our own network."""

import ipaddress
import socket
import time
from datetime import datetime
from urllib.parse import urlsplit

from chalicelib.core.errors import invalid
from chalicelib.core.settings import settings
from chalicelib.integrations.webhook_endpoint import DeliveryAttempt

TIMEOUT_SECONDS = 10
LARGEST_ANSWER = 4096
"""Bytes of an answer that are read: only its status counts."""


class NotPublic(ValueError):
    """The host leads to an address that is not on the public Internet, or nowhere."""


def check_url(url: str, path: str) -> str:
    """The URL; raises Invalid about `path` unless it is an HTTPS URL of a public host."""
    parts = urlsplit(url)
    allowed = ("https", "http") if settings().private_webhooks else ("https",)
    if parts.scheme not in allowed or not parts.hostname or parts.username or parts.fragment:
        raise invalid(path, "not_https", "Give an https:// URL without credentials or fragment.")
    try:
        addresses_of(url)
    except NotPublic as error:
        raise invalid(path, "not_public", str(error)) from None
    return url


def addresses_of(url: str) -> list[str]:
    """The public addresses behind a URL's host; raises NotPublic when one of them is private, or there is none."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        port = parts.port or 443
        found = sorted({str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (OSError, ValueError, UnicodeError):
        raise NotPublic(f"The host {host} cannot be found.") from None
    if not settings().private_webhooks and not all(ipaddress.ip_address(address).is_global for address in found):
        raise NotPublic(f"The host {host} is not on the public Internet.")
    return found


def post(url: str, body: bytes, headers: dict[str, str], at: datetime) -> DeliveryAttempt:
    """Send once and say what came of it; never raises for what the other side does. Redirects are not followed."""
    import requests

    started = time.monotonic()
    status, error = None, ""
    try:
        # Asked anew at every attempt: a name may lead elsewhere since it was given.
        addresses_of(url)
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json", "User-Agent": "PilotPractice/1", **headers},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            )
            status = answer.status_code
            answer.raw.read(LARGEST_ANSWER)
    except NotPublic:
        error = "not_public"
    except requests.RequestException as failure:
        error = type(failure).__name__
    return DeliveryAttempt(at=at, status=status, took_ms=round((time.monotonic() - started) * 1000), error=error)
