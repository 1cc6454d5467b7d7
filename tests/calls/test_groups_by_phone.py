"""Groups by telephone: callers join and leave by themselves, and nobody moves or ends what is others' as well."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.calls import chain
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from tests.calls.desk import MINE, MONDAY, THEIRS, booked, ring
from tests.draining import drain


@pytest.fixture
def class_of_three(practice: Practice) -> Practice:
    """Berlin's massage has three seats, and Ada gives it."""
    services = [*practice.services]
    services[1] = replace(services[1], seats=3, references=())
    save_practice(lambda: Unit("com_test"), practice.branches, services, practice.staff)
    return practice


def massage(number: str, name: str) -> Any:
    return booked(MONDAY, name, number, service="Massage")


def test_callers_share_a_group_and_each_leaves_by_himself(class_of_three: Practice) -> None:
    first = massage(THEIRS, "Tom Stone")
    day = {"service": "Massage", "date": "2037-11-23"}
    everything = [one["starts_at"] for one in ring("check_availability", day)["slots"]]
    mine = massage(MINE, "Eve Stone")
    assert mine.id == first.id
    assert [one["starts_at"] for one in ring("check_availability", day)["slots"]] == everything
    assert MONDAY.isoformat() in everything
    # The same question again, in this call and in another one, takes no second seat.
    again = {"service": "Massage", "starts_at": MONDAY.isoformat(), "name": "Eve Stone"}
    assert ring("book_appointment", again)["appointment_id"] == first.id
    assert massage(MINE, "Eve Stone").group.taken == 2
    listed = ring("list_my_appointments", {})
    assert [one["appointment_id"] for one in listed["appointments"]] == [first.id]
    moved = ring("reschedule_appointment", {"starts_at": (MONDAY + timedelta(hours=3)).isoformat()})
    assert (moved["status"], moved["code"]) == ("refused", "is_group")
    assert ring("cancel_appointment", {})["status"] == "cancelled"
    group = appointment_store.get_appointment("com_test", first.id)
    assert (group.status, group.group and group.group.taken) == ("confirmed", 1)
    assert ring("list_my_appointments", {}, call_id="retell-2")["appointments"] == []
    # Whoever has left may come back.
    assert massage(MINE, "Eve Stone").group.taken == 2


def test_every_call_of_a_group_has_a_whole_chain(class_of_three: Practice) -> None:
    massage(THEIRS, "Tom Stone")
    massage(MINE, "Eve Stone")
    drain()
    found = [verdict for _, verdict in chain.validate_all("com_test")]
    assert [(one.valid, one.missing) for one in found] == [(True, ())] * 2
