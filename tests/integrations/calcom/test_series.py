"""Series through Cal.com: one at a time."""

from datetime import timedelta

from infra.local.demo_practice import Practice
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.functions.test_series_endpoints import first, post, series


def test_through_calcom_each_is_booked_there_and_all_or_none_is_refused(
    through_calcom: Practice,
    calcom: CalComSimulator,
) -> None:
    practice = through_calcom
    berlin = {"branch_id": practice.branches[0].id, "service": "Consultation", "staff": "Ada Keller"}
    at = first().replace(hour=12).isoformat()
    refused = post("/api/series", series(practice, starts_at=at, **berlin))
    assert [fault["path"] for fault in refused.json["errors"]] == ["body.on_conflict"]
    made = post("/api/series", series(practice, starts_at=at, on_conflict="skip", **berlin))
    assert made.status == 201, made
    assert [one["status"] for one in made.json["occurrences"]] == ["confirmed"] * 3
    assert len([b for b in calcom.bookings.all.values() if b["status"] == "accepted"]) == 3
    told = made.json["occurrences"][0]["appointment_id"]
    gone = post(f"/api/series/{made.json['id']}/cancel", {"appointment_id": told, "scope": "all"})
    assert [one["status"] for one in gone.json["occurrences"]] == ["cancelled"] * 3
    assert [b for b in calcom.bookings.all.values() if b["status"] == "accepted"] == []


def test_what_calcom_refuses_is_free_again_and_what_it_does_not_answer_is_held(
    through_calcom: Practice, calcom: CalComSimulator
) -> None:
    berlin = {"branch_id": through_calcom.branches[0].id, "service": "Consultation", "staff": "Ada Keller"}
    wish = series(through_calcom, starts_at=first().replace(hour=12).isoformat(), on_conflict="skip", **berlin)
    calcom.fault(path="/v2/bookings", method="POST", status=409, message="no_available_users_found_error", times=1)
    made = post("/api/series", wish)
    assert [one["outcome"] for one in made.json["occurrences"]] == ["conflict", "booked", "booked"]
    assert made.json["occurrences"][0]["code"] == "calcom_slot_taken"
    at = (first().replace(hour=12) + timedelta(hours=1)).isoformat()
    calcom.fault(path="/v2/bookings", method="POST", status=500, times=1, apply=True)
    unknown = post("/api/series", wish | {"starts_at": at})
    assert [one["status"] for one in unknown.json["occurrences"]] == ["held", "confirmed", "confirmed"]
    assert unknown.json["status"] == "booked"
