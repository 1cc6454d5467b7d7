"""Rescheduling and cancelling, where nobody else has to agree."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.changes.book_online import book_online
from chalicelib.booking.changes.cancel import Cancellation, cancel
from chalicelib.booking.changes.reschedule import reschedule
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.jobs import SettleChange
from chalicelib.booking.provider.reconcile_change import settle_change
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.core.clock import now
from chalicelib.core.errors import Conflict
from chalicelib.core.jobs import JobContext
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_practice import Practice
from tests.booking.calendars import read_calendar
from tests.calls.conftest import next_monday

COMPANY = "com_test"


def changing() -> ChangeContext[Any]:
    return ChangeContext(new_unit, COMPANY, now)


def new_unit() -> Unit:
    return Unit(COMPANY)


def booked(practice: Practice, hour: int = 10, staff: str | None = "Ada Keller", guest: int = 1) -> Appointment:
    booking_request = BookingRequest(
        branch_id=practice.branches[0].id,
        service="Consultation",
        starts_at=next_monday(hour),
        source="api",
        staff=staff,
        contact=Contact(name=f"Guest {guest}", phone=f"+4915112345{guest:03}"),
    )
    return book_online(changing(), booking_request)


def move(appointment: Appointment, starts_at: datetime, **fields: Any) -> Appointment:
    return reschedule(changing(), appointment.id, Move(starts_at=starts_at, **fields))


def call_off(appointment: Appointment, **fields: Any) -> Appointment:
    return cancel(changing(), appointment.id, Cancellation(**fields))


def stored(appointment: Appointment) -> Appointment:
    return appointment_store.get_appointment(COMPANY, appointment.id)


def taken(practice: Practice, *appointments: Appointment) -> list[datetime]:
    """When Ada is taken around these appointments."""
    entries = [a.entry(slot) for a in appointments for slot in (a.slots() or [a.slot()])]
    return sorted(entry.start for entry in read_calendar(practice.staff[0], *entries).entries())


def settle(appointment: Appointment, later: timedelta = timedelta(minutes=3)) -> None:
    change = stored(appointment).pending_change
    assert change
    job = SettleChange(company_id=COMPANY, appointment_id=appointment.id, change_id=change.id)
    settle_change(job, JobContext("job", 1, False, "cor", COMPANY, lambda: now() + later))


def events() -> list[str]:
    return [row.type for row in OutboxRow.scan() if not row.type.startswith("job:")]


def refused(work: Callable[[], object], code: str) -> Conflict:
    with pytest.raises(Conflict) as caught:
        work()
    assert caught.value.code == code
    return caught.value


def test_without_calcom_it_moves_in_one_go(practice: Practice) -> None:
    made = booked(practice)
    moved = move(made, next_monday(14), reason="ill")
    assert (moved.starts_at, moved.ends_at) == (next_monday(14), next_monday(14, 30))
    assert (moved.version, moved.moves, moved.pending_change) == (made.version + 1, 1, None)
    assert stored(made) == moved
    assert taken(practice, made, moved) == [next_monday(14)]
    assert "booking.AppointmentMoved" in events()


def test_it_may_overlap_where_it_was(practice: Practice) -> None:
    made = booked(practice)
    moved = move(made, next_monday(10, 15))
    assert taken(practice, moved) == [next_monday(10, 15)]


def test_where_it_is_already_nothing_changes(practice: Practice) -> None:
    made = booked(practice)
    assert move(made, made.starts_at) == made
    assert move(made, made.starts_at, staff="Ada Keller") == made


def test_a_taken_time_is_refused_and_every_alternative_is_bookable(practice: Practice) -> None:
    made, other = booked(practice, 10), booked(practice, 11, guest=2)
    refusal = refused(lambda: move(made, other.starts_at), "slot_taken")
    offered = refusal.extra["alternatives"]
    assert len(offered) == 3
    assert made.starts_at.isoformat() not in [slot["starts_at"] for slot in offered]
    for slot in offered:
        moved = move(made, datetime.fromisoformat(slot["starts_at"]), staff=slot["staff_id"])
        assert moved.starts_at == datetime.fromisoformat(slot["starts_at"])
    refused(lambda: move(made, next_monday(22)), "not_bookable")


def test_what_was_decided_on_an_old_version_is_refused_with_the_present_one(practice: Practice) -> None:
    made = booked(practice)
    moved = move(made, next_monday(14), version=made.version)
    for work in (
        lambda: move(made, next_monday(15), version=made.version),
        lambda: call_off(made, version=made.version),
    ):
        refusal = refused(work, "stale_version")
        assert refusal.extra["current"]["version"] == moved.version
        assert refusal.extra["current"]["starts_at"] == moved.starts_at.isoformat()


def test_cancelled_is_over_and_cancelling_again_changes_nothing(practice: Practice) -> None:
    made = booked(practice)
    over = call_off(made, reason="ill", by="customer")
    assert (over.status, over.cancellation_reason) == ("cancelled", "ill")
    assert call_off(made) == over
    assert taken(practice, made) == []
    refused(lambda: move(made, next_monday(14)), "not_reschedulable")
    assert events().count("booking.AppointmentCancelled") == 1
