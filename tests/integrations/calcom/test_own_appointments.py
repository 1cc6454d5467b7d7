"""Moving and cancelling by telephone what stands at Cal.com."""

from datetime import datetime
from typing import Any

import pytest

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.core.clock import now
from infra.local.demo_practice import Practice
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.calls.conftest import next_monday
from tests.calls.desk import booked, ring
from tests.calls.test_own_appointments import state


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}])
def test_calcom_not_saying_whether_it_moved_is_said_and_not_asked_twice(
    through_calcom: Practice, calcom: CalComSimulator, fault: dict[str, Any]
) -> None:
    mine = booked(next_monday(10), at=now(), staff="Ada Keller")
    calcom.fault(path=f"/v2/bookings/{mine.external_id}/reschedule", method="POST", times=1, apply=True, **fault)
    wish = {"starts_at": next_monday(16).isoformat()}
    assert ring("reschedule_appointment", wish, now())["status"] == "pending"
    assert ring("reschedule_appointment", wish, now())["status"] == "pending"
    assert state(mine.id)[1] == next_monday(10)


def test_moving_and_cancelling_reach_calcom(through_calcom: Practice, calcom: CalComSimulator) -> None:
    mine = booked(next_monday(10), at=now(), staff="Ada Keller")
    assert ring("reschedule_appointment", {"starts_at": "at four"}, now())["status"] == "moved"
    after = appointment_store.get_appointment("com_test", mine.id)
    there = {one["uid"]: one for one in calcom.bookings.all.values()}
    assert after.external_id != mine.external_id
    assert datetime.fromisoformat(there[str(after.external_id)]["start"]) == next_monday(16)
    assert ring("cancel_appointment", {}, now())["status"] == "cancelled"
    assert there[str(after.external_id)]["status"] == "cancelled"


def test_a_refusal_of_calcom_changes_nothing(through_calcom: Practice, calcom: CalComSimulator) -> None:
    mine = booked(next_monday(10), at=now(), staff="Ada Keller")
    calcom.fault(path=f"/v2/bookings/{mine.external_id}/cancel", method="POST", status=401, times=1)
    answer = ring("cancel_appointment", {}, now())
    assert (answer["status"], answer["code"]) == ("failed", "calcom_credentials")
    assert state(mine.id)[0] == "confirmed"
    assert ring("cancel_appointment", {}, now())["status"] == "cancelled"
