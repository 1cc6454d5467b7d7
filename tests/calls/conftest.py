"""A practice that books through a simulated Cal.com, and a phone that rings."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chalicelib.core.clock import now
from chalicelib.core.settings import settings
from chalicelib.vendors import retell
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, call
from infra.local.simulators.calcom import CalComSimulator
from infra.local.simulators.calcom_event_types import EventType, Host
from tests.conftest import EmbeddedAws, open_practice

BERLIN = ZoneInfo("Europe/Berlin")


def next_monday(hour: int, minute: int = 0) -> datetime:
    """Next week's Monday at that time in Berlin."""
    today = now().astimezone(BERLIN)
    day = today + timedelta(days=7 - today.weekday())
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


@pytest.fixture
def calcom(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[CalComSimulator]:
    """A Cal.com with the demo practice's event types; its webhooks go nowhere."""
    types = [
        EventType(id=101, slug="consultation-ada", length_in_minutes=30, hosts=[Host(id=7)]),
        EventType(id=102, slug="consultation-ben", length_in_minutes=30, hosts=[Host(id=8)]),
        EventType(id=103, slug="massage-ada", length_in_minutes=60, hosts=[Host(id=7)]),
    ]
    simulator = CalComSimulator("cal_test", event_types=types)
    monkeypatch.setenv("CALCOM_BASE_URL", simulator.start())
    monkeypatch.setenv("PILOT_VENDOR_TIMEOUT_SECONDS", "1")
    settings.cache_clear()
    yield simulator
    simulator.stop()


@pytest.fixture
def through_calcom(calcom: CalComSimulator) -> Practice:
    """The demo practice, whose Berlin branch books through Cal.com."""
    return open_practice("com_test", calcom=True)


Ring = Callable[..., Answer]


def signed(path: str, body: dict[str, Any]) -> Answer:
    """Post what Retell would post, signed."""
    raw = json.dumps(body).encode()
    return call("POST", path, raw=raw, headers={"x-retell-signature": retell.sign(raw, "key_test", now())})


def call_function(name: str, args: dict[str, Any], call_id: str = "retell-1", **fields: Any) -> Answer:
    """Let the agent call a function during a call to the Berlin branch."""
    details = {
        "call_id": call_id,
        "call_type": "phone_call",
        "from_number": "+4915112345678",
        "to_number": "+493055501000",
        "direction": "inbound",
        "call_status": "ongoing",
        "start_timestamp": 1795171633490,
    }
    return signed("/webhooks/retell/function", {"name": name, "args": args, "call": details | fields})
