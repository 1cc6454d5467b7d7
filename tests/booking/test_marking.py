"""Another member of staff, and versions that grow."""

from datetime import timedelta
from typing import Any

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.changes.reschedule import reschedule
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.core.clock import now
from infra.local.demo_practice import Practice
from tests.booking.test_changing import COMPANY, booked, move, new_unit, refused, taken
from tests.calls.conftest import next_monday


def changing() -> ChangeContext[Any]:
    return ChangeContext(new_unit, COMPANY, now)


def wanted(staff: str = "Ben Okafor") -> Move:
    return Move(staff=staff)


def test_another_member_takes_over_at_the_same_time(practice: Practice) -> None:
    made = booked(practice)
    given = reschedule(changing(), made.id, wanted())
    assert (given.staff_id, given.starts_at, given.moves) == (practice.staff[1].id, made.starts_at, 0)
    assert taken(practice, made) == []
    booked(practice, guest=2)
    refused(lambda: reschedule(changing(), made.id, wanted("Ada Keller")), "slot_taken")


def test_the_version_of_events_grows(practice: Practice) -> None:
    made = booked(practice)
    moved = move(made, next_monday(14))
    assert appointment_store.get_appointment(COMPANY, made.id).version == moved.version
    assert moved.starts_at - made.starts_at == timedelta(hours=4)
