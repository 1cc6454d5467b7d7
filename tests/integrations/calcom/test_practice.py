"""What the API calls Cal.com's ids of services and staff are references here, beside those of others."""

from msgspec.structs import replace

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice_admin import manage
from chalicelib.core.clock import now
from chalicelib.core.references import Reference
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import Caller, call
from tests.functions.test_practice_endpoints import body_of

ME = Caller("com_test")


def test_a_services_event_types_are_shown_and_replaced_and_other_references_stay(practice: Practice) -> None:
    service = practice.services[0]
    ada = practice.staff[0].id
    foreign = Reference("elsewhere", "service", "x", ada)
    known = replace(service, references=(foreign, *service.references), version=2)
    manage.save(lambda: Unit("com_test"), known, now)
    path = f"/api/services/{service.id}"
    shown = call("GET", path, caller=ME).json
    assert shown["calcom_event_types"] == {ada: 101, practice.staff[1].id: 102}
    assert "references" not in shown
    saved = call("PUT", path, caller=ME, body=body_of(shown, calcom_event_types={ada: 901}))
    assert (saved.status, saved.json["calcom_event_types"]) == (200, {ada: 901}), saved
    stored = practice_store.get(Service, "com_test", service.id)
    assert stored.references == (foreign, Reference("calcom", "service", "901", ada))
    listed = call("GET", "/api/services", caller=ME).json["data"]
    assert [one["calcom_event_types"] for one in listed if one["id"] == service.id] == [{ada: 901}]


def test_a_repeat_with_the_same_key_gets_the_same_answer(practice: Practice) -> None:
    ada = practice.staff[0].id
    body = {"name": "Facial", "duration_min": 40, "calcom_event_types": {ada: 700}}
    headers = {"idempotency-key": "once"}
    made = call("POST", "/api/services", caller=ME, body=body, headers=headers)
    again = call("POST", "/api/services", caller=ME, body=body, headers=headers)
    assert made.json == again.json
    assert made.json["calcom_event_types"] == {ada: 700}


def test_a_user_is_shown_and_taken_away(practice: Practice) -> None:
    path = f"/api/staff/{practice.staff[0].id}"
    shown = call("GET", path, caller=ME).json
    assert shown["calcom_user_id"] == 7
    saved = call("PUT", path, caller=ME, body=body_of(shown, calcom_user_id=None))
    assert (saved.status, saved.json["calcom_user_id"]) == (200, None), saved
    assert practice_store.get(Staff, "com_test", practice.staff[0].id).references == ()
