"""The phone call that becomes an appointment, through the endpoint that Retell calls."""

import json
import time
from typing import Any

import pytest

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.calls import store
from chalicelib.core import aws as aws_clients
from chalicelib.core import reference_store, switches
from chalicelib.core.clock import now
from chalicelib.core.references import Reference
from chalicelib.core.rows import InboxRow
from chalicelib.vendors.calcom import webhook as calcom_webhook
from infra.local.demo_practice import Practice
from infra.local.invoking import Caller, call
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.calls.conftest import booking_request, call_function, next_monday, signed
from tests.draining import drain

STAFF = Caller("com_test")


def webhook(simulator: CalComSimulator, trigger: str, booking_json: dict[str, Any], **payload: Any) -> int:
    """What Cal.com would post about a booking; returns our status."""
    body = {
        "triggerEvent": trigger,
        "createdAt": payload.pop("created_at", now().isoformat()),
        "payload": {
            "uid": booking_json["uid"],
            "bookingId": booking_json["id"],
            "eventTypeId": booking_json["eventType"]["id"],
            "startTime": booking_json["start"],
            "endTime": booking_json["end"],
            "status": "ACCEPTED",
            "metadata": booking_json["metadata"],
            "organizer": {"id": 7},
            "attendees": [{"name": "Eve", "email": "eve@example.com"}],
        }
        | payload,
    }
    raw = json.dumps(body).encode()
    headers = {"x-cal-signature-256": calcom_webhook.sign(raw, "whsec_test")}
    return call("POST", "/webhooks/calcom", raw=raw, headers=headers).status


def test_the_answer_comes_back_with_everything_linked(through_calcom: Practice, calcom: CalComSimulator) -> None:
    answer = call_function("book_appointment", booking_request())
    assert answer.status == 200
    said = answer.json
    assert said["status"] == "booked"
    assert "Monday" in said["message"]
    assert "10:00 AM" in said["message"]
    appointment = appointment_store.get_appointment("com_test", said["appointment_id"])
    assert appointment.status == "confirmed"
    assert appointment.source == "retell_phone"
    assert appointment.starts_at == next_monday(10)
    assert appointment.external_number is not None
    assert appointment.external_id is not None
    found = store.get_call("com_test", "retell-1")
    assert appointment.call_id == found.id
    assert found.link.booking_confirmed
    assert found.link.appointment_id == appointment.id
    assert found.link.customer_id == appointment.customer_id
    assert found.link.booking_details["name"] == "Eve Stone"
    for kind, value in (("booking", appointment.external_id), ("booking_number", appointment.external_number)):
        entry = reference_store.find(Reference("calcom", kind, str(value)))
        assert entry is not None
        assert entry.record == appointment.id


def test_a_staff_screen_sees_the_appointment_at_once(through_calcom: Practice) -> None:
    said = call_function("book_appointment", booking_request()).json
    shown = call("GET", "/api/calls/retell-1", caller=STAFF).json
    assert shown["appointment"]["id"] == said["appointment_id"]
    assert shown["customer"]["name"] == "Eve Stone"
    assert shown["customer"]["phone"] == "+4915112345678"
    chain = call("GET", f"/api/calls/{shown['id']}/chain", caller=STAFF).json
    assert chain["valid"]
    assert len(chain["criteria"]) == 9


@pytest.mark.parametrize("fresh", [False, True], ids=["warm", "fresh"])
def test_requests_stay_within_three_reads_and_two_transactions(through_calcom: Practice, fresh: bool) -> None:
    """A process that has not looked for ten seconds reads once more: whether Cal.com is switched off."""
    if not fresh:
        switches.is_off(switches.vendor("calcom"))
    names: list[str] = []
    aws_clients.call_hooks.append(lambda when, name: names.append(name) if when == "before" else None)
    try:
        assert call_function("book_appointment", booking_request()).json["status"] == "booked"
    finally:
        aws_clients.call_hooks.clear()
    reads = [name for name in names if name != "dynamodb.TransactWriteItems"]
    assert len(reads) <= 3 + fresh, names
    assert len(names) - len(reads) == 2


def test_the_same_question_again_gets_the_same_appointment(through_calcom: Practice, calcom: CalComSimulator) -> None:
    first, second = (
        call_function("book_appointment", booking_request()).json,
        call_function("book_appointment", booking_request()).json,
    )
    assert first == second
    assert len(calcom.bookings.all) == 1
    other = call_function("book_appointment", booking_request(11)).json
    assert other["appointment_id"] != first["appointment_id"]


def test_a_taken_time_is_answered_with_alternatives(through_calcom: Practice) -> None:
    call_function("book_appointment", booking_request(staff="Ada Keller"))
    same = booking_request(staff="Ada Keller", name="Tom")
    refused = call_function("book_appointment", same, call_id="retell-2").json
    assert refused["status"] == "unavailable"
    assert 1 <= len(refused["alternatives"]) <= 3
    chosen = refused["alternatives"][0]
    again = booking_request(staff=chosen["staff_id"], starts_at=chosen["starts_at"])
    assert call_function("book_appointment", again, call_id="retell-2").json["status"] == "booked"


def test_free_times_are_offered_and_bookable_as_given(through_calcom: Practice) -> None:
    day = next_monday(0).date().isoformat()
    free = call_function("check_availability", {"service": "consultation", "date": day}).json
    assert free["status"] == "free"
    for slot in free["slots"]:
        args = booking_request(starts_at=slot["starts_at"], staff=slot["staff_id"])
        assert call_function("book_appointment", args).json["status"] == "booked"


def test_calcoms_webhook_changes_nothing_afterwards(through_calcom: Practice, calcom: CalComSimulator) -> None:
    said = call_function("book_appointment", booking_request()).json
    before = appointment_store.get_appointment("com_test", said["appointment_id"])
    made = {
        "uid": before.external_id, "id": before.external_number, "eventType": {"id": 101},
        "start": before.starts_at.isoformat(), "end": before.ends_at.isoformat(),
        "metadata": {"appointment_id": before.id, "company_id": "com_test"},
    }  # fmt: skip
    created_at = now().isoformat()
    for _ in range(3):
        assert webhook(calcom, "BOOKING_CREATED", made, created_at=created_at) == 204
    drain()
    assert appointment_store.get_appointment("com_test", before.id) == before


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "calcom_credentials"),
        (403, "calcom_forbidden"),
        (404, "calcom_not_found"),
        (422, "calcom_invalid"),
        (429, "calcom_rate_limited"),
    ],
)
def test_a_refusal_of_calcom_leaves_nothing_taken(
    through_calcom: Practice, calcom: CalComSimulator, status: int, code: str
) -> None:
    calcom.fault(path="/v2/bookings", method="POST", status=status, times=1)
    said = call_function("book_appointment", booking_request()).json
    assert said["status"] == "failed"
    assert said["code"] == code
    again = call_function("book_appointment", booking_request()).json
    assert again["status"] == "booked"


def test_a_slot_taken_at_calcom_is_answered_like_one_taken_here(
    through_calcom: Practice, calcom: CalComSimulator
) -> None:
    calcom.fault(path="/v2/bookings", method="POST", status=409, message="no_available_users_found_error", times=1)
    said = call_function("book_appointment", booking_request()).json
    assert said["status"] == "unavailable"
    assert said["alternatives"]


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}, {"delay_seconds": 1.5}])
@pytest.mark.parametrize("acted", [True, False])
def test_an_unknown_outcome_holds_until_calcom_was_asked(
    through_calcom: Practice, calcom: CalComSimulator, fault: dict[str, Any], acted: bool
) -> None:
    calcom.fault(path="/v2/bookings", method="POST", times=1, **({"apply": acted} | fault))
    said = call_function("book_appointment", booking_request()).json
    assert said["status"] == "pending"
    assert appointment_store.get_appointment("com_test", said["appointment_id"]).status == "held"
    same = booking_request(staff="Ada Keller", name="Tom")
    blocked = call_function("book_appointment", same, call_id="retell-2").json
    other = call_function("book_appointment", booking_request(staff="Ben Okafor", name="Kim"), call_id="retell-3").json
    assert {blocked["status"], other["status"]} == {"booked", "unavailable"}
    time.sleep(fault.get("delay_seconds", 0))  # a request under way has ended long before anyone reconciles
    _reconcile(said["appointment_id"])
    settled = appointment_store.get_appointment("com_test", said["appointment_id"])
    did_act = settled.id in [b["metadata"].get("appointment_id") for b in calcom.bookings.all.values()]
    assert settled.status == ("confirmed" if did_act else "released")
    drain()
    assert store.get_call("com_test", "retell-1").link.booking_confirmed == did_act


def _reconcile(appointment_id: str) -> None:
    from datetime import timedelta

    from chalicelib.booking.jobs import ReconcileBooking
    from chalicelib.booking.provider.reconcile_booking import reconcile
    from chalicelib.core.jobs import JobContext

    late = JobContext("job", 1, False, "cor", "com_test", lambda: now() + timedelta(minutes=3))
    reconcile(ReconcileBooking(company_id="com_test", appointment_id=appointment_id), late)


@pytest.mark.parametrize(
    ("args", "field"),
    [
        (booking_request(starts_at="yesterday"), "args.starts_at"),
        (booking_request(starts_at="2020-01-01T10:00"), "args.starts_at"),
        (booking_request(starts_at="2027-03-28T02:30"), "args.starts_at"),
        (booking_request(starts_at="2026-12-01"), "args.starts_at"),
        (booking_request(starts_at=5), "args.starts_at"),
        (booking_request(service="Tattoo"), "args.service"),
        (booking_request(staff="Nobody"), "args.staff"),
        (booking_request(phone="12"), "args.phone"),
        (booking_request(email="nobody"), "args.email"),
        ({"service": "Consultation"}, "args.starts_at"),
        ({}, "args.service"),
    ],
)
def test_arguments_that_make_no_sense_name_their_field(
    through_calcom: Practice, args: dict[str, Any], field: str
) -> None:
    answer = call_function("book_appointment", args)
    assert answer.status == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert field in [fault["path"] for fault in answer.json["errors"]]


def test_a_forged_function_call_is_refused_and_stores_nothing(through_calcom: Practice) -> None:
    raw = json.dumps({"name": "book_appointment", "args": booking_request(), "call": {"call_id": "x"}}).encode()
    for header in ({}, {"x-retell-signature": "v=1795171633490,d=" + "0" * 64}):
        answer = call("POST", "/webhooks/retell/function", raw=raw, headers=header)
        assert answer.status == 401
        assert answer.json["code"] == "bad_signature"
    assert call("GET", "/api/calls", caller=STAFF).json["data"] == []


def test_a_number_of_nobodys_books_nothing(through_calcom: Practice) -> None:
    assert (
        call_function("book_appointment", booking_request(), to_number="+12025550000").json["status"]
        == "unknown_number"
    )


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2, 1, 0)])
def test_the_calls_record_is_the_same_in_any_order(through_calcom: Practice, order: tuple[int, ...]) -> None:
    base = {
        "call_id": "retell-9", "from_number": "+4915112345678", "to_number": "+493055501000",
        "direction": "inbound", "start_timestamp": 1795171633490,
    }  # fmt: skip
    ended = base | {
        "call_status": "ended", "end_timestamp": 1795171693490, "duration_ms": 60000,
        "transcript": "Agent: Hello\nUser: Hi", "disconnection_reason": "user_hangup",
    }  # fmt: skip
    events = [
        {"event": "call_started", "call": base | {"call_status": "ongoing"}},
        {"event": "call_ended", "call": ended},
        {"event": "call_analyzed", "call": ended | {"call_analysis": {"call_summary": "Booked."}}},
    ]
    for number in order:
        assert signed("/webhooks/retell", events[number]).status == 204
        drain()
    shown = call("GET", "/api/calls/retell-9", caller=STAFF).json
    assert shown["status"] == "ended"
    assert shown["duration_ms"] == 60000
    assert shown["summary"] == "Booked."
    assert shown["transcript"].endswith("User: Hi")


def test_unknown_events_are_taken_and_kept(through_calcom: Practice) -> None:

    assert signed("/webhooks/retell", {"event": "moon_rose", "call": {"call_id": "retell-1"}}).status == 204
    assert signed("/webhooks/retell", {"event": "chat_started", "chat": {"chat_id": "c"}}).status == 204
    assert sorted(str(row.kind) for row in InboxRow.scan()) == ["chat_started", "moon_rose"]
