"""Many at once: limits are never exceeded, rooms never shared, and a hold and a booking never both have a time."""

import random
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments import hold_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.hold import Hold, HoldProof
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.changes.cancel import Cancellation, cancel
from chalicelib.booking.creation.book import book
from chalicelib.booking.creation.hold import extend, hold, release
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.practice.models import Resource, Staff
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.rules import limit_store
from chalicelib.core.errors import Conflict, DomainError
from chalicelib.core.tables import fetch
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice, demo_practice
from tests.booking.calendars import read_calendar
from tests.conftest import EmbeddedAws
from tests.races.test_bookings import MONDAY, NOW, at_once, booking_request, overlaps, try_to_book
from tests.races.together import all_decide_before_any_commits, many_at_once
from tests.sizes import ROUNDS

LIMIT = 2
TEAM = 6
"""Staff who do massages."""


def changing() -> ChangeContext[Any]:
    return ChangeContext(lambda: Unit("com_race"), "com_race", lambda: NOW, connect=_nobody)


def opened(policy: Policy = Policy(), rooms: int = 0) -> Practice:
    """Berlin with six who do massages, under this policy, in so many rooms."""
    made = demo_practice("com_race", calcom=False)
    massage = replace(made.services[1], policy=policy, resources=("room",) if rooms else ())
    berlin = made.branches[0]
    team = [_member(made.staff[0], n) for n in range(TEAM)]
    found = [
        Resource(id=f"res_0000000000000000000{n}", company_id="com_race", branch_id=berlin.id, kind="room", name=f"{n}")
        for n in range(rooms)
    ]
    services = [made.services[0], massage, *made.services[2:]]
    save_practice(lambda: Unit("com_race"), made.branches, services, [*team, *made.staff[1:]], found)
    return Practice(made.branches, tuple(services), (*team, *made.staff[1:]), made.event_types)


def _member(like: Staff, number: int) -> Staff:
    if number == 0:
        return like
    return replace(like, id=f"stf_0000000000000000MAS{number}", name=f"M {number}", references=())


def starts(rng: random.Random) -> Any:
    return MONDAY + timedelta(minutes=8 * 60 + 15 * rng.randrange(28))


@pytest.mark.parametrize("round_number", range(ROUNDS))
@pytest.mark.parametrize("whose", ["service", "customer"])
def test_a_limit_is_reached_and_never_exceeded(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, whose: str, round_number: int
) -> None:
    """Each names their own member of staff, so no calendar keeps them apart: only the limit's counter does."""
    limits = Limits(per_day=LIMIT)
    practice = opened(Policy(service_limits=limits) if whose == "service" else Policy(customer_limits=limits))
    # All different: the same customer at the same time is told the booking that stands.
    quarters = random.Random(round_number).sample(range(28), TEAM)
    times = [MONDAY + timedelta(hours=8, minutes=15 * quarter) for quarter in quarters]
    # A customer who is known already: else it would be the new record that keeps them apart.
    known = try_to_book("com_race", booking_request(practice, MONDAY + timedelta(days=1, hours=9), 99)).customer_id
    customers: dict[str, Any] = {"customer_id": known} if whose == "customer" else {}

    def work(number: int) -> Appointment:
        return try_to_book(
            "com_race", booking_request(practice, times[number], number, staff=practice.staff[number].id, **customers)
        )

    with monkeypatch.context() as patched:
        all_decide_before_any_commits(patched, TEAM)
        outcomes = many_at_once(work, TEAM)
    won = [one for one in outcomes if isinstance(one, Appointment)]
    assert len(won) == LIMIT
    assert {one.code for one in outcomes if isinstance(one, DomainError)} == {"not_bookable"}
    one = won[0]
    cancel(changing(), one.id, Cancellation())
    assert _counted(one) == LIMIT - 1


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_no_room_and_nobody_has_two_at_once(aws: EmbeddedAws, round_number: int) -> None:
    practice = opened(rooms=2)
    rng = random.Random(round_number)
    times = [starts(rng) for _ in range(64)]

    def work(number: int) -> Appointment:
        made = try_to_book("com_race", booking_request(practice, times[number], number, staff=None))
        if number % 4 == 0:
            cancel(
                changing(),
                made.id,
                Cancellation(),
            )
        return made

    outcomes = at_once(work)
    won = [one for n, one in enumerate(outcomes) if isinstance(one, Appointment) and n % 4]
    assert won
    assert overlaps(won) == []
    assert overlaps([replace(one, staff_id=one.resource_ids[0]) for one in won]) == []
    for resource_id in {one.resource_ids[0] for one in won}:
        mine = [one for one in won if one.resource_ids == (resource_id,)]
        owner = CalendarOwner("com_race", won[0].branch_id, resource_id)
        held = read_calendar(owner, *(one.entry() for one in mine)).entries()
        assert sorted(entry.reference for entry in held) == sorted(one.entry().reference for one in mine)


def test_the_only_room_goes_to_one_of_all_who_decided_at_once(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice, at = opened(rooms=1), MONDAY + timedelta(hours=9)

    def work(number: int) -> Appointment:
        return try_to_book("com_race", booking_request(practice, at, number, staff=practice.staff[number].id))

    all_decide_before_any_commits(monkeypatch, TEAM)
    outcomes = many_at_once(work, TEAM)
    assert len([one for one in outcomes if isinstance(one, Appointment)]) == 1
    assert {one.code for one in outcomes if isinstance(one, DomainError)} == {"slot_taken"}


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_a_time_goes_to_one_hold_or_one_booking(aws: EmbeddedAws, round_number: int) -> None:
    practice = opened()
    at = MONDAY + timedelta(hours=9)

    def work(number: int) -> Any:
        if number % 2:
            return try_to_book("com_race", booking_request(practice, at, number))
        hold_request = BookingRequest(
            branch_id=practice.branches[0].id, service="Massage", starts_at=at, staff="Ada Keller"
        )
        return hold(_begin, f"192.0.2.{number}", hold_request, lambda: NOW)

    outcomes = at_once(work)
    won = [one for one in outcomes if not isinstance(one, DomainError)]
    assert len(won) == 1, won
    assert {one.code for one in outcomes if isinstance(one, DomainError)} == {"slot_taken"}


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_a_hold_is_used_once_whatever_is_done_to_it_meanwhile(aws: EmbeddedAws, round_number: int) -> None:
    practice = opened()
    at = MONDAY + timedelta(hours=9)
    hold_request = BookingRequest(
        branch_id=practice.branches[0].id, service="Massage", starts_at=at, staff="Ada Keller"
    )
    made, secret = hold(_begin, "192.0.2.1", hold_request, lambda: NOW)
    proof = HoldProof(made.id, secret)

    def work(number: int) -> Appointment | Hold | None:
        if number % 3 == 0:
            with_hold = replace(booking_request(practice, at, number), hold=proof)
            return book(lambda: Unit("com_race", clock=lambda: NOW), "com_race", with_hold, lambda: NOW).appointment
        if number % 3 == 1:
            return extend(_begin, proof, lambda: NOW)
        if number < 3:
            release(_begin, proof, lambda: NOW)
        return None

    outcomes = at_once(work)
    won = [one for one in outcomes if isinstance(one, Appointment)]
    assert len(won) <= 1
    assert sum(isinstance(one, Hold) for one in outcomes) <= 1
    assert all(isinstance(one, Conflict) or one.code == "hold_not_found" for one in outcomes if _is_error(one))
    assert hold_store.find("com_race", made.id) is None
    (held,) = next(iter(made.lies().values()))
    entries = read_calendar(practice.staff[0], held).entries()
    assert [entry.reference for entry in entries] == [one.entry().reference for one in won], (
        made.id,
        entries,
        outcomes,
    )


def _begin(company_id: str) -> Unit:
    return Unit(company_id, clock=lambda: NOW)


def _is_error(outcome: Any) -> bool:
    return isinstance(outcome, DomainError)


def _nobody(name: str) -> Any:
    raise AssertionError("not asked")


def _counted(appointment: Appointment) -> int:
    (name,) = appointment.counted
    return limit_store.counted(fetch([limit_store.counter_key("com_race", name)])[0])
