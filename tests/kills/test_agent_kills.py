"""Kill the process before and after every outside call of an agent's function; asked again, it is done exactly once."""

from datetime import timedelta

import pytest

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.tables import OccupancyRow
from chalicelib.calls import message_store
from chalicelib.core import relay
from chalicelib.core.clock import now
from chalicelib.core.rows import OutboxRow
from infra.local.demo_practice import Practice
from tests.calls.conftest import next_monday
from tests.calls.desk import booked, ring
from tests.draining import drain
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import messages_come_back_at_once, until_it_survives


def _recover() -> None:
    relay.sweep(now() + timedelta(minutes=5))
    drain()


@pytest.mark.slow
def test_a_message_is_taken_once_whatever_dies(practice: Practice) -> None:
    messages_come_back_at_once()
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        args, call_id = {"message": f"No. {tried}"}, f"retell-{tried}"
        died = run_dying(lambda: ring("take_message", args, now(), call_id), death)
        said = ring("take_message", args, now(), call_id)
        assert said["status"] == "taken"
        _recover()
        kept = message_store.page_messages("com_test", "open", 100, None).data
        assert [one.id for one in kept if one.text == args["message"]] == [said["message_id"]]
        events = [row for row in OutboxRow.scan() if said["message_id"] in (row.data or "")]
        assert len(events) == 1
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls, {tried} deaths tried")
    assert calls >= 3


@pytest.mark.slow
def test_an_appointment_is_moved_and_cancelled_once_whatever_dies(practice: Practice) -> None:
    messages_come_back_at_once()
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        mine = booked(next_monday(10), at=now(), number=f"+49151000{tried:05}", staff="Ada Keller")
        call = {"call_id": f"retell-{tried}", "from_number": f"+49151000{tried:05}"}
        booking_request = {"starts_at": next_monday(15).isoformat()}
        died = run_dying(lambda: ring("reschedule_appointment", booking_request, now(), **call), death)
        assert ring("reschedule_appointment", booking_request, now(), **call)["status"] == "moved"
        assert appointment_store.get_appointment("com_test", mine.id).moves == 1
        died_again = run_dying(lambda: ring("cancel_appointment", {}, now(), **call), death)
        assert ring("cancel_appointment", {}, now(), **call)["status"] == "cancelled"
        _recover()
        assert appointment_store.get_appointment("com_test", mine.id).status == "cancelled"
        events = [row.type for row in OutboxRow.scan() if mine.id in (row.data or "")]
        assert sorted(events) == [
            "booking.AppointmentBooked",
            "booking.AppointmentCancelled",
            "booking.AppointmentMoved",
        ]
        taken = b"".join(bytes(getattr(week, f"d{n}") or b"") for week in OccupancyRow.scan() for n in range(7))
        assert taken == b""
        return died or died_again

    calls = until_it_survives(case)
    print(f"{calls} outside calls, {tried} deaths tried")
    assert calls >= 5
