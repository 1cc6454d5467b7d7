"""Calls to a Berlin branch at a moment that the test chooses, without the endpoint's signature."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.calls.agent import Tools, call_function
from chalicelib.core.unit import Actor, Unit
from chalicelib.vendors.retell import FunctionCall, RetellCall
from infra.local.demo_practice import Practice

BERLIN = ZoneInfo("Europe/Berlin")
# As 2026 has them; so far ahead that nothing expires by the embedded AWS's own clock.
SATURDAY = datetime(2037, 11, 21, 10, tzinfo=BERLIN)
MONDAY = datetime(2037, 11, 23, 10, tzinfo=BERLIN)
MINE, THEIRS = "+4915112345678", "+4915187654321"


def practice_that_speaks(practice: Practice, language: str, **fields: Any) -> None:
    """Let the practice's Berlin branch speak a language; `fields` of the branch as well."""
    branches = (replace(practice.branches[0], language=language, **fields), practice.branches[1])
    save_practice(lambda: Unit("com_test"), branches, practice.services, practice.staff)


def ring(name: str, args: dict[str, Any], at: datetime = SATURDAY, call_id: str = "retell-1", **call: Any) -> Any:
    """What the agent is answered when it calls a function at that moment."""
    details = {
        "call_id": call_id,
        "from_number": MINE,
        "to_number": "+493055501000",
        "direction": "inbound",
        "call_status": "ongoing",
    } | call
    now = at.astimezone(UTC)
    agent = Actor("vendor", "retell")
    tools = Tools(lambda company_id: Unit(company_id, agent, clock=lambda: now), lambda: now)
    return call_function(FunctionCall(name=name, args=args, call=RetellCall(**details)), tools)


def booked(
    starts_at: datetime = MONDAY, name: str = "Eve Stone", number: str = MINE, at: datetime = SATURDAY, **args: Any
) -> Appointment:
    """An appointment, made in another call."""
    wish = {"service": "Consultation", "starts_at": starts_at.isoformat(), "name": name} | args
    said = ring("book_appointment", wish, at, f"booking-{number}-{starts_at}-{args}", from_number=number)
    assert said["status"] == "booked", said
    return appointment_store.get_appointment("com_test", said["appointment_id"])
