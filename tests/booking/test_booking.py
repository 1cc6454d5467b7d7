"""Booking without a vendor: one read, one transaction, never two at once."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.creation.book import Booked, book
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.core import aws as aws_clients
from chalicelib.core.errors import Conflict, Invalid, NotFound
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.tables import CrmRow
from infra.local.demo_practice import Practice

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONDAY_TEN = datetime(2026, 11, 23, 15, tzinfo=UTC)
"""10:00 in New York."""
TOM = Contact(name="Tom", phone="+12125550198")


def clock() -> datetime:
    return NOW


def booking_request(practice: Practice, starts_at: datetime = MONDAY_TEN, **fields: object) -> BookingRequest:
    known = {
        "branch_id": practice.branches[1].id,
        "service": "Haircut",
        "starts_at": starts_at,
        "source": "api",
        "contact": Contact(name="Eve", phone="+12125550199"),
    }
    return BookingRequest(**(known | fields))  # type: ignore[arg-type]


def booked(practice: Practice, starts_at: datetime = MONDAY_TEN, **fields: object) -> Booked:
    return book(
        lambda: Unit("com_test", clock=clock), "com_test", booking_request(practice, starts_at, **fields), clock
    )


def test_a_booking_stands_with_everything_it_names(practice: Practice) -> None:
    made = booked(practice).appointment
    assert appointment_store.get_appointment("com_test", made.id) == made
    assert made.status == "confirmed"
    assert made.ends_at - made.starts_at == timedelta(minutes=45)


def test_a_booking_takes_one_read_and_one_transaction_once_the_branch_is_known(practice: Practice) -> None:
    booked(practice)
    calls: list[str] = []
    aws_clients.call_hooks.append(lambda when, name: calls.append(name) if when == "before" else None)
    try:
        booked(practice, MONDAY_TEN + timedelta(hours=2))
    finally:
        aws_clients.call_hooks.clear()
    assert calls == ["dynamodb.BatchGetItem", "dynamodb.TransactWriteItems"]


def test_staff_asked_for_by_id_take_one_read_even_in_a_new_process(practice: Practice) -> None:
    calls: list[str] = []
    aws_clients.call_hooks.append(lambda when, name: calls.append(name) if when == "before" else None)
    try:
        made = booked(practice, staff=practice.staff[3].id)
    finally:
        aws_clients.call_hooks.clear()
    assert calls == ["dynamodb.BatchGetItem", "dynamodb.TransactWriteItems"]
    assert made.staff.id == practice.staff[3].id
    with pytest.raises(Conflict):
        booked(practice, staff=practice.staff[3].id, contact=TOM)


def test_both_members_of_staff_are_booked_before_the_time_is_taken(practice: Practice) -> None:
    first, second = booked(practice), booked(practice, contact=TOM)
    assert first.staff.id != second.staff.id
    with pytest.raises(Conflict) as refused:
        booked(practice, contact=Contact(phone="+12125550197"))
    assert refused.value.code == "slot_taken"
    offered = refused.value.extra["alternatives"]
    assert len(offered) == 3
    again = offered[0]
    made = booked(practice, datetime.fromisoformat(again["starts_at"]), staff=again["staff_id"])
    assert made.appointment.starts_at == datetime.fromisoformat(again["starts_at"])


def test_whoever_is_requested_is_booked_and_alternatives_start_with_them(practice: Practice) -> None:
    assert booked(practice, staff="dan rossi").staff.name == "Dan Rossi"
    with pytest.raises(Conflict) as refused:
        booked(practice, staff="Dan Rossi", contact=TOM)
    offered = refused.value.extra["alternatives"]
    assert [slot["staff"] for slot in offered] == ["Dan Rossi", "Dan Rossi", "Chloe Park"]
    assert datetime.fromisoformat(offered[2]["starts_at"]) == MONDAY_TEN


@pytest.mark.parametrize("minutes", [-44, -15, 0, 15, 44])
def test_partly_overlapping_times_are_refused(practice: Practice, minutes: int) -> None:
    booked(practice, staff="Dan Rossi")
    with pytest.raises(Conflict):
        booked(practice, MONDAY_TEN + timedelta(minutes=minutes), staff="Dan Rossi", contact=TOM)


@pytest.mark.parametrize("minutes", [-45, 45])
def test_touching_is_not_overlapping(practice: Practice, minutes: int) -> None:
    booked(practice, staff="Dan Rossi")
    assert booked(practice, MONDAY_TEN + timedelta(minutes=minutes), staff="Dan Rossi")


def test_buffers_of_both_keep_their_distance(practice: Practice) -> None:
    nine = datetime(2026, 11, 23, 9, tzinfo=UTC)
    berlin = {"branch_id": practice.branches[0].id, "service": "Massage", "staff": "Ada Keller"}
    booked(practice, nine, **berlin)  # 10:00 to 11:00 in Berlin, 5 minutes before and 10 after
    for minutes in (60, 74):
        with pytest.raises(Conflict):
            booked(practice, nine + timedelta(minutes=minutes), **berlin)
    assert booked(practice, nine + timedelta(minutes=75), **berlin)


def test_a_customer_is_found_again_by_phone_and_by_email(practice: Practice) -> None:
    first = booked(practice, contact=Contact(name="Eve", phone="+12125550199", email="eve@example.com"))
    by_phone = booked(practice, MONDAY_TEN + timedelta(hours=1), contact=Contact(name="E.", phone="+12125550199"))
    by_mail = booked(practice, MONDAY_TEN + timedelta(hours=2), contact=Contact(name="E.", email="eve@example.com"))
    assert {b.appointment.customer_id for b in (first, by_phone, by_mail)} == {first.appointment.customer_id}
    assert sum(row.sk == "person" for row in CrmRow.scan()) == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"service": "Tattoo"}, "body.service"),
        ({"staff": "Nobody"}, "body.staff"),
        ({"starts_at": NOW - timedelta(minutes=1)}, "body.starts_at"),
        ({"starts_at": MONDAY_TEN + timedelta(seconds=1)}, "body.starts_at"),
        ({"starts_at": MONDAY_TEN + timedelta(days=3000)}, "body.starts_at"),
        ({"contact": Contact(name="Eve")}, "body.customer"),
    ],
)
def test_what_can_never_be_granted_names_its_field(practice: Practice, fields: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        booked(practice, **({"starts_at": MONDAY_TEN} | fields))  # type: ignore[arg-type]
    assert refused.value.faults[0].path == field


@pytest.mark.parametrize("starts_at", [datetime(2026, 11, 23, 11, tzinfo=UTC), datetime(2026, 11, 22, 15, tzinfo=UTC)])
def test_outside_working_hours_the_rules_say_so_and_offer_what_can_be_had(
    practice: Practice, starts_at: datetime
) -> None:
    with pytest.raises(Conflict) as refused:
        booked(practice, starts_at)
    assert refused.value.code == "not_bookable"
    assert [one["code"] for one in refused.value.extra["failures"]] == ["closed", "not_working"]
    first = refused.value.extra["alternatives"][0]
    assert booked(practice, datetime.fromisoformat(first["starts_at"]), staff=first["staff_id"])


def test_another_company_has_no_such_branch_and_no_such_customer(practice: Practice) -> None:
    mine = booked(practice).appointment
    with pytest.raises(NotFound):
        book(lambda: Unit("com_other"), "com_other", booking_request(practice), clock)
    with pytest.raises(NotFound):
        booked(practice, customer_id="cus_00000000000000000000")
    assert appointment_store.find_appointment("com_other", mine.id) is None


def test_the_event_waits_in_the_outbox(practice: Practice) -> None:
    booked(practice)
    events = [row.type for row in OutboxRow.scan()]
    assert sorted(events) == ["booking.AppointmentBooked", "crm.CustomerCreated"]
