"""Managing the practice through its endpoints: what is saved is what is booked, and nobody's change is lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from chalicelib.booking.practice import store as practice_store
from chalicelib.core.clock import now
from chalicelib.identity.create_company import NewCompany, Person, create_company
from functions.practice.schedules import renew_holidays
from infra.local.demo_practice import Practice
from infra.local.invoking import Caller, call
from tests.draining import drain

ME = Caller("com_test")
WEEK = [{"day": day, "start": 540, "end": 1020} for day in range(5)]


def body_of(record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    left = ("id", "company_id", "deleted_at", "number")
    return {name: value for name, value in record.items() if name not in left} | changes


def test_a_branch_with_its_staff_service_and_room_from_nothing(aws: object) -> None:
    branch = call("POST", "/api/branches", caller=ME, body={"name": "Nord", "zone": "Europe/Rome", "hours": WEEK}).json
    service = call("POST", "/api/services", caller=ME, body={"name": "Facial", "duration_min": 40}).json
    assert (service["number"], service["version"]) == (1, 1)
    staff = {
        "name": "Eva", "home_branch_id": branch["id"], "hours": {branch["id"]: WEEK}, "service_ids": [service["id"]],
        "skills": [{"name": "laser", "valid_until": "2027-01-31"}],
    }  # fmt: skip
    assert call("POST", "/api/staff", caller=ME, body=staff).status == 201
    room = {"branch_id": branch["id"], "kind": "laser", "name": "Room 2"}
    assert call("POST", "/api/resources", caller=ME, body=room).status == 201
    needy = body_of(service, skills=["laser"], resources=["laser"], price_minor=4900)
    changed = call("PUT", f"/api/services/{service['id']}", caller=ME, body=needy)
    assert changed.status == 200, changed
    schedule = practice_store.get_schedule("com_test", branch["id"])
    assert [s.price_minor for s in schedule.services] == [4900]
    assert [m.name for m in schedule.staff] == ["Eva"]
    assert [r.kind for r in schedule.resources] == ["laser"]


def test_terms_of_a_branch_go_before_the_service(practice: Practice) -> None:
    berlin, consultation = practice.branches[0], practice.services[0]
    found = call("GET", f"/api/branches/{berlin.id}", caller=ME).json
    offers = {consultation.id: {"duration_min": 50, "price_minor": 9900}, practice.services[1].id: {"offered": False}}
    assert call("PUT", f"/api/branches/{berlin.id}", caller=ME, body=body_of(found, offers=offers)).status == 200
    here = practice_store.get_schedule("com_test", berlin.id)
    assert [(s.name, s.duration_min, s.price_minor) for s in here.services] == [("Consultation", 50, 9900)]
    other_branch = practice_store.get_schedule("com_test", practice.branches[1].id)
    assert {s.duration_min for s in other_branch.services if s.id == consultation.id} == {30}


def test_who_changes_an_older_version_is_told(practice: Practice) -> None:
    place = f"/api/staff/{practice.staff[0].id}"
    found = call("GET", place, caller=ME).json
    assert call("PUT", place, caller=ME, body=body_of(found, name="Ada K.")).status == 200
    late = call("PUT", place, caller=ME, body=body_of(found, name="Ada L."))
    assert (late.status, late.json["code"], late.json["current_version"]) == (409, "stale_version", 2)
    missing = call("PUT", place, caller=ME, body=body_of(found, version=None))
    assert missing.json["errors"][0]["path"] == "body.version"


def test_different_records_of_one_branch_changed_at_once_all_stay(practice: Practice) -> None:
    places = [f"/api/staff/{member.id}" for member in practice.staff]
    found = [call("GET", place, caller=ME).json for place in places]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda pair: call("PUT", pair[0], caller=ME, body=body_of(pair[1], name=f"{pair[1]['name']} II")),
                zip(places, found, strict=True),
            )
        )
    assert [answer.status for answer in answers] == [200] * 4
    for branch in practice.branches:
        assert all(m.name.endswith(" II") for m in practice_store.get_schedule("com_test", branch.id).staff)


def test_what_is_deleted_is_offered_nowhere_and_can_come_back(practice: Practice) -> None:
    service = practice.services[0]
    place = f"/api/services/{service.id}"
    assert call("DELETE", place, caller=ME).status == 204
    assert call("GET", place, caller=ME).status == 404
    assert call("GET", "/api/services", caller=ME, query={"deleted": "true"}).json["data"][0]["id"] == service.id
    assert service.id not in {s.id for s in practice_store.get_schedule("com_test", practice.branches[0].id).services}
    assert call("POST", f"{place}/restore", caller=ME).status == 200
    assert service.id in {s.id for s in practice_store.get_schedule("com_test", practice.branches[0].id).services}


def test_what_names_something_deleted_can_be_deleted_as_well(practice: Practice) -> None:
    consultation = practice.services[0].id
    new = {"name": "New", "duration_min": 30}
    follows = call("POST", "/api/services", caller=ME, body=new | {"consultation_id": consultation}).json["id"]
    parts = [{"service_id": consultation}]
    package = call("POST", "/api/services", caller=ME, body=new | {"category": "package", "parts": parts}).json["id"]
    (does_it, *_) = [member for member in practice.staff if consultation in member.service_ids]
    for place in (f"services/{package}", f"services/{consultation}", f"services/{follows}", f"staff/{does_it.id}"):
        assert call("DELETE", f"/api/{place}", caller=ME).status == 204
    refused = call("POST", f"/api/staff/{does_it.id}/restore", caller=ME)
    assert [fault["path"] for fault in refused.json["errors"]] == ["body.service_ids"]


def test_a_notice_longer_than_usual_goes_with_a_longer_advance(practice: Practice) -> None:
    early = {"name": "Early", "duration_min": 30, "policy": {"minimum_notice_min": 200_000}}
    branches = [call("GET", f"/api/branches/{branch.id}", caller=ME).json for branch in practice.branches]
    far = body_of(branches[0], policy={"maximum_advance_days": 365})
    assert call("PUT", f"/api/branches/{branches[0]['id']}", caller=ME, body=far).status == 200
    assert call("POST", "/api/services", caller=ME, body=early).status == 201


@pytest.mark.parametrize("field", ["hours", "breaks", "exceptions"])
def test_staff_work_in_branches_that_exist(practice: Practice, field: str) -> None:
    found = call("GET", f"/api/staff/{practice.staff[0].id}", caller=ME).json
    answer = call(
        "PUT", f"/api/staff/{found['id']}", caller=ME, body=body_of(found, **{field: found[field] | {"bra_none": []}})
    )
    assert [(fault["path"], fault["code"]) for fault in answer.json["errors"]] == [(f"body.{field}", "unknown_branch")]


def test_a_branch_with_appointments_ahead_stays(practice: Practice) -> None:
    branch = practice.branches[1]
    booked = call("POST", "/api/appointments", caller=ME, body=_haircut(practice))
    assert booked.status == 201, booked
    refused = call("DELETE", f"/api/branches/{branch.id}", caller=ME)
    assert (refused.status, refused.json["code"]) == (409, "has_appointments")
    assert refused.json["appointment_id"] == booked.json["id"]


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"zone": "Mars/Olympus"}, "body.zone", "unknown_zone"),
        ({"hours": [{"day": 0, "start": 600, "end": 540}]}, "body.hours", "empty_window"),
        ({"closures": [{"first": "2026-12-02", "last": "2026-12-01"}]}, "body.closures", "empty_range"),
        ({"closures": [{"first": "0001-01-01", "last": "0001-01-02"}]}, "body.closures", "out_of_range"),
        ({"closures": [{"first": "2026-12-02", "last": "2099-12-01"}]}, "body.closures", "too_long"),
        ({"exceptions": [{"on": "9999-12-31"}]}, "body.exceptions", "out_of_range"),
        ({"offers": {"svc_none": {"price_minor": 1}}}, "body.offers.svc_none", "unknown_service"),
        ({"policy": {"minimum_notice_min": 200_000}}, "body.policy.minimum_notice_min", "contradiction"),
        ({"holidays": {"country": "DE", "region": "QQ"}}, "body.holidays", "unknown_holidays"),
        (
            {"policy": {"minimum_notice_min": 3000, "maximum_advance_days": 2}},
            "body.policy.minimum_notice_min",
            "contradiction",
        ),
        (
            {"policy": {"staff_limits": {"per_day": 5, "per_week": 4}}},
            "body.policy.staff_limits.per_day",
            "contradiction",
        ),
    ],
)
def test_a_branch_that_makes_no_sense(practice: Practice, changes: dict[str, Any], path: str, code: str) -> None:
    found = call("GET", f"/api/branches/{practice.branches[0].id}", caller=ME).json
    answer = call("PUT", f"/api/branches/{found['id']}", caller=ME, body=body_of(found, **changes))
    assert answer.status == 422, answer
    assert (path, code) in {(fault["path"], fault["code"]) for fault in answer.json["errors"]}


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"duration_min": 0}, "body.duration_min", None),
        ({"skills": ["juggling"]}, "body.skills[0]", "skill_nobody_has"),
        ({"category": "package"}, "body.parts", "required"),
        ({"category": "flexible", "longest_min": 10}, "body.longest_min", "shorter_than_shortest"),
        ({"longest_min": 60}, "body.longest_min", "not_flexible"),
        ({"policy": {"minimum_notice_min": 200_000}}, "body.policy.minimum_notice_min", "contradiction"),
        ({"seats": 2, "least_seats": 3}, "body.least_seats", "more_than_seats"),
        ({"consultation_id": "svc_none"}, "body.consultation_id", "unknown_service"),
    ],
)
def test_a_service_that_makes_no_sense(
    practice: Practice, changes: dict[str, Any], path: str, code: str | None
) -> None:
    new = {"name": "New", "duration_min": 30} | changes
    answer = call("POST", "/api/services", caller=ME, body=new)
    assert answer.status == 422, answer
    assert any(fault["path"] == path and code in (None, fault["code"]) for fault in answer.json["errors"])


def test_a_package_that_can_never_fit(practice: Practice) -> None:
    parts = [{"service_id": practice.services[1].id}] * 10 + [{"service_id": practice.services[1].id}] * 3
    new = {"name": "All day", "duration_min": 780, "category": "package", "parts": parts[:6]}
    assert call("POST", "/api/services", caller=ME, body=new).status == 201
    for wrong, code in (
        (parts[:7], "too_many"),
        ([parts[0], *({**part, "gap_min": 300} for part in parts[1:6])], "too_long"),
    ):
        refused = call("POST", "/api/services", caller=ME, body=new | {"parts": wrong}).json["errors"]
        assert [(fault["path"], fault["code"]) for fault in refused] == [("body.parts", code)]
    crowded = {"name": "Crowded", "duration_min": 30, "resources": ["a", "b", "c", "d"]}
    crowd = call("POST", "/api/services", caller=ME, body=crowded).json["id"]
    refused = call("POST", "/api/services", caller=ME, body=new | {"parts": [{"service_id": crowd}] * 5}).json["errors"]
    assert [(fault["path"], fault["code"]) for fault in refused] == [("body.parts", "too_many_resources")]
    seated = {"name": "Class", "duration_min": 30, "seats": 8}
    group = call("POST", "/api/services", caller=ME, body=seated).json
    refused = call("POST", "/api/services", caller=ME, body=new | {"parts": [{"service_id": group["id"]}]}).json[
        "errors"
    ]
    assert [(fault["path"], fault["code"]) for fault in refused] == [("body.parts[0].service_id", "stands_alone")]
    massage = {"name": "Massage", "duration_min": 60, "mobile": True, "version": 1}
    taken = call("PUT", f"/api/services/{parts[0]['service_id']}", caller=ME, body=massage).json["errors"]
    assert [(fault["path"], fault["code"]) for fault in taken] == [("body.mobile", "part_of_package")]
    long = call("POST", "/api/services", caller=ME, body={"name": "Longer", "duration_min": 700}).json
    new["parts"] = [{"service_id": long["id"]}, {"service_id": practice.services[1].id}]
    answer = call("POST", "/api/services", caller=ME, body=new)
    assert answer.json["errors"][0]["code"] == "never_fits"


def test_a_room_that_is_needed_is_not_deleted(practice: Practice) -> None:
    room = {"branch_id": practice.branches[1].id, "kind": "chair", "name": "Window seat"}
    chair = call("POST", "/api/resources", caller=ME, body=room).json["id"]
    cut = call("GET", f"/api/services/{practice.services[2].id}", caller=ME).json
    assert call("PUT", f"/api/services/{cut['id']}", caller=ME, body=body_of(cut, resources=["chair"])).status == 200
    booked = call("POST", "/api/appointments", caller=ME, body=_haircut(practice)).json
    refused = call("DELETE", f"/api/resources/{chair}", caller=ME)
    assert (refused.status, refused.json["code"]) == (409, "has_appointments")
    assert call("POST", f"/api/appointments/{booked['id']}/cancel", caller=ME, body={}).status == 200
    assert call("DELETE", f"/api/resources/{chair}", caller=ME).status == 204


def test_what_is_sold_in_a_package_is_not_deleted(practice: Practice) -> None:
    cut = practice.services[2]
    new = {"name": "Day out", "duration_min": 90, "category": "package", "parts": [{"service_id": cut.id}] * 2}
    package = call("POST", "/api/services", caller=ME, body=new).json
    refused = call("DELETE", f"/api/services/{cut.id}", caller=ME)
    assert (refused.status, refused.json["code"], refused.json["service_id"]) == (409, "part_of_package", package["id"])
    assert call("DELETE", f"/api/services/{package['id']}", caller=ME).status == 204
    assert call("DELETE", f"/api/services/{cut.id}", caller=ME).status == 204


def test_time_off_takes_the_calendar_and_gives_it_back(practice: Practice) -> None:
    booked = call("POST", "/api/appointments", caller=ME, body=_haircut(practice)).json
    staff_id = booked["staff_id"]
    start = now().replace(second=0, microsecond=0)
    away = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(days=100)).isoformat(), "reason": "Sea"}
    taken = call("POST", f"/api/staff/{staff_id}/time-off", caller=ME, body=away)
    assert taken.status == 201, taken
    assert taken.json["in_the_way"] == [booked["id"]]
    refused = call("POST", "/api/appointments", caller=ME, body=_haircut(practice, staff=staff_id, hour=15))
    assert refused.json["code"] == "slot_taken"
    listed = call("GET", f"/api/staff/{staff_id}/time-off", caller=ME).json["data"]
    assert [one["id"] for one in listed] == [taken.json["id"]]
    place = f"/api/staff/{staff_id}/time-off/{taken.json['id']}"
    assert call("DELETE", place, caller=ME).status == 204
    assert call("DELETE", place, caller=ME).status == 404
    again = call("POST", "/api/appointments", caller=ME, body=_haircut(practice, staff=staff_id, hour=15))
    assert again.status == 201, again


@pytest.mark.parametrize("year", [1, 2020, 9999])
def test_time_off_is_about_now(practice: Practice, year: int) -> None:
    away = {"starts_at": f"{year:04}-12-30T00:00:00Z", "ends_at": f"{year:04}-12-31T00:00:00Z"}
    answer = call("POST", f"/api/staff/{practice.staff[0].id}/time-off", caller=ME, body=away)
    assert [(fault["path"], fault["code"]) for fault in answer.json["errors"]] == [("body.starts_at", "too_far")]


def test_consultations_do_not_wait_for_each_other(practice: Practice) -> None:
    new = {"name": "New", "duration_min": 30}
    first = practice.services[0].id
    second = call("POST", "/api/services", caller=ME, body=new | {"consultation_id": first}).json["id"]
    third = call("POST", "/api/services", caller=ME, body=new | {"consultation_id": second}).json["id"]
    found = call("GET", f"/api/services/{first}", caller=ME).json
    answer = call("PUT", f"/api/services/{first}", caller=ME, body=body_of(found, consultation_id=third))
    faults = [(fault["path"], fault["code"]) for fault in answer.json["errors"]]
    assert faults == [("body.consultation_id", "contradiction")]


def test_a_service_of_many_branches_changes_everywhere(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.booking.practice_admin.manage.AT_ONCE", 1)
    service = practice.services[0]
    found = call("GET", f"/api/services/{service.id}", caller=ME).json
    assert call("PUT", f"/api/services/{service.id}", caller=ME, body=body_of(found, price_minor=700)).status == 200
    drain()
    for branch in practice.branches:
        schedule = practice_store.get_schedule("com_test", branch.id)
        assert schedule.service(service.id, "service").price_minor == 700


def _haircut(practice: Practice, staff: str | None = None, hour: int = 11) -> dict[str, Any]:
    day = now() + timedelta(days=7 - now().weekday())
    start = day.replace(hour=hour + 5, minute=0, second=0, microsecond=0)
    haircut = {"branch_id": practice.branches[1].id, "service": "Haircut", "starts_at": start.isoformat()}
    return haircut | {"staff": staff, "customer": {"phone": "+12125550199"}}


def test_the_holidays_ahead_never_run_out(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    create_company(NewCompany("Test", id="com_test"), Person("Ada", "ada@example.com", "correct horse battery"), now)
    found = call("GET", f"/api/branches/{practice.branches[0].id}", caller=ME).json
    changed = body_of(found, holidays={"country": "DE", "region": "BY"})
    assert call("PUT", f"/api/branches/{found['id']}", caller=ME, body=changed).status == 200
    before = practice_store.get_schedule("com_test", found["id"]).closed[-1]
    renew_holidays({"id": "1", "detail-type": "", "source": "", "account": "", "time": "", "region": "",
                    "resources": [], "detail": {}, "version": "0"}, None)  # fmt: skip
    with time_machine.travel(now() + timedelta(days=366)):
        drain()
    after = practice_store.get_schedule("com_test", found["id"]).closed[-1]
    assert after.year == before.year + 1
