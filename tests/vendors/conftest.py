"""Simulators on free ports, the vendors' sample payloads, and a subscriber that keeps what it is sent."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from infra.local.simulators.exchange import Reply, Request
from infra.local.simulators.listener import Listener
from infra.local.simulators.retell import RetellSimulator

SAMPLES = Path(__file__).parent / "samples"

Sample = Callable[[str, str], bytes]


@pytest.fixture
def sample() -> Sample:
    """The raw body of a vendor's sample (`sample("retell", "call_ended")`)."""

    def read(vendor: str, name: str) -> bytes:
        return msgspec.json.encode(msgspec.json.decode((SAMPLES / vendor / f"{name}.json").read_bytes())["body"])

    return read


class Subscriber:
    """Answers `status` to everything and keeps it."""

    def __init__(self) -> None:
        self.received: list[Request] = []
        self.reply = Reply(200, {"ok": True})
        self._arrived = threading.Condition()
        self._listener = Listener(self._take, "127.0.0.1", 0)
        self.url = self._listener.url + "/hook"

    def _take(self, request: Request) -> Reply:
        with self._arrived:
            self.received.append(request)
            self._arrived.notify_all()
        return self.reply

    def wait_for(self, count: int) -> list[Request]:
        """The first `count` requests, at most two seconds from now."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.received) >= count, 2), f"{len(self.received)} of {count}"
            return self.received[:count]

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    one = Subscriber()
    yield one
    one.close()


@pytest.fixture
def retell_sim() -> Iterator[RetellSimulator]:
    simulator = RetellSimulator("key_x")
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def tomorrow() -> datetime:
    """Tomorrow at ten, UTC: always in the future, always within the simulator's opening hours."""
    return (datetime.now(UTC) + timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
