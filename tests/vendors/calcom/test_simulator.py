"""The simulated Cal.com account: what the client does not ask for, its webhooks, faults and its command line."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from chalicelib.vendors.calcom.client import CalCom
from chalicelib.vendors.calcom.webhook import CalComEvent, delivery_id, parse_webhook, verify_signature
from infra.local.simulators.calcom.simulator import CalComSimulator
from infra.local.simulators.exchange import Reply, Request
from tests.vendors.calcom.conftest import MakeBooking
from tests.vendors.conftest import Subscriber

ROOT = Path(__file__).parents[3]
KEY = {"Authorization": "Bearer cal_test_key"}
BOOKINGS = {**KEY, "cal-api-version": "2024-08-13"}


def ask(simulator: CalComSimulator, method: str, path: str, status: int = 200, **more: Any) -> Any:
    reply = requests.request(method, simulator.url + path, timeout=2, **more)
    assert reply.status_code == status, reply.text
    return reply.json() if reply.content else None


def verified(request: Request) -> CalComEvent:
    verify_signature(request.body, request.headers.get("x-cal-signature-256"), ["s3cret"])
    return parse_webhook(request.body)


@pytest.fixture
def hooked(calcom_sim: CalComSimulator, subscriber: Subscriber) -> Iterator[Subscriber]:
    """Subscribed to everything with a secret."""
    triggers = ["BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED", "BOOKING_REJECTED"]
    body = {"active": True, "subscriberUrl": subscriber.url, "triggers": [*triggers, "BOOKING_NO_SHOW_UPDATED"]}
    ask(calcom_sim, "POST", "/v2/webhooks", 201, json={**body, "secret": "s3cret"}, headers=KEY)
    yield subscriber
    calcom_sim.webhooks.settle()


def test_a_booking_is_announced_signed_and_with_our_metadata(
    calcom: CalCom, hooked: Subscriber, new_booking: MakeBooking
) -> None:
    made = calcom.create_booking(new_booking(metadata={"appointment": "apt_1"}))
    event = verified(hooked.wait_for(1)[0])
    assert (event.trigger, event.payload.uid, event.payload.booking_id) == ("BOOKING_CREATED", made.uid, made.id)
    assert (event.payload.start_time, event.payload.end_time) == (made.start, made.end)
    assert event.payload.metadata["appointment"] == "apt_1"
    assert (event.payload.status, event.payload.event_type_id) == ("ACCEPTED", 101)


def test_a_reschedule_is_one_webhook_with_old_and_new(
    calcom: CalCom, hooked: Subscriber, new_booking: MakeBooking
) -> None:
    old = calcom.create_booking(new_booking())
    hooked.wait_for(1)
    new = calcom.reschedule(old.uid, new_booking(1).start, "later")
    event = verified(hooked.wait_for(2)[1])
    assert event.trigger == "BOOKING_RESCHEDULED"
    assert (event.payload.uid, event.payload.reschedule_uid) == (new.uid, old.uid)
    assert (event.payload.booking_id, event.payload.reschedule_id) == (new.id, old.id)
    assert event.payload.reschedule_start_time == old.start


def test_a_cancellation_says_why(calcom: CalCom, hooked: Subscriber, new_booking: MakeBooking) -> None:
    made = calcom.create_booking(new_booking())
    hooked.wait_for(1)
    calcom.cancel(made.uid, "ill")
    request = hooked.wait_for(2)[1]
    event = verified(request)
    assert (event.trigger, event.payload.status) == ("BOOKING_CANCELLED", "CANCELLED")
    assert event.payload.cancellation_reason == "ill"
    assert b"+00:00" in request.body


def test_what_needs_confirmation_is_requested_then_confirmed_or_declined(
    calcom: CalCom, calcom_sim: CalComSimulator, hooked: Subscriber, new_booking: MakeBooking
) -> None:
    yes, no = (calcom.create_booking(new_booking(hours, event_type_id=103)) for hours in (0, 1))
    assert yes.status == no.status == "pending"
    hooked.wait_for(2)
    ask(calcom_sim, "POST", f"/v2/bookings/{yes.uid}/confirm", headers=BOOKINGS)
    hooked.wait_for(3)
    ask(calcom_sim, "POST", f"/v2/bookings/{no.uid}/decline", json={"reason": "away"}, headers=BOOKINGS)
    events = [verified(request) for request in hooked.wait_for(4)]
    assert [event.trigger for event in events[:2]] == ["BOOKING_REQUESTED"] * 2
    assert [event.trigger for event in events[2:]] == ["BOOKING_CREATED", "BOOKING_REJECTED"]
    assert (events[3].payload.rejection_reason, events[3].payload.status) == ("away", "REJECTED")
    assert (calcom.booking(yes.uid).status, calcom.booking(no.uid).status) == ("accepted", "rejected")
    ask(calcom_sim, "POST", f"/v2/bookings/{no.uid}/confirm", 400, headers=BOOKINGS)


def test_absence_is_noted_and_announced(
    calcom: CalCom, calcom_sim: CalComSimulator, hooked: Subscriber, new_booking: MakeBooking
) -> None:
    made = calcom.create_booking(new_booking())
    hooked.wait_for(1)
    body = {"attendees": [{"email": made.attendees[0].email, "absent": True}]}
    ask(calcom_sim, "POST", f"/v2/bookings/{made.uid}/mark-absent", json=body, headers=BOOKINGS)
    event = verified(hooked.wait_for(2)[1])
    assert (event.trigger, event.payload.uid) == ("BOOKING_NO_SHOW_UPDATED", made.uid)
    assert event.payload.attendees[0].no_show is True
    assert calcom.booking(made.uid).attendees[0].absent is True


def test_a_delivery_is_tried_once_and_can_be_replayed(
    calcom: CalCom, calcom_sim: CalComSimulator, hooked: Subscriber, new_booking: MakeBooking
) -> None:
    hooked.reply = Reply(500, {})
    calcom.create_booking(new_booking())
    calcom_sim.webhooks.settle()
    assert [one["status"] for one in ask(calcom_sim, "GET", "/_sim/deliveries")["data"]] == [500]
    ask(calcom_sim, "POST", "/_sim/replay", 204, json={})
    first, again = hooked.wait_for(2)
    assert first.body == again.body
    assert delivery_id(verified(first)) == delivery_id(verified(again))


def test_without_a_secret_the_header_says_so_and_we_refuse(
    calcom: CalCom, calcom_sim: CalComSimulator, subscriber: Subscriber, new_booking: MakeBooking
) -> None:
    calcom_sim.webhooks.subscribe({"subscriberUrl": subscriber.url, "triggers": ["BOOKING_CREATED"]})
    calcom.create_booking(new_booking())
    assert subscriber.wait_for(1)[0].headers["x-cal-signature-256"] == "no-secret-provided"


def test_webhooks_are_made_changed_and_removed(calcom_sim: CalComSimulator) -> None:
    body = {"active": True, "subscriberUrl": "http://127.0.0.1:1/", "triggers": ["BOOKING_CREATED"]}
    one = ask(calcom_sim, "POST", "/v2/webhooks", 201, json=body, headers=KEY)["data"]
    path = f"/v2/webhooks/{one['id']}"
    assert ask(calcom_sim, "PATCH", path, json={"active": False}, headers=KEY)["data"]["active"] is False
    assert len(ask(calcom_sim, "GET", "/v2/webhooks", headers=KEY)["data"]) == 1
    ask(calcom_sim, "DELETE", path, headers=KEY)
    ask(calcom_sim, "GET", path, 404, headers=KEY)
    ask(calcom_sim, "POST", "/v2/webhooks", 400, json={"triggers": []}, headers=KEY)


def test_two_services_share_their_hosts(calcom: CalCom, calcom_sim: CalComSimulator, new_booking: MakeBooking) -> None:
    single = calcom.create_booking(new_booking())
    pair = calcom.create_booking(new_booking(event_type_id=102))
    assert (single.hosts[0].id, pair.hosts[0].id) == (7, 8)
    calcom_sim.fault(path="nothing")
    taken = {"start": f"{single.start:%Y-%m-%dT%H:%M:%SZ}", "eventTypeId": 102}
    body = {**taken, "attendee": {"name": "B", "timeZone": "UTC"}}
    reply = ask(calcom_sim, "POST", "/v2/bookings", 400, json=body, headers=BOOKINGS)
    assert reply["error"]["message"].startswith("One of the hosts")
    assert reply["error"]["code"] == "BadRequestException"
    assert (reply["status"], reply["path"]) == ("error", "/v2/bookings")


@pytest.mark.parametrize(
    "change",
    [
        {"start": "2020-01-01T10:00:00Z"},
        {"start": "2099-01-01T10:00:00+02:00"},
        {"start": "soon"},
        {"start": None},
        {"attendee": {"name": "A"}},
        {"attendee": {"name": "A", "timeZone": "Mars/Olympus"}},
        {"attendee": None},
        {"title": "we invented this"},
        {"metadata": {"k": 5}},
        {"lengthInMinutes": 17},
        {"location": "street"},
    ],
)
def test_an_invalid_booking_is_refused(calcom_sim: CalComSimulator, change: dict[str, Any]) -> None:
    good = {"start": "2099-01-01T10:00:00Z", "eventTypeId": 101, "attendee": {"name": "A", "timeZone": "UTC"}}
    reply = ask(calcom_sim, "POST", "/v2/bookings", 400, json={**good, **change}, headers=BOOKINGS)
    assert reply["error"]["message"]
    anonymous = {"cal-api-version": "2024-08-13"}
    ask(calcom_sim, "POST", "/v2/bookings", 201, json=good, headers=anonymous)
    ask(calcom_sim, "GET", "/v2/bookings", 401, headers=anonymous)


def test_changes_can_be_polled_by_when_they_were_made(
    calcom: CalCom, calcom_sim: CalComSimulator, new_booking: MakeBooking
) -> None:
    first, second = calcom.create_booking(new_booking()), calcom.create_booking(new_booking(1))
    calcom.cancel(first.uid, "ill")
    assert second.updated_at is not None
    after = second.updated_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    query = {"afterUpdatedAt": after, "sortUpdatedAt": "asc"}
    found = ask(calcom_sim, "GET", "/v2/bookings", params=query, headers=BOOKINGS)
    assert [one["uid"] for one in found["data"]] == [second.uid, first.uid]
    for status, uids in (("upcoming", [second.uid]), ("cancelled", [first.uid]), ("past,unconfirmed", [])):
        page = ask(calcom_sim, "GET", "/v2/bookings", params={"status": status}, headers=BOOKINGS)
        assert [one["uid"] for one in page["data"]] == uids
    last = ask(calcom_sim, "GET", "/v2/bookings", params={"take": "1", "skip": "1"}, headers=BOOKINGS)["pagination"]
    assert (last["totalItems"], last["hasNextPage"], last["hasPreviousPage"], last["currentPage"]) == (
        2,
        False,
        True,
        2,
    )
    ask(calcom_sim, "GET", "/v2/bookings", 400, params={"take": "999"}, headers=BOOKINGS)


def test_slots_leave_out_what_is_taken(
    calcom: CalCom, calcom_sim: CalComSimulator, new_booking: MakeBooking, tomorrow: datetime
) -> None:
    calcom.create_booking(new_booking())
    day = tomorrow.date().isoformat()
    headers = {"cal-api-version": "2024-09-04"}
    query = {"eventTypeId": "101", "start": day, "end": day, "timeZone": "Europe/Rome"}
    starts = [one["start"] for one in ask(calcom_sim, "GET", "/v2/slots", params=query, headers=headers)["data"][day]]
    instants = [datetime.fromisoformat(start) for start in starts]
    assert tomorrow not in instants
    assert tomorrow + timedelta(minutes=30) in instants
    assert len(instants) == 23
    ranges = ask(calcom_sim, "GET", "/v2/slots", params={**query, "format": "range"}, headers=headers)["data"][day]
    assert set(ranges[0]) == {"start", "end"}
    ask(calcom_sim, "GET", "/v2/slots", 404, params=query)  # without its version an older API answers


def test_the_account_tells_about_itself(calcom_sim: CalComSimulator) -> None:
    assert ask(calcom_sim, "GET", "/v2/me", headers=KEY)["data"]["username"] == "owner"
    headers = {**KEY, "cal-api-version": "2024-06-14"}
    assert ask(calcom_sim, "GET", "/v2/event-types", headers=headers)["data"][0]["lengthInMinutes"] == 30
    ask(calcom_sim, "POST", "/_sim/event-types", 201, json={"id": 5, "lengthInMinutes": 20, "hosts": [7]})
    assert calcom_sim.bookings.event_types[5].hosts[0].id == 7


def test_faults_are_ordered_over_http_counted_and_reset(calcom_sim: CalComSimulator) -> None:
    fault = {"path": "/v2/me", "method": "GET", "status": 429, "times": 2, "headers": {"Retry-After": "9"}}
    ask(calcom_sim, "POST", "/_sim/faults", 201, json=fault)
    for _ in range(2):
        reply = requests.get(f"{calcom_sim.url}/v2/me", headers=KEY, timeout=2)
        assert (reply.status_code, reply.headers["Retry-After"]) == (429, "9")
        assert reply.headers["X-RateLimit-Remaining-Default"] == "0"
    ask(calcom_sim, "GET", "/v2/me", headers=KEY)
    assert [one["status"] for one in ask(calcom_sim, "GET", "/_sim/requests")["data"]] == [429, 429, 200]
    ask(calcom_sim, "POST", "/_sim/faults", 400, json={"colour": "red"})
    ask(calcom_sim, "POST", "/_sim/faults", 400, data=b"{")
    ask(calcom_sim, "POST", "/_sim/faults", 201, json={**fault, "times": None})
    ask(calcom_sim, "POST", "/_sim/reset", 204)
    ask(calcom_sim, "GET", "/v2/me", headers=KEY)
    assert 101 in calcom_sim.bookings.event_types


def test_a_stopped_simulator_does_not_go_on_answering_kept_connections(calcom_sim: CalComSimulator) -> None:
    with requests.Session() as session:
        url = calcom_sim.url
        session.get(f"{url}/v2/me", headers=KEY, timeout=2)
        calcom_sim.stop()
        with pytest.raises(requests.ConnectionError):
            session.get(f"{url}/v2/me", headers=KEY, timeout=2)


def test_the_command_line_serves_until_terminated_and_keeps_its_state(tmp_path: Path) -> None:
    state = tmp_path / "calcom.json"
    command = [sys.executable, "-m", "infra.local.simulators.calcom", "--port", "0", "--state", str(state)]
    with subprocess.Popen([*command, "--event-type", "101:visit:30:7"], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().split()[-1]
        body = {"start": "2099-01-01T10:00:00Z", "eventTypeId": 101, "attendee": {"name": "A", "timeZone": "UTC"}}
        assert requests.post(f"{url}/v2/bookings", json=body, headers=BOOKINGS, timeout=2).status_code == 201
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    again = CalComSimulator(state_file=state)
    again.start()
    assert [one["start"] for one in again.bookings.all.values()] == ["2099-01-01T10:00:00.000Z"]
    assert again.bookings.event_types[101].hosts[0].id == 7
    again.stop()
    assert msgspec.json.decode(state.read_bytes())["bookings"]
