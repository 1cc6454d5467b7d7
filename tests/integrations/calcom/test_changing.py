"""Rescheduling and cancelling where Cal.com has to agree."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.booking.appointments.appointment import BOOKING
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.changes.status import Mark, confirm
from chalicelib.booking.provider import book as provider_book
from chalicelib.core import reference_store
from chalicelib.core.clock import now
from chalicelib.core.errors import VendorRefused
from chalicelib.core.jobs import Postpone
from chalicelib.core.references import Reference
from chalicelib.integrations.calcom.booking_provider import connect
from infra.local.demo_practice import Practice
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.booking.test_changing import (
    COMPANY,
    booked,
    call_off,
    changing,
    events,
    move,
    new_unit,
    refused,
    settle,
    stored,
    taken,
)
from tests.calls.conftest import next_monday
from tests.draining import drain


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
        found = reference_store.find(Reference("calcom", BOOKING, str(uid)))
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
    client = connect()
    there = client.find(theirs["uid"])
    assert there
    confirmed = provider_book.confirm(ChangeContext(new_unit, COMPANY, now), stored(held), there)
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
