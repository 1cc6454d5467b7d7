"""Booking through the API with Cal.com behind it."""

from infra.local.demo_practice import Practice
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.booking.test_online_booking import confirmed, post


def test_the_same_key_and_body_get_the_same_answer(through_calcom: Practice) -> None:
    first, second = post(through_calcom, key="k1"), post(through_calcom, key="k1")
    assert (first.status, first.text) == (second.status, second.text) == (201, second.text)
    assert first.json["status"] == "confirmed"
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(confirmed()) == 1


def test_a_slot_taken_at_calcom_frees_time_and_key(
    through_calcom: Practice,
    calcom: CalComSimulator,
) -> None:
    calcom.fault(path="/v2/bookings", method="POST", status=409, message="no_available_users_found_error", times=1)
    refused = post(through_calcom, key="k1")
    assert (refused.status, refused.json["code"]) == (409, "slot_taken")
    berlin, new_york = (branch.id for branch in through_calcom.branches)
    assert [one["branch_id"] for one in refused.json["alternatives"]] == [berlin] * 3 + [new_york]
    assert confirmed() == []
    assert post(through_calcom, key="k1").status == 201


def test_an_unknown_outcome_is_answered_as_held(
    through_calcom: Practice,
    calcom: CalComSimulator,
) -> None:
    calcom.fault(path="/v2/bookings", method="POST", status=500, times=1, apply=True)
    first, again = post(through_calcom, key="k1"), post(through_calcom, key="k1")
    assert (first.status, first.json["status"]) == (201, "held")
    assert again.text == first.text
    assert post(through_calcom).json["id"] == first.json["id"]
    other = {"name": "Tom", "phone": "+4915112345679"}
    assert post(through_calcom, customer=other).status == 409
