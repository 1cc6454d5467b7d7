"""Calls that were booked elsewhere get their appointments: once, with every link, or with a reason why not."""

from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.tables import BookingRow, OccupancyRow
from chalicelib.calls import chain, list_store, store
from chalicelib.calls.backfill import adopt_orphan
from chalicelib.calls.call_owner import Default
from chalicelib.calls.tables import CallRow
from chalicelib.core import reference_store
from chalicelib.core.clock import now
from chalicelib.core.dry_run import in_dry_run
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.references import Reference
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from chalicelib.crm.people import store as people
from infra.local.demo_practice import Practice
from infra.local.invoking import Caller, call
from tests.calls.backlog import COMPANY, at, backfill, details, recorded, run_all
from tests.calls.conftest import next_monday
from tests.conftest import EmbeddedAws, open_practice
from tests.draining import drain

NOBODYS = "+12025550000"


@pytest.fixture
def practice(aws: EmbeddedAws) -> Practice:
    """The demo practice, whose Berlin branch books through Cal.com; Cal.com itself is never asked."""
    return open_practice(COMPANY, calcom=True)


def appointments() -> list[Appointment]:
    return [row.model(Appointment) for row in BookingRow.scan() if row.sk == "appointment"]


def names_of_events() -> set[str]:
    return {str(row.type) for row in OutboxRow.scan()}


def test_everything_is_linked_and_the_chain_holds(practice: Practice) -> None:
    before = recorded()
    assert before.link.booking_confirmed
    [outcome] = run_all()
    assert (outcome.call_id, outcome.done) == (before.id, "booked")
    links = chain.links_of(COMPANY, before.id)
    assert chain.judge(links).valid, chain.judge(links)
    made, customer = links.appointment, links.customer
    assert made is not None
    assert customer is not None
    assert (made.external_number, made.external_id, made.source) == (5001, "uid-1", "retell_phone")
    assert (made.starts_at, made.ends_at - made.starts_at) == (next_monday(10), timedelta(minutes=30))
    assert made.staff_id == practice.staff[0].id
    assert (customer.name, customer.phone) == ("Guest 1", "+4915100000001")
    for kind, value in (("booking", "uid-1"), ("booking_number", "5001")):
        entry = reference_store.find(Reference("calcom", kind, value))
        assert entry is not None
        assert entry.record == made.id
    assert "booking.AppointmentBooked" in names_of_events()


def test_a_second_run_finds_nothing_to_do(practice: Practice) -> None:
    one = recorded()
    run_all()
    stored = sorted((row.pk, row.sk, row.data) for row in [*BookingRow.scan(), *CallRow.scan(), *OccupancyRow.scan()])
    assert run_all() == []
    assert list_store.count_backlog(COMPANY) == 0
    assert backfill().one(store.get_call(COMPANY, one.id)).done == "nothing"
    again = sorted((row.pk, row.sk, row.data) for row in [*BookingRow.scan(), *CallRow.scan(), *OccupancyRow.scan()])
    assert again == stored


def test_the_next_booking_is_kept_away_from_the_time(practice: Practice) -> None:
    recorded()
    run_all()
    body = {"branch_id": practice.branches[0].id, "service": "Consultation", "starts_at": next_monday(10).isoformat(),
            "staff": "Ada Keller", "customer": {"phone": "+4915100000009"}}  # fmt: skip
    answer = call("POST", "/api/appointments", caller=Caller(COMPANY), body=body)
    assert answer.json["code"] == "slot_taken"


def test_a_known_customer_is_found(practice: Practice) -> None:
    recorded(1)
    run_all()
    recorded(2, details(2, phone="0151 00000001"))
    run_all()
    first, second = sorted(appointments(), key=lambda a: str(a.external_id))
    assert first.customer_id == second.customer_id
    assert len(people.page_listed(COMPANY, "customer", 10, None).data) == 1


def test_without_a_number_of_their_own_the_caller_is_the_customer(practice: Practice) -> None:
    recorded(1, details(phone="what", email="x", name=None))
    run_all()
    [customer] = people.page_listed(COMPANY, "customer", 10, None).data
    assert (customer.phone, customer.email) == ("+4915112345678", None)


def test_what_was_linked_by_hand_stays(practice: Practice) -> None:
    recorded(1)
    run_all()
    [known] = people.page_listed(COMPANY, "customer", 10, None).data
    other = recorded(2)
    assert (
        call("PUT", f"/api/calls/{other.id}/link", caller=Caller(COMPANY), body={"customer_id": known.id}).status == 200
    )
    run_all()
    assert {made.customer_id for made in appointments()} == {known.id}


def test_a_booking_that_calcom_told_of_first_is_linked(practice: Practice) -> None:
    recorded(1)
    run_all()
    [made] = appointments()
    alone = replace(made, call_id=None, version=made.version + 1)
    unit = Unit(COMPANY)
    appointment_store.save_appointment(unit, alone)
    unit.commit()
    CallRow.get(f"{COMPANY}#{made.call_id}", "call").delete()
    again = recorded(2, details(1))
    [outcome] = run_all()
    assert outcome.done == "linked"
    assert [a.call_id for a in appointments()] == [again.id]
    assert chain.judge(chain.links_of(COMPANY, again.id)).valid


def test_two_calls_never_share_a_booking(practice: Practice) -> None:
    first, second = recorded(1), recorded(2, details(1))
    outcomes = run_all()
    assert [(o.call_id, o.done, o.code) for o in outcomes] == [
        (first.id, "booked", None),
        (second.id, "failed", "booked_by_another_call"),
    ]
    assert len(appointments()) == 1


def test_a_time_that_has_passed_takes_none(practice: Practice) -> None:
    recorded(1, details(start_time=(now() - timedelta(days=3)).isoformat()))
    [outcome] = run_all()
    assert "the time has passed: it takes none" in outcome.lines
    [made] = appointments()
    assert (made.status, made.was_booked()) == ("confirmed", True)
    assert list(OccupancyRow.scan()) == []
    # Nobody is told today that a time of last week is booked.
    assert "booking.AppointmentBooked" not in names_of_events()


def test_a_time_that_someone_has_by_now_is_kept_and_unassigned(practice: Practice) -> None:
    recorded(1)
    recorded(2, details(2, start_time=next_monday(10).isoformat()))
    _, second = run_all()
    assert "someone else has the time: unassigned" in second.lines
    made = next(a for a in appointments() if a.external_id == "uid-2")
    assert (made.staff_id, made.starts_at) == (None, next_monday(10))
    assert "booking.VendorBookingUnassigned" in names_of_events()
    assert chain.judge(chain.links_of(COMPANY, second.call_id)).valid


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (details(calcom_uid=None, calcom_booking_id=None), "calcom_id_missing"),
        (details(calcom_uid=None, calcom_booking_id="soon"), "calcom_id_unreadable"),
        (details(start_time=None), "time_missing"),
        (details(start_time="whenever it suits"), "time_unreadable"),
        (details(start_time=12), "time_unreadable"),
        (details(end_time="2020-01-01T00:00:00Z"), "time_unreadable"),
        (details(duration=10**12), "time_unreadable"),
        (details(time_zone="Mars/Olympus"), "zone_unknown"),
        (details(event_type_id=None), "service_missing"),
        (details(event_type_id=None, service="Tattoo"), "service_unknown"),
        (details(event_type_id=None, service="Massage", branch_id="bra_none"), "branch_unknown"),
    ],
)
def test_what_cannot_be_done_has_a_reason(practice: Practice, given: dict[str, Any], code: str) -> None:
    recorded(1, {"booking_confirmed": True, "start_time": "2026-12-01T09:00:00Z"})
    row = next(row for row in CallRow.scan() if row.sk == "call")
    one = store.call_of(row)
    assert one
    unit = Unit(COMPANY)
    store.save_link(unit, one.id, replace(one.link, booking_details=given))
    unit.commit()
    [outcome] = run_all()
    assert (outcome.done, outcome.code) == ("failed", code)
    assert outcome.reason
    assert appointments() == []
    assert list_store.count_backlog(COMPANY) == 1


def test_nobody_to_write_to_is_a_reason(practice: Practice) -> None:
    recorded(1, details(phone=None), from_number="anonymous")
    [outcome] = run_all()
    assert outcome.code == "contact_missing"


def test_a_service_of_another_company_is_not_taken_over(practice: Practice) -> None:
    open_practice("com_other", calcom=True, suffix="x", shift=20)
    recorded(1, details(event_type_id=121))
    [outcome] = run_all()
    assert outcome.code == "another_companys_service"


def test_our_own_bookings_shape_needs_no_calcom_id_where_calcom_does_not_book(practice: Practice) -> None:
    ten = next_monday(10).replace(tzinfo=None).isoformat()
    custom = {"booking_confirmed": True, "service": "haircut", "starts_at": ten, "staff": "Dan Rossi", "name": "Eve"}
    recorded(1, custom, to_number="+12125550100", from_number="+12125550123")
    [outcome] = run_all()
    assert outcome.done == "booked"
    [made] = appointments()
    assert made.staff_id == practice.staff[3].id
    assert made.starts_at == next_monday(16)  # ten in New York
    assert run_all() == []


@pytest.mark.parametrize(
    ("custom", "number", "rule"),
    [
        (details(), NOBODYS, "the service's event type"),
        (details(event_type_id=999, service="Consultation"), "+493055501000", "the number"),
        (details(event_type_id=None, service="Haircut", branch_id=None), NOBODYS, "the default company"),
    ],
)
def test_a_call_of_nobodys_finds_its_company(
    practice: Practice, custom: dict[str, Any], number: str, rule: str
) -> None:
    if rule == "the default company":
        custom = custom | {"branch_id": practice.branches[1].id}
    open_later = number != NOBODYS
    made = recorded(1, custom, to_number=NOBODYS)
    assert made.company_id is None
    if open_later:  # the number became a company's after the call
        row = CallRow.get(f"{PLATFORM}#{made.id}", "call")
        row.data = row.data.replace(NOBODYS, number)
        row.save()
    [outcome] = list(backfill(default=Default(COMPANY, True)).all([PLATFORM]))
    assert outcome.lines[0] == f"company: {COMPANY}, by {rule}", outcome
    moved = chain.links_of(COMPANY, made.id)
    assert chain.judge(moved).valid
    found, transcript = store.read_call(COMPANY, "retell-1")
    assert found.id == made.id
    assert transcript is not None
    assert [row.pk for row in CallRow.scan() if row.pk.startswith(PLATFORM)] == []
    recorded(1, custom, to_number=NOBODYS, duration_ms=5)  # Retell's later news finds it there
    assert store.get_call(COMPANY, made.id).facts.duration_ms == 5


def test_a_call_that_no_rule_knows_says_what_each_found(practice: Practice) -> None:
    recorded(1, details(event_type_id=999), to_number=NOBODYS)
    [outcome] = run_all()
    assert outcome.code == "company_unknown"
    assert outcome.reason == (
        "the event type 999 belongs to no company; +12025550000 belongs to no company; no default company is set"
    )


def test_an_orphan_without_booking_is_adopted_by_hand(practice: Practice) -> None:
    made = recorded(1, {}, to_number=NOBODYS)
    adopt_orphan(Unit(COMPANY), made, practice.branches[0].id)
    assert call("GET", "/api/calls/retell-1", caller=Caller(COMPANY)).json["transcript"].startswith("Agent: Hello")


def test_a_dry_run_says_what_the_real_run_does_and_writes_nothing(practice: Practice) -> None:
    recorded(1)
    recorded(2, details(2, phone="+4915100000001"))  # the customer whom the first one adds
    recorded(3, details(1))  # the first one's booking
    recorded(4, details(4, start_time=next_monday(10).isoformat()))  # the first one's time
    recorded(5, details(5, start_time="soon"))
    recorded(6, details(6), to_number=NOBODYS)
    recorded(7, details(7, start_time=(now() - timedelta(days=1)).isoformat()))
    before = sorted((row.pk, row.sk, row.data) for row in [*BookingRow.scan(), *CallRow.scan(), *OccupancyRow.scan()])
    with in_dry_run():
        planned = run_all()
    after = sorted((row.pk, row.sk, row.data) for row in [*BookingRow.scan(), *CallRow.scan(), *OccupancyRow.scan()])
    assert after == before
    done = run_all()
    assert planned == done
    assert [outcome.done for outcome in done] == ["booked", "booked", "failed", "booked", "failed", "booked", "booked"]
    assert "customer: known by +4915100000001" in done[1].lines


def test_it_goes_on_where_it_stopped(practice: Practice) -> None:
    ids = [recorded(number).id for number in range(1, 6)]
    assert [outcome.call_id for outcome in islice(backfill().all([COMPANY]), 2)] == ids[:2]
    assert [outcome.call_id for outcome in run_all()] == ids[2:]
    assert len(appointments()) == 5


def test_a_backlog_of_more_than_a_page_is_worked_off_in_pages(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_store, "AT_ONCE", 2)
    for number in range(1, 6):
        recorded(number)
    assert [len(ids) for ids in list_store.backlog(COMPANY)] == [2, 2, 1]
    assert [outcome.done for outcome in run_all()] == ["booked"] * 5


def test_calls_that_changed_meanwhile_are_read_again(practice: Practice) -> None:
    one = recorded(1)
    unit = Unit(COMPANY)
    store.save_link(unit, one.id, replace(one.link, branch_id=practice.branches[0].id))
    unit.commit()
    assert backfill().one(one).done == "booked"  # with what was read before the change


def test_webhooks_afterwards_change_nothing(practice: Practice) -> None:
    one = recorded(1)
    run_all()
    drain()
    before = store.get_call(COMPANY, one.id)
    recorded(1)
    assert store.get_call(COMPANY, one.id) == before


def test_the_clock_is_the_callers(practice: Practice) -> None:
    recorded(1)
    [outcome] = run_all(at(now() + timedelta(days=60)))
    assert "the time has passed: it takes none" in outcome.lines
