"""Rescheduling and cancelling: here alone, and where Cal.com has to agree."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.calcom import book as calcom_book
from chalicelib.booking.calcom.commit import UID
from chalicelib.booking.calcom.reconcile_change import settle_change
from chalicelib.booking.changes.book_online import book_online
from chalicelib.booking.changes.cancel import Cancellation, cancel
from chalicelib.booking.changes.reschedule import reschedule
from chalicelib.booking.changes.status import Mark, confirm
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.jobs import SettleChange
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.core import directory
from chalicelib.core.clock import now
from chalicelib.core.errors import Conflict, VendorRefused
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.vendors.calcom import connected
from infra.local.demo_practice import Practice
from infra.local.simulators.calcom import CalComSimulator
from tests.booking.calendars import read_calendar
from tests.calls.conftest import next_monday
from tests.draining import drain

COMPANY = "com_test"


def changing() -> ChangeContext[Any]:
    return ChangeContext(new_unit, COMPANY, now)


def new_unit() -> Unit:
    return Unit(COMPANY)


def booked(practice: Practice, hour: int = 10, staff: str | None = "Ada Keller", guest: int = 1) -> Appointment:
    wish = BookingRequest(
        branch_id=practice.branches[0].id,
        service="Consultation",
        starts_at=next_monday(hour),
        source="api",
        staff=staff,
        contact=Contact(name=f"Guest {guest}", phone=f"+4915112345{guest:03}"),
    )
    return book_online(changing(), wish)


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


def test_at_calcom_a_reschedule_makes_a_new_booking_and_the_old_ids_stay(
    through_calcom: Practice,
    calcom: CalComSimulator,
) -> None:
    made = booked(through_calcom)
    moved = move(made, next_monday(14), reason="ill")
    assert (moved.status, moved.starts_at, moved.pending_change) == ("confirmed", next_monday(14), None)
    theirs = calcom.bookings.all[str(moved.external_id)]
    assert (theirs["status"], theirs["rescheduledFromUid"]) == ("accepted", made.external_id)
    for uid in (made.external_id, moved.external_id):
        found = directory.find(UID, str(uid))
        assert found
        assert found.record == made.id
    assert taken(through_calcom, made, moved) == [next_monday(14)]
    drain()
    assert stored(made) == moved


def test_another_member_with_an_event_type_of_his_own_gets_a_new_booking(
    through_calcom: Practice,
    calcom: CalComSimulator,
) -> None:
    made = booked(through_calcom)
    moved = move(made, next_monday(14), staff="Ben Okafor")
    drain()
    assert stored(made).staff_id == through_calcom.staff[1].id
    accepted = [one for one in calcom.bookings.all.values() if one["status"] == "accepted"]
    assert [(one["uid"], one["eventTypeId"]) for one in accepted] == [(moved.external_id, 102)]
    assert taken(through_calcom, made) == []


def test_calcom_says_it_is_taken_and_nothing_has_changed(
    through_calcom: Practice,
    calcom: CalComSimulator,
) -> None:
    made = booked(through_calcom)
    calcom.fault(path="*/reschedule", status=400, message="User is not available at this time, already has booking")
    refusal = refused(lambda: move(made, next_monday(14)), "slot_taken")
    assert len(refusal.extra["alternatives"]) == 3
    kept = stored(made)
    assert (kept.slot(), kept.pending_change, kept.external_id) == (made.slot(), None, made.external_id)
    assert taken(through_calcom, made, kept) == [made.starts_at]


@pytest.mark.parametrize("status", [400, 409, 422, 404])
def test_an_error_that_in_truth_succeeded_is_a_success(
    through_calcom: Practice,
    calcom: CalComSimulator,
    status: int,
) -> None:
    made = booked(through_calcom)
    calcom.fault(path="*/reschedule", status=status, apply=True)
    moved = move(made, next_monday(14))
    assert moved.starts_at == next_monday(14)
    assert calcom.bookings.all[str(moved.external_id)]["status"] == "accepted"
    calcom.fault(path="*/cancel", status=status, apply=True)
    assert call_off(moved).status == "cancelled"


@pytest.mark.parametrize("applied", [True, False])
def test_an_unknown_outcome_holds_both_times_until_calcom_is_asked(
    through_calcom: Practice,
    calcom: CalComSimulator,
    applied: bool,
) -> None:
    made = booked(through_calcom)
    calcom.fault(path="*/reschedule", status=500, apply=applied)
    pending = move(made, next_monday(14))
    assert pending.starts_at == made.starts_at
    assert pending.pending_change
    assert taken(through_calcom, pending) == [next_monday(10), next_monday(14)]
    refused(lambda: move(made, next_monday(15)), "change_pending")
    refused(lambda: call_off(made), "change_pending")
    # Confirming what is confirmed changes nothing, and does not ask for the change once more.
    assert confirm(changing(), made.id, Mark()) == pending
    if not applied:
        with pytest.raises(Postpone):
            settle(made, timedelta(seconds=1))
    settle(made)
    settled = stored(made)
    assert settled.pending_change is None
    assert settled.starts_at == (next_monday(14) if applied else next_monday(10))
    assert taken(through_calcom, pending, settled) == [settled.starts_at]
    assert calcom.bookings.all[str(settled.external_id)]["status"] == "accepted"


@pytest.mark.parametrize("applied", [True, False])
def test_a_cancellation_of_unknown_outcome_is_asked_for_again(
    through_calcom: Practice,
    calcom: CalComSimulator,
    applied: bool,
) -> None:
    made = booked(through_calcom)
    calcom.fault(path="*/cancel", status=500, apply=applied)
    pending = call_off(made, reason="ill")
    assert (pending.status, taken(through_calcom, made)) == ("confirmed", [made.starts_at])
    assert call_off(made).pending_change == pending.pending_change
    settle(made)
    assert (stored(made).status, stored(made).cancellation_reason) == ("cancelled", "ill")
    assert taken(through_calcom, made) == []
    assert calcom.bookings.all[str(made.external_id)]["status"] == "cancelled"


def test_what_was_cancelled_before_calcom_confirmed_it_is_cancelled_once_it_has(
    through_calcom: Practice,
    calcom: CalComSimulator,
) -> None:
    calcom.fault(path="/v2/bookings", method="POST", status=500, apply=True)
    held = booked(through_calcom)
    assert call_off(held).status == "held"
    refused(lambda: move(held, next_monday(14)), "awaits_calcom")
    theirs = next(iter(calcom.bookings.all.values()))
    client = connected()
    confirmed = calcom_book.confirm(ChangeContext(new_unit, COMPANY, now), stored(held), client.booking(theirs["uid"]))
    client.close()
    assert confirmed.pending_change
    settle(held)
    assert stored(held).status == "cancelled"
    assert theirs["status"] == "cancelled"


def test_moved_at_calcom_meanwhile_theirs_stands_and_ours_is_told(
    through_calcom: Practice,
    calcom: CalComSimulator,
) -> None:
    made = booked(through_calcom)
    calcom.bookings.reschedule(str(made.external_id), {"start": _utc(next_monday(16))})
    refusal = refused(lambda: move(made, next_monday(14)), "stale_version")
    assert refusal.extra["current"]["starts_at"] == stored(made).starts_at.isoformat()
    assert stored(made).starts_at == next_monday(16)
    assert taken(through_calcom, stored(made)) == [next_monday(16)]


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_surely_refused_it_is_as_before(through_calcom: Practice, calcom: CalComSimulator) -> None:
    made = booked(through_calcom)
    calcom.fault(path="*/reschedule", status=401)
    with pytest.raises(VendorRefused):
        move(made, next_monday(14))
    assert stored(made).pending_change is None
    assert taken(through_calcom, made) == [made.starts_at]
    assert "booking.AppointmentChangeDropped" in events()
