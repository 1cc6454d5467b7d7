"""Far apart and at once: no member of staff is ever booked where he cannot get to in time, also across midnight UTC."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.calendar.locations import points_of
from chalicelib.booking.changes.cancel import Cancellation, cancel
from chalicelib.booking.changes.reschedule import reschedule
from chalicelib.booking.practice.geo import Point, Roads
from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import GeoAddress
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.core.errors import Conflict, DomainError
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice, demo_practice
from tests.booking.calendars import read_calendar
from tests.conftest import EmbeddedAws
from tests.races.test_bookings import MONDAY, NOW, try_to_book, wish
from tests.races.together import many_at_once
from tests.sizes import ROUNDS

THREADS = 20

SHOP, NORTH, SOUTH = GeoAddress(40.75, -74.0), GeoAddress(41.05, -74.0), GeoAddress(40.45, -74.0)
"""The two are 33 km from the shop, fifty minutes, and twice that from each other."""
PLACES = (SHOP, NORTH, SOUTH)
MIDNIGHT = MONDAY + timedelta(days=7)
"""Another day and another week of the stored calendar; Sunday evening in New York."""


def changing() -> ChangeContext[Any]:
    return ChangeContext(
        lambda: Unit("com_race", clock=lambda: NOW),
        "com_race",
        lambda: NOW,
        connect=lambda name: pytest.fail("not asked"),
    )


def opened() -> Practice:
    """New York, open round the clock, where Dan cuts hair in the shop and at home."""
    made = demo_practice("com_race", calcom=False)
    always = tuple(Window(day, 0, 1440) for day in range(7))
    berlin, new_york = made.branches[0], replace(made.branches[1], hours=always, place=SHOP)
    visit = replace(made.services[2], id="svc_0000000000000000V1S1T", number=9, name="Visit", mobile=True)
    visit = replace(visit, duration_min=30)
    dan = replace(made.staff[3], hours={new_york.id: always}, service_ids=(made.services[2].id, visit.id))
    services, staff = (*made.services, visit), (*made.staff[:3], dan)
    save_practice(lambda: Unit("com_race"), [berlin, new_york], services, staff)
    return Practice((berlin, new_york), services, staff, made.event_types)


def at_once(work: Callable[[int], Any]) -> list[Any]:
    return many_at_once(work, THREADS)


def where(appointment: Appointment) -> Point:
    return (appointment.address or SHOP).point()


def too_close(appointments: list[Appointment]) -> list[tuple[Any, ...]]:
    """Pairs with less between them than the way takes; anyone may do the sums."""
    found = []
    standing = sorted(appointments, key=lambda one: one.starts_at)
    for number, first in enumerate(standing):
        for then in standing[number + 1 :]:
            way = Roads().minutes(where(first), where(then))
            if first.ends_at + timedelta(minutes=way) > then.starts_at:
                found.append((first.starts_at, then.starts_at, way))
    return found


def visit(practice: Practice, number: int, minutes: int, place: GeoAddress) -> Appointment:
    service = "Haircut" if place == SHOP else "Visit"
    fields: dict[str, Any] = {"branch_id": practice.branches[1].id, "staff": "Dan Rossi", "service": service}
    at = MIDNIGHT + timedelta(minutes=minutes)
    return try_to_book("com_race", wish(practice, at, number, address=place, **fields))


def stops_left(practice: Practice, appointments: list[Appointment]) -> set[Point]:
    return points_of(read_calendar(practice.staff[3], *(one.entry() for one in appointments)).locations)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_two_far_apart_on_both_sides_of_midnight_never_both(aws: EmbeddedAws, round_number: int) -> None:
    practice = opened()
    # Half want the evening in the north, the others the shop, or the south, ten minutes into the next day.
    others = (SHOP, SOUTH)[round_number % 2]
    outcomes = at_once(
        lambda n: visit(practice, n, -40, NORTH) if n % 2 else visit(practice, n, 10, others),
    )
    won = [outcome for outcome in outcomes if isinstance(outcome, Appointment)]
    assert len(won) == 1
    lost = {outcome.code for outcome in outcomes if isinstance(outcome, DomainError)}
    assert lost == {"slot_taken"}


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_whatever_is_wanted_booked_moved_and_cancelled_at_once_the_ways_fit(
    aws: EmbeddedAws, round_number: int
) -> None:
    practice = opened()
    chance = random.Random(3000 + round_number)
    wanted = [(15 * chance.randrange(-24, 24), chance.choice(PLACES)) for _ in range(THREADS)]
    outcomes = at_once(lambda n: visit(practice, n, *wanted[n]))
    won = [outcome for outcome in outcomes if isinstance(outcome, Appointment)]
    assert len(won) >= 3
    assert too_close(won) == []
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert {refusal.code for refusal in refusals} <= {"slot_taken"}
    moves = [MIDNIGHT + timedelta(minutes=15 * chance.randrange(-24, 24)) for _ in range(THREADS)]

    def change(number: int) -> Appointment:
        mine = won[number % len(won)]
        if number % 8 == 0:
            return cancel(
                changing(),
                mine.id,
                Cancellation(),
            )
        return reschedule(
            changing(),
            mine.id,
            Move(starts_at=moves[number]),
        )

    changed = at_once(change)
    newest = {one.id: one for one in won}
    for one in changed:
        if isinstance(one, Appointment) and one.version > newest[one.id].version:
            newest[one.id] = one
    standing = [one for one in newest.values() if one.status == "confirmed"]
    assert too_close(standing) == []
    assert stops_left(practice, list(newest.values())) == {where(one) for one in standing if one.address}
