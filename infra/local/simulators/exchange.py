"""A request and a reply as the simulators see them, and how a path finds its handler."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True)
class Request:
    """`path` without query, `query` with the last value of each name, `headers` with lowercase names."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The decoded body, {} when it is empty; raises ValueError when it is not JSON."""
        return msgspec.json.decode(self.body) if self.body else {}


@dataclass(frozen=True)
class Reply:
    """`body` is sent as JSON, bytes as they are; `dropped` closes the connection without a word."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    dropped: bool = False

    def content(self) -> bytes:
        """The bytes to send."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)


class Refused(Exception):
    """A handler's way out: the vendor's error for `status` with `message`, and what headers it has of its own."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message
        self.headers = headers or {}


Handler = Callable[..., Reply]
"""Takes the Request and, as keywords, what the path's placeholders matched."""


@dataclass(frozen=True)
class Route:
    """`pattern` such as `/v2/bookings/{uid}/cancel`."""

    method: str
    pattern: str
    handler: Handler

    def match(self, request: Request) -> Mapping[str, str] | None:
        """What the placeholders matched, None when it is another route."""
        if request.method != self.method:
            return None
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.pattern), request.path)
        return found.groupdict() if found else None
