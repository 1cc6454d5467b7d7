"""Calls whose bookings nobody here knows of, as Retell's webhooks bring them."""

from datetime import datetime, timedelta
from typing import Any

from chalicelib.calls import record_call, store
from chalicelib.calls.backfill import Backfill, Outcome
from chalicelib.calls.call import Call
from chalicelib.calls.call_owner import Default
from chalicelib.core.clock import Clock, now
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.unit import Unit
from chalicelib.vendors.retell.webhook import CallAnalysis, CallCost, RetellCall
from tests.calls.conftest import next_monday

COMPANY = "com_test"
BERLIN = "+493055501000"
NO_DEFAULT = Default("", False)
BEGUN = now() - timedelta(minutes=10)


def details(number: int = 1, **fields: Any) -> dict[str, Any]:
    """What an agent that booked at Cal.com by itself leaves in its analysis."""
    given = {
        "booking_confirmed": True,
        "calcom_uid": f"uid-{number}",
        "calcom_booking_id": 5000 + number,
        "event_type_id": 101,
        "start_time": next_monday(9 + number % 8, 30 * (number // 8 % 2)).isoformat(),
        "name": f"Guest {number}",
        "phone": f"+4915100{number:06}",
    }
    return {name: value for name, value in (given | fields).items() if value is not None}


def rung(number: int = 1, custom: dict[str, Any] | None = None, **fields: Any) -> RetellCall:
    """The call as Retell tells it afterwards."""
    begun = BEGUN + timedelta(seconds=number)
    known: dict[str, Any] = {
        "call_id": f"retell-{number}",
        "to_number": BERLIN,
        "from_number": "+4915112345678",
        "direction": "inbound",
        "call_status": "ended",
        "start_timestamp": round(begun.timestamp() * 1000),
        "transcript": "Agent: Hello\nUser: Hi",
        "recording_url": f"https://example.retell.invalid/{number}.wav",
        "call_cost": CallCost(combined_cost=70.5),
        "call_analysis": CallAnalysis(
            call_summary="Booked.",
            user_sentiment="Positive",
            custom_analysis_data=details(number) if custom is None else custom,
        ),
    }
    return RetellCall(**(known | fields))


def recorded(number: int = 1, custom: dict[str, Any] | None = None, **fields: Any) -> Call:
    """Such a call on record here, whoever it belongs to."""
    call_id = record_call.record(rung(number, custom, **fields), Unit)
    found = store.calls_at(COMPANY, [call_id]) or store.calls_at(PLATFORM, [call_id])
    return found[0]


def backfill(clock: Clock = now, default: Default = NO_DEFAULT) -> Backfill:
    """What the command line does its work with."""
    return Backfill(lambda company_id: Unit(company_id, clock=clock), clock, default)


def run_all(clock: Clock = now) -> list[Outcome]:
    """All of the company's and nobody's."""
    return list(backfill(clock).all([COMPANY, PLATFORM]))


def at(instant: datetime) -> Clock:
    """A clock that stands still."""
    return lambda: instant
