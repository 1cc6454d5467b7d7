"""A simulated Cal.com and its client."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec
import pytest

from chalicelib.vendors.calcom.client import CalCom, NewAttendee, NewBooking
from infra.local.simulators.calcom.event_types import EventType, Host
from infra.local.simulators.calcom.simulator import CalComSimulator, Hook

MakeBooking = Callable[..., NewBooking]


@pytest.fixture
def calcom_sim() -> Iterator[CalComSimulator]:
    """Event types 101 (30 min, host 7), 102 (45 min, hosts 7 and 8) and 103 (30 min, needs confirmation)."""
    simulator = CalComSimulator(
        "cal_test_key",
        event_types=[
            EventType(id=101, slug="visit", hosts=[Host(id=7)]),
            EventType(id=102, slug="pair", length_in_minutes=45, hosts=[Host(id=7), Host(id=8)]),
            EventType(id=103, slug="checked", requires_confirmation=True),
        ],
        hook=Hook(delay_seconds=0),
    )
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def calcom(calcom_sim: CalComSimulator) -> Iterator[CalCom]:
    client = CalCom("cal_test_key", calcom_sim.url, timeout_seconds=2)
    yield client
    client.close()


@pytest.fixture
def new_booking(tomorrow: datetime) -> MakeBooking:
    """A booking `hours` after tomorrow at ten; other keywords replace fields."""

    def make(hours: float = 0, **changes: object) -> NewBooking:
        attendee = NewAttendee(name="Ada", time_zone="Europe/Rome", phone_number="+393331234567")
        plain = NewBooking(event_type_id=101, start=tomorrow + timedelta(hours=hours), attendee=attendee)
        return msgspec.structs.replace(plain, **changes)

    return make
