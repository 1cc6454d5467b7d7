"""A provider that nobody here has heard of books, moves, cancels and is told; what it refuses changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import BOOKING, Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.external import find_provider
from chalicelib.booking.changes.attendees import Attendance, change_attendees
from chalicelib.booking.changes.reschedule import reschedule
from chalicelib.booking.changes.status import Mark, confirm, decline, mark
from chalicelib.booking.practice.providers import provider_names
from chalicelib.booking.practice_admin.validation import branch_faults
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.core import reference_store
from chalicelib.core.clock import now
from chalicelib.core.errors import Conflict, DomainError, Unavailable
from chalicelib.core.references import Reference
from chalicelib.core.rows import OutboxRow
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_practice import Practice
from infra.local.invoking import Caller, call
from tests.booking.agreement import ours, recover
from tests.booking.test_changing import COMPANY, booked, call_off, changing, events, move, new_unit, settle, stored
from tests.calls.conftest import next_monday
from tests.draining import drain
from tests.integrations.toy_vendor.agreement import assert_both_sides_agree
from tests.integrations.toy_vendor.simulator import ToySimulator


def refused(work: Callable[[], object]) -> DomainError:
    with pytest.raises(DomainError) as caught:
        work()
    return caught.value


def theirs(toy: ToySimulator, appointment: Appointment) -> dict[str, Any]:
    return toy.get(str(stored(appointment).external_id))


def test_it_is_found_by_its_name_and_gone_with_its_folder(installed: None) -> None:
    assert provider_names() == ["calcom", "toy"]
    assert find_provider("toy").title == "Toy"


def test_a_branch_books_through_no_provider_that_is_not_there(practice: Practice) -> None:
    assert "toy" not in provider_names()
    assert refused(lambda: find_provider("toy")).code == "not_configured"
    answer = call("GET", f"/api/branches/{practice.branches[0].id}", caller=Caller(COMPANY)).json
    fields = {name: answer[name] for name in ("name", "zone", "hours", "version")}
    path = f"/api/branches/{practice.branches[0].id}"
    saved = call("PUT", path, body=fields | {"books_through": "toy"}, caller=Caller(COMPANY))
    assert [(one["path"], one["code"]) for one in saved.json["errors"]] == [("body.books_through", "unknown_provider")]
    assert list(branch_faults(practice.branches[0], (), "body")) == []


def test_it_books_and_its_id_leads_to_the_appointment(through_toy: Practice, toy: ToySimulator) -> None:
    made = booked(through_toy)
    assert (made.status, made.provider, made.references) == ("confirmed", "toy", (Reference("toy", BOOKING, "T-1"),))
    entry = reference_store.find(Reference("toy", BOOKING, "T-1"))
    assert entry
    assert (entry.company_id, entry.record) == (COMPANY, made.id)
    assert theirs(toy, made)["notes"]["appointment_id"] == made.id
    assert_both_sides_agree(toy)
    shown = call("GET", f"/api/appointments/{made.id}", caller=Caller(COMPANY)).json
    assert (shown["external_id"], shown["calcom_booking_id"]) == ("T-1", None)


def test_a_time_that_is_taken_there_is_refused_with_others(through_toy: Practice, toy: ToySimulator) -> None:
    toy.reserve({"what": "talk", "desk": "window", "at": next_monday(10).timestamp(), "guest": {"name": "Finn"}})
    refusal = refused(lambda: booked(through_toy))
    assert refusal.code == "slot_taken"
    assert refusal.extra["alternatives"]
    (released,) = ours()
    assert (released.status, released.cancellation_reason) == ("released", "toy_slot_taken")


def test_without_a_key_nothing_is_held(
    through_toy: Practice, toy: ToySimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOY_KEY")
    assert refused(lambda: booked(through_toy)).code == "not_configured"
    assert [one.status for one in ours()] == ["released"]
    assert toy.requests == []


def test_what_it_does_not_offer_is_not_asked_for(through_toy: Practice, toy: ToySimulator) -> None:
    toy.services.pop("talk")
    assert refused(lambda: booked(through_toy)).code == "toy_invalid"
    assert [one.status for one in ours()] == ["released"]
    assert_both_sides_agree(toy)


def test_it_moves_a_reservation_in_its_place(through_toy: Practice, toy: ToySimulator) -> None:
    made = booked(through_toy)
    moved = move(made, next_monday(14), reason="ill")
    assert (moved.external_id, moved.starts_at, moved.pending_change) == (made.external_id, next_monday(14), None)
    assert events().count("booking.AppointmentMoved") == 1
    both = move(moved, next_monday(15), staff="Ben Okafor")
    assert (both.staff_id, theirs(toy, both)["desk"]) == (through_toy.staff[1].id, "door")
    assert_both_sides_agree(toy)


def test_a_time_that_is_taken_there_leaves_it_where_it_was(through_toy: Practice, toy: ToySimulator) -> None:
    made = booked(through_toy)
    toy.reserve({"what": "talk", "desk": "window", "at": next_monday(14).timestamp(), "guest": {"name": "Finn"}})
    assert refused(lambda: move(made, next_monday(14))).code == "slot_taken"
    assert (stored(made).starts_at, stored(made).pending_change) == (made.starts_at, None)
    assert events().count("booking.AppointmentChangeDropped") == 1


def test_another_member_takes_over_at_their_desk(through_toy: Practice, toy: ToySimulator) -> None:
    made = booked(through_toy)
    given = reschedule(changing(), made.id, Move(staff="Ben Okafor"))
    assert (given.staff_id, given.external_id) == (through_toy.staff[1].id, made.external_id)
    assert theirs(toy, given)["desk"] == "door"
    assert_both_sides_agree(toy)


def test_where_each_is_reserved_otherwise_a_new_one_is_made(each_their_own: Practice, toy: ToySimulator) -> None:
    made = booked(each_their_own)
    given = reschedule(changing(), made.id, Move(staff="Ben Okafor"))
    drain()
    assert (made.external_id, given.external_id) == ("T-1", "T-2")
    assert toy.get("T-1")["state"] == "gone"
    assert_both_sides_agree(toy)


def test_cancelling_and_cancelling_twice(through_toy: Practice, toy: ToySimulator) -> None:
    made = booked(through_toy)
    assert call_off(made, reason="ill").status == "cancelled"
    assert call_off(made).status == "cancelled"
    assert_both_sides_agree(toy)


def test_what_is_only_asked_for_is_approved_or_declined(through_toy: Practice, toy: ToySimulator) -> None:
    toy.asking.add("talk")
    one, other = booked(through_toy, 10), booked(through_toy, 11, guest=2)
    assert (one.status, other.status) == ("requested", "requested")
    assert confirm(changing(), one.id, Mark()).status == "confirmed"
    # Toy knows no declining: it lets go, and that is what is written down.
    assert decline(changing(), other.id, Mark(reason="closed")).status == "cancelled"
    assert_both_sides_agree(toy)


def test_what_it_need_not_agree_to_is_told_by_a_job(through_toy: Practice, toy: ToySimulator) -> None:
    made = booked(through_toy)
    eve = Contact(name="Eve", email="eve@example.com")
    change_attendees(changing(), made.id, Attendance(contact=eve, guests=("ann@example.com", "tom@example.com")))
    drain()
    assert theirs(toy, made)["guest"]["mail"] == "eve@example.com"
    assert sorted(theirs(toy, made)["others"]) == ["ann@example.com", "tom@example.com"]
    # Toy takes guests off as well, so that is no fault here.
    change_attendees(changing(), made.id, Attendance(contact=Contact(name=""), guests=("ann@example.com",)))
    drain()
    assert theirs(toy, made)["others"] == ["ann@example.com"]
    missed = ChangeContext[Appointment](new_unit, COMPANY, lambda: made.ends_at)
    mark(missed, made.id, "no_show", Mark())
    drain()
    assert theirs(toy, made)["came"] is False
    before = len(toy.requests)
    mark(missed, made.id, "confirmed", Mark())
    drain()
    assert theirs(toy, made)["came"] is True
    assert len(toy.requests) > before


def test_while_it_has_not_answered_nothing_else_is_changed(through_toy: Practice, toy: ToySimulator) -> None:
    toy.fault(path="/reservations", method="POST", status=500, apply=True)
    held = booked(through_toy)
    assert held.status == "held"
    refusal = refused(lambda: move(held, next_monday(14)))
    assert (refusal.code, "Toy" in refusal.detail) == ("awaits_toy", True)
    recover()
    made = stored(held)
    assert made.status == "confirmed"
    toy.fault(path="/reservations/*", method="PATCH", status=500, apply=True)
    assert move(made, next_monday(14)).pending_change
    assert refused(lambda: move(made, next_monday(15))).code == "change_pending"
    settle(made)
    assert stored(made).starts_at == next_monday(14)
    assert_both_sides_agree(toy)


def test_its_limits_are_those_of_one_at_a_time(through_toy: Practice, toy: ToySimulator) -> None:
    made = {
        "branch_id": through_toy.branches[0].id,
        "service": "Consultation",
        "starts_at": next_monday(9).isoformat(),
        "customer": {"phone": "+4915112345001"},
        "recurrence": {"frequency": "weekly", "count": 2},
    }
    answer = call("POST", "/api/series", body=made, caller=Caller(COMPANY))
    assert [one["code"] for one in answer.json["errors"]] == ["not_with_toy"], answer.json


def test_customers_are_mailed_by_us(through_toy: Practice, toy: ToySimulator) -> None:
    assert not find_provider("toy").mails_customers
    assert find_provider("calcom").mails_customers


def test_a_provider_that_is_gone_leaves_what_was_booked(
    through_toy: Practice, toy: ToySimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = booked(through_toy)
    monkeypatch.delenv("TOY_KEY")
    with pytest.raises(Unavailable):
        call_off(made)
    kept = appointment_store.get_appointment(COMPANY, made.id)
    assert (kept.status, kept.pending_change) == ("confirmed", None)
    assert [row.type for row in OutboxRow.scan() if "AppointmentChangeDropped" in row.type]
    assert now() < made.starts_at


def test_who_decided_on_another_version_is_told(through_toy: Practice, toy: ToySimulator) -> None:
    made = booked(through_toy)
    with pytest.raises(Conflict) as caught:
        move(made, next_monday(14), version=made.version + 1)
    assert caught.value.code == "stale_version"
    assert_both_sides_agree(toy)
