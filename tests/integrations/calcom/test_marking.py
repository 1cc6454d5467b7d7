"""No-shows, requests, other staff, attendees at Cal.com, and the history that tells of them."""

from contextlib import closing
from typing import Any

import msgspec
import pytest

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.changes.attendees import Attendance, change_attendees
from chalicelib.booking.changes.reschedule import reschedule
from chalicelib.booking.changes.status import Mark, confirm, decline, mark
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.provider.news import NewsContext, apply_news
from chalicelib.core.clock import now
from chalicelib.core.errors import Invalid
from chalicelib.core.references import Reference
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.integrations.calcom.booking_provider import PROVIDER
from infra.local.demo_practice import Practice
from infra.local.invoking import Caller, call
from infra.local.simulators.calcom.event_types import EventType, Host
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.booking.test_changing import COMPANY, booked, move, new_unit, refused, settle, stored, taken
from tests.booking.test_marking import changing, move_to
from tests.calls.conftest import next_monday
from tests.draining import drain
from tests.integrations.calcom.test_polling import utc

CALLER = Caller(COMPANY)


def after(appointment: Appointment) -> Any:
    return lambda: appointment.ends_at


def theirs(calcom: CalComSimulator, appointment: Appointment) -> Any:
    return calcom.bookings.all[str(stored(appointment).external_id)]


def test_a_no_show_reaches_calcom_and_can_be_taken_back(through_calcom: Practice, calcom: CalComSimulator) -> None:
    made = booked(through_calcom)
    refused(lambda: mark(changing(), made.id, "no_show", Mark()), "not_started")
    missed = mark(ChangeContext(new_unit, COMPANY, after(made)), made.id, "no_show", Mark())
    drain()
    assert (missed.status, stored(made).status) == ("no_show", "no_show")
    assert theirs(calcom, made)["attendees"][0]["absent"]
    assert mark(ChangeContext(new_unit, COMPANY, after(made)), made.id, "no_show", Mark()) == stored(made)
    refused(lambda: move(made, next_monday(14)), "not_reschedulable")
    mark(ChangeContext(new_unit, COMPANY, after(made)), made.id, "confirmed", Mark())
    drain()
    assert stored(made).status == "confirmed"
    assert not theirs(calcom, made)["attendees"][0]["absent"]


def test_completed_stays_here(through_calcom: Practice) -> None:
    made = booked(through_calcom)
    assert (
        mark(ChangeContext(new_unit, COMPANY, after(made)), made.id, "completed", Mark(version=made.version)).status
        == "completed"
    )
    refused(
        lambda: mark(ChangeContext(new_unit, COMPANY, after(made)), made.id, "no_show", Mark(version=1)),
        "stale_version",
    )


@pytest.fixture
def requests(calcom: CalComSimulator, through_calcom: Practice) -> Practice:
    """Whatever Ada is asked for has to be confirmed at Cal.com."""
    calcom.bookings.event_types[101].requires_confirmation = True
    return through_calcom


def test_a_request_is_confirmed_at_calcom(requests: Practice, calcom: CalComSimulator) -> None:
    made = booked(requests)
    assert made.status == "requested"
    assert confirm(changing(), made.id, Mark()).status == "confirmed"
    assert theirs(calcom, made)["status"] == "accepted"
    again = confirm(changing(), made.id, Mark())
    assert again == stored(made)
    refused(lambda: decline(changing(), made.id, Mark()), "not_requested")


def test_a_request_is_declined_at_calcom(requests: Practice, calcom: CalComSimulator) -> None:
    made = booked(requests)
    calcom.fault(path="*/decline", status=500, apply=True)
    pending = decline(changing(), made.id, Mark(reason="closed"))
    assert pending.pending_change
    assert taken(requests, made) == [made.starts_at]
    settle(made)
    assert (stored(made).status, stored(made).cancellation_reason) == ("declined", "closed")
    assert (theirs(calcom, made)["status"], taken(requests, made)) == ("rejected", [])


def test_a_move_that_has_to_be_confirmed_is_a_request_again(requests: Practice, calcom: CalComSimulator) -> None:
    made = booked(requests)
    confirm(changing(), made.id, Mark())
    moved = move(made, next_monday(14))
    assert (moved.status, moved.starts_at) == ("requested", next_monday(14))
    _, theirs_now = calcom.bookings.reschedule(str(moved.external_id), {"start": utc(next_monday(15))})
    client = PROVIDER.connect()
    news = client.find(theirs_now["uid"])
    assert news
    assert (news.status, news.moved) == ("requested", False)
    apply_news(NewsContext(PROVIDER, Unit, now, lambda: closing(client)), news)
    assert (stored(made).status, stored(made).starts_at) == ("requested", next_monday(15))
    assert taken(requests, stored(made)) == [next_monday(15)]


def test_a_round_robin_host_is_reassigned_at_calcom(through_calcom: Practice, calcom: CalComSimulator) -> None:
    calcom.bookings.event_types[101] = EventType(id=101, hosts=[Host(id=7), Host(id=8)])
    service = msgspec.structs.replace(
        through_calcom.services[0], references=(Reference("calcom", "service", "101", "*"),)
    )
    services = (service, through_calcom.services[1])
    save_practice(lambda: Unit(COMPANY), through_calcom.branches[:1], services, through_calcom.staff[:2])
    made = booked(through_calcom)
    given = reschedule(changing(), made.id, move_to())
    assert (given.staff_id, given.external_id) == (through_calcom.staff[1].id, made.external_id)
    assert theirs(calcom, made)["hosts"][0]["id"] == 8
    moved = move(given, next_monday(15), staff="Ada Keller")
    assert (moved.staff_id, theirs(calcom, made)["hosts"][0]["id"]) == (through_calcom.staff[0].id, 7)


def test_attendees_and_guests_reach_calcom_and_are_no_news_when_they_come_back(
    through_calcom: Practice, calcom: CalComSimulator
) -> None:
    made = booked(through_calcom)
    contact = Contact(name="Eve Stone", email="eve@example.com")
    changed = change_attendees(changing(), made.id, Attendance(contact=contact, guests=("Tom@example.com",)))
    assert changed.attendee
    assert (changed.attendee.name, changed.attendee.phone) == ("Eve Stone", "+4915112345001")
    drain()
    emails = [one["email"] for one in theirs(calcom, made)["attendees"]]
    assert emails[1:] == ["eve@example.com", "tom@example.com"]
    kept = stored(made)
    assert (kept.attendee, kept.guests) == (changed.attendee, ("tom@example.com",))
    assert kept.external.guests == ("eve@example.com", "tom@example.com")
    with pytest.raises(Invalid, match="removes none"):
        change_attendees(changing(), made.id, Attendance(contact=Contact(), guests=()))
    assert change_attendees(changing(), made.id, Attendance(contact=contact)) == kept


def test_through_the_api_with_its_history(through_calcom: Practice, calcom: CalComSimulator) -> None:
    made = booked(through_calcom)
    path = f"/api/appointments/{made.id}"
    body = {"starts_at": next_monday(14).isoformat(), "version": made.version, "reason": "Eve is late"}
    moved = call("POST", f"{path}/reschedule", caller=CALLER, body=body, headers={"idempotency-key": "k"})
    again = call("POST", f"{path}/reschedule", caller=CALLER, body=body, headers={"idempotency-key": "k"})
    assert (moved.status, again.text) == (200, moved.text)
    assert (moved.json["moves"], moved.json["pending_change"]) == (1, None)
    assert call("POST", f"{path}/reschedule", caller=CALLER, body=body).json["code"] == "stale_version"
    assert call("POST", f"{path}/no-show", caller=CALLER, body={}).json["code"] == "not_started"
    given = call("POST", f"/api/events/{made.id}/reassign", caller=CALLER, body={"staff": "Ben Okafor"})
    assert given.json["staff_id"] == through_calcom.staff[1].id
    assert call("POST", f"{path}/attendees", caller=CALLER, body={"guests": ["tom@example.com"]}).status == 200
    over = call("POST", f"{path}/cancel", caller=CALLER, body={"reason": "Eve is ill"})
    assert over.json["status"] == "cancelled"
    entries = call("GET", f"{path}/history", caller=CALLER).json["data"]
    assert [entry["action"] for entry in entries] == [
        "appointment.held",
        "appointment.confirmed",
        "appointment.reschedule_asked",
        "appointment.moved",
        "appointment.rebook_asked",
        "appointment.moved",
        "appointment.attendees_changed",
        "appointment.cancel_asked",
        "appointment.cancelled",
    ]
    assert entries[3]["actor"] == "user:usr_test"
    assert entries[3]["changes"]["starts_to"] == moved.json["starts_at"].replace("Z", ".000000Z")
    for personal in ("Eve", "tom@", "+49"):
        assert personal not in str(entries)
