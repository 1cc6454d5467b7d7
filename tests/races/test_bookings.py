"""64 threads at once: whatever they want, no member of staff is booked twice, and nobody is refused a free time."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.creation.book import book
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core.errors import Conflict, DomainError
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_practice import Practice, demo_practice
from tests.booking.calendars import read_calendar
from tests.conftest import EmbeddedAws, open_practice
from tests.races.together import many_at_once
from tests.sizes import ROUNDS

THREADS = 64
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def at_once(work: Callable[[int], Any]) -> list[Any]:
    return many_at_once(work, THREADS)


def booking_request(practice: Practice, starts_at: datetime, number: int, **fields: Any) -> BookingRequest:
    known: dict[str, Any] = {
        "branch_id": practice.branches[0].id,
        "service": "Massage",
        "starts_at": starts_at,
        "source": "api",
        "staff": "Ada Keller",
        "contact": Contact(name=f"Guest {number}", phone=f"+4915100000{number:03}"),
    }
    return BookingRequest(**(known | fields))


def try_to_book(company: str, request: BookingRequest) -> Appointment:
    return book(lambda: Unit(company, clock=lambda: NOW), company, request, lambda: NOW).appointment


def overlaps(appointments: list[Appointment]) -> list[tuple[str, str]]:
    """Pairs of one member of staff that come closer than their buffers allow."""
    entries = [(a.staff_id, a.entry(), a.id) for a in appointments]
    return [
        (left_id, right_id)
        for n, (left_staff, left, left_id) in enumerate(entries)
        for right_staff, right, right_id in entries[n + 1 :]
        if left_staff == right_staff and left.clashes(right, NOW)
    ]


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_one_slot_wanted_by_all_goes_to_one(aws: EmbeddedAws, round_number: int) -> None:
    practice = open_practice("com_race", calcom=False)
    at = MONDAY + timedelta(hours=10)
    outcomes = at_once(lambda n: try_to_book("com_race", booking_request(practice, at, n)))
    won = [outcome for outcome in outcomes if isinstance(outcome, Appointment)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, Conflict) and outcome.code == "slot_taken"]
    assert (len(won), len(lost)) == (1, THREADS - 1), [o for o in outcomes if o not in won and o not in lost]


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_partly_overlapping_requests_never_overlap(aws: EmbeddedAws, round_number: int) -> None:
    practice = open_practice("com_race", calcom=False)
    rng = random.Random(round_number)
    starts = [MONDAY + timedelta(minutes=8 * 60 + 5 * rng.randrange(96)) for _ in range(THREADS)]
    services = [rng.choice([("Massage", "Ada Keller"), ("Consultation", None)]) for _ in range(THREADS)]
    outcomes = at_once(
        lambda n: try_to_book(
            "com_race", booking_request(practice, starts[n], n, service=services[n][0], staff=services[n][1])
        )
    )
    won = [outcome for outcome in outcomes if isinstance(outcome, Appointment)]
    assert won
    assert overlaps(won) == []
    # Some starts run on past closing time, which is against the rules.
    lost = {outcome.code for outcome in outcomes if isinstance(outcome, DomainError)}
    assert lost <= {"slot_taken", "not_bookable"}
    _the_calendars_hold_exactly(practice, won)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_across_midnight_and_the_week_nothing_overlaps(aws: EmbeddedAws, round_number: int) -> None:
    practice = _open_on_sunday_nights()
    rng = random.Random(1000 + round_number)
    # Sunday 19:00 in New York is Monday 00:00 UTC: another day, and another week, of the stored calendar.
    night = {"branch_id": practice.branches[1].id, "service": "Haircut", "staff": "Dan Rossi"}
    starts = [MONDAY + timedelta(days=7, minutes=5 * rng.randrange(-24, 24)) for _ in range(THREADS)]
    outcomes = at_once(lambda n: try_to_book("com_race", booking_request(practice, starts[n], n, **night)))
    won = [outcome for outcome in outcomes if isinstance(outcome, Appointment)]
    assert {appointment.starts_at.date().weekday() for appointment in won} == {6, 0}
    assert overlaps(won) == []
    _the_calendars_hold_exactly(practice, won)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_one_new_customer_calling_often_becomes_one_record(aws: EmbeddedAws, round_number: int) -> None:
    practice = open_practice("com_race", calcom=False)
    contact = Contact(name="Eve", phone="+4915112345678")
    outcomes = at_once(
        lambda n: try_to_book(
            "com_race",
            booking_request(
                practice,
                MONDAY + timedelta(days=n // 16, hours=8, minutes=30 * (n % 16)),
                n,
                contact=contact,
                service="Consultation",
                staff=None,
            ),
        )
    )
    won = [outcome for outcome in outcomes if isinstance(outcome, Appointment)]
    assert len(won) == THREADS, [o for o in outcomes if o not in won][:3]
    assert len({appointment.customer_id for appointment in won}) == 1


def _open_on_sunday_nights() -> Practice:
    made = demo_practice("com_race", calcom=False)
    night = (Window(6, 12 * 60, 24 * 60),)
    branch = replace(made.branches[1], hours=night)
    dan = replace(made.staff[3], hours={branch.id: night})
    save_practice(lambda: Unit("com_race"), [branch], made.services, [dan])
    return made


def _the_calendars_hold_exactly(practice: Practice, won: list[Appointment]) -> None:
    for member in practice.staff:
        mine = [appointment for appointment in won if appointment.staff_id == member.id]
        if mine:
            held = read_calendar(member, *(a.entry() for a in mine)).entries()
            assert sorted(e.reference for e in held) == sorted(a.entry().reference for a in mine)
    for appointment in won:
        assert appointment_store.get_appointment("com_race", appointment.id) == appointment
