"""A practice that books through a simulated Cal.com."""

from collections.abc import Iterator

import pytest

from chalicelib.core.settings import settings
from infra.local.demo_practice import Practice
from infra.local.simulators.calcom.event_types import EventType, Host
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.conftest import EmbeddedAws, open_practice


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
