"""Cal.com's webhooks: in any order, any number of times, from bookings of ours and of its own."""

import copy
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.tables import BookingRow
from chalicelib.core.clock import now
from chalicelib.core.rows import InboxRow, OutboxRow
from chalicelib.vendors.calcom import webhook as calcom_webhook
from infra.local.demo_practice import Practice
from infra.local.invoking import call
from infra.local.simulators.calcom.simulator import CalComSimulator
from infra.local.simulators.calcom.webhooks import payload
from tests.calls.conftest import ask, next_monday, wish
from tests.draining import drain

SECRET = "whsec_test"


def event(trigger: str, minute: int, uid: str = "uid-a", starts_at: datetime | None = None, **fields: Any) -> bytes:
    """A webhook that Cal.com made `minute` minutes after some hour."""
    start = starts_at or next_monday(12)
    body = {
        "triggerEvent": trigger,
        "createdAt": (next_monday(8) + timedelta(minutes=minute) - timedelta(days=3)).isoformat(),
        "payload": {
            "uid": uid,
            "bookingId": sum(uid.encode()),
            "eventTypeId": 101,
            "startTime": start.isoformat(),
            "endTime": (start + timedelta(minutes=30)).isoformat(),
            "status": "ACCEPTED",
            "metadata": {},
            "organizer": {"id": 7, "email": "ada@example.com"},
            "attendees": [{"name": "Finn Web", "email": "finn@example.com", "phoneNumber": "+4915199999999"}],
        }
        | fields,
    }
    return json.dumps(body).encode()


def deliver(raw: bytes, header: str | None = None) -> int:
    """Post it, signed, and let the jobs run; returns our status."""
    signature = header if header is not None else calcom_webhook.sign(raw, SECRET)
    status = call("POST", "/webhooks/calcom", raw=raw, headers={"x-cal-signature-256": signature}).status
    drain()
    return status


def appointments() -> list[Appointment]:
    return [row.model(Appointment) for row in BookingRow.scan() if row.sk == "appointment"]


CREATED = event("BOOKING_CREATED", 0)
LATER = next_monday(15)
MOVED = event("BOOKING_RESCHEDULED", 10, uid="uid-b", starts_at=LATER, rescheduleUid="uid-a")
CANCELLED = event("BOOKING_CANCELLED", 20, uid="uid-b", starts_at=LATER, status="CANCELLED", cancellationReason="ill")


def test_a_booking_made_at_calcom_itself_becomes_one_appointment(through_calcom: Practice) -> None:
    for _ in range(3):
        assert deliver(CREATED) == 204
    (made,) = appointments()
    assert made.source == "calcom"
    assert made.staff_id == through_calcom.staff[0].id
    assert made.external_id == "uid-a"
    assert len([row for row in InboxRow.scan()]) == 1
    refused = ask("book_appointment", wish(12, staff="Ada Keller")).json
    assert refused["status"] == "unavailable"


def test_a_reschedule_moves_it_and_keeps_the_old_uid_as_an_alias(through_calcom: Practice) -> None:
    deliver(CREATED)
    deliver(MOVED)
    (moved,) = appointments()
    assert (moved.external_id, moved.starts_at) == ("uid-b", LATER)
    assert ask("book_appointment", wish(12, staff="Ada Keller")).json["status"] == "booked"
    assert ask("book_appointment", wish(15, staff="Ada Keller"), call_id="c2").json["status"] == "unavailable"
    # What Cal.com still says about the booking that was replaced changes nothing.
    deliver(event("BOOKING_CANCELLED", 30, uid="uid-a", status="CANCELLED"))
    assert appointment_store.get_appointment("com_test", moved.id).status == "confirmed"


def test_a_cancellation_frees_the_time(through_calcom: Practice) -> None:
    deliver(CREATED)
    deliver(event("BOOKING_CANCELLED", 5, status="CANCELLED", cancellationReason="ill"))
    (gone,) = appointments()
    assert (gone.status, gone.cancellation_reason) == ("cancelled", "ill")
    assert ask("book_appointment", wish(12, staff="Ada Keller")).json["status"] == "booked"


@pytest.mark.parametrize("order", list(itertools.permutations([0, 1, 2])))
def test_every_order_ends_in_the_same_state(through_calcom: Practice, order: tuple[int, ...]) -> None:
    events = [CREATED, MOVED, CANCELLED]
    for number in (*order, *order):
        assert deliver(events[number]) == 204
    found = appointments()
    assert [a.status for a in found if a.external_id == "uid-b"] == ["cancelled"]
    assert all(a.status == "cancelled" for a in found), [(a.external_id, a.status) for a in found]
    assert ask("book_appointment", wish(15, staff="Ada Keller"), call_id="c2").json["status"] == "booked"


def test_no_show_is_marked_and_taken_back(through_calcom: Practice) -> None:
    deliver(CREATED)
    missed = [{"email": "finn@example.com", "noShow": True}]
    deliver(event("BOOKING_NO_SHOW_UPDATED", 5, attendees=missed))
    assert appointments()[0].status == "no_show"
    deliver(event("BOOKING_NO_SHOW_UPDATED", 6, attendees=[{"email": "finn@example.com", "noShow": False}]))
    assert appointments()[0].status == "confirmed"


def test_a_booking_over_one_of_ours_is_kept_without_staff(
    through_calcom: Practice,
    calcom: CalComSimulator,
) -> None:
    ours = ask("book_appointment", wish(12, staff="Ada Keller")).json["appointment_id"]
    deliver(CREATED)
    others = [a for a in appointments() if a.id != ours]
    assert [a.staff_id for a in others] == [None]
    assert "booking.VendorBookingUnassigned" in [row.type for row in OutboxRow.scan()]
    assert appointment_store.get_appointment("com_test", ours).staff_id == through_calcom.staff[0].id


def test_unknown_triggers_and_event_types_are_kept_and_change_nothing(through_calcom: Practice) -> None:
    assert deliver(event("SOMETHING_NEW", 0)) == 204
    assert deliver(event("BOOKING_CREATED", 0, uid="uid-x", eventTypeId=999_999)) == 204
    assert appointments() == []
    assert len(list(InboxRow.scan())) == 2


@pytest.mark.parametrize("header", ["", "no-secret-provided", "0" * 64])
def test_a_forged_webhook_is_refused_and_stores_nothing(through_calcom: Practice, header: str) -> None:
    assert deliver(CREATED, header) == 401
    assert list(InboxRow.scan()) == []


def test_a_body_over_a_megabyte_or_without_sense_is_refused(through_calcom: Practice) -> None:
    assert deliver(b"x" * 1_000_001) == 413
    assert deliver(b"not json") == 422
    assert deliver(b'{"triggerEvent":"BOOKING_CREATED","payload":{"uid":5}}') == 422
    assert list(InboxRow.scan()) == []


def told(calcom: CalComSimulator, trigger: str, uid: str, **fields: Any) -> None:
    """Deliver what Cal.com would post about one of its bookings as it is now."""
    raw = json.dumps(
        {
            "triggerEvent": trigger,
            "createdAt": calcom.bookings.all[uid]["updatedAt"],
            "payload": payload(calcom.bookings.all[uid], trigger, **fields),
        }
    )
    assert deliver(raw.encode()) == 204


def moved_there(calcom: CalComSimulator, uid: str, hour: int) -> tuple[dict[str, Any], dict[str, Any]]:
    start = next_monday(hour).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return calcom.bookings.reschedule(uid, {"start": start})


def test_of_several_reschedules_only_the_last_is_heard_of(
    through_calcom: Practice,
    calcom: CalComSimulator,
) -> None:
    ours = ask("book_appointment", wish(12, staff="Ada Keller")).json["appointment_id"]
    first = appointment_store.get_appointment("com_test", ours)
    _, second = moved_there(calcom, str(first.external_id), 13)
    second_before, third = moved_there(calcom, second["uid"], 14)
    told(calcom, "BOOKING_RESCHEDULED", third["uid"], old=second_before)
    (found,) = appointments()
    assert (found.id, found.external_id, found.starts_at) == (ours, third["uid"], next_monday(14))


def test_late_news_is_a_reason_to_look_and_not_the_truth(
    through_calcom: Practice,
    calcom: CalComSimulator,
) -> None:
    ours = ask("book_appointment", wish(12, staff="Ada Keller")).json["appointment_id"]
    first = appointment_store.get_appointment("com_test", ours)
    before, second = moved_there(calcom, str(first.external_id), 13)
    news = copy.deepcopy((before, second))
    calcom.bookings.cancel(second["uid"], {"cancellationReason": "ill"})
    calcom.bookings.all[second["uid"]]["updatedAt"] = news[1]["updatedAt"]  # within the same instant
    raw = {"triggerEvent": "BOOKING_RESCHEDULED", "createdAt": now().isoformat()}
    deliver(json.dumps(raw | {"payload": payload(news[1], "BOOKING_RESCHEDULED", old=news[0])}).encode())
    assert appointment_store.get_appointment("com_test", ours).status == "cancelled"


def test_a_no_show_as_cal_com_words_it(through_calcom: Practice, calcom: CalComSimulator) -> None:
    ours = ask("book_appointment", wish(12, staff="Ada Keller")).json["appointment_id"]
    uid = str(appointment_store.get_appointment("com_test", ours).external_id)
    email = calcom.bookings.all[uid]["attendees"][0]["email"]
    for absent, status in ((True, "no_show"), (False, "confirmed")):
        calcom.bookings.mark_absent(uid, {"attendees": [{"email": email, "absent": absent}]})
        told(calcom, "BOOKING_NO_SHOW_UPDATED", uid)
        assert appointment_store.get_appointment("com_test", ours).status == status
