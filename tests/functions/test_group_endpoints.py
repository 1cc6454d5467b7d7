"""Groups over HTTP: staff see who takes part, visitors see seats and nobody's name."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice, demo_practice
from infra.local.invoking import Answer, Caller, call
from tests.conftest import EmbeddedAws

ME = Caller("com_test")


@pytest.fixture
def practice(aws: EmbeddedAws) -> Practice:
    """New York's haircut has three seats, and Dan alone gives it."""
    made = demo_practice("com_test", calcom=False)
    services = [*made.services]
    services[2] = replace(services[2], seats=3)
    members = [*made.staff]
    members[2] = replace(members[2], service_ids=(services[3].id,))
    save_practice(lambda: Unit("com_test"), made.branches, services, members)
    return Practice(made.branches, tuple(services), tuple(members), made.event_types)


def wanted(practice: Practice, number: int, **fields: Any) -> dict[str, Any]:
    day = now() + timedelta(days=14 - now().weekday())
    start = day.replace(hour=16, minute=0, second=0, microsecond=0)
    known = {"branch_id": practice.branches[1].id, "service": "Haircut", "starts_at": start.isoformat()}
    return known | {"customer": contact(number)} | fields


def contact(number: int) -> dict[str, str]:
    return {"name": f"Guest {number}", "phone": f"+1212555{number:04}", "email": f"guest{number}@example.com"}


def staff_books(practice: Practice, number: int, **fields: Any) -> Answer:
    return call("POST", "/api/appointments", caller=ME, body=wanted(practice, number, **fields))


def visitor_books(practice: Practice, number: int, **fields: Any) -> Answer:
    return call("POST", "/public/appointments", body=wanted(practice, number, **fields))


def free(practice: Practice, endpoint: str) -> list[dict[str, Any]]:
    start = wanted(practice, 0)["starts_at"]
    query = {"branch_id": practice.branches[1].id, "service": "Haircut", "from": start[:10]}
    if endpoint == "/public/availability":
        answer = call("GET", endpoint, query=query | {"company": "com_test"})
    else:
        answer = call("GET", endpoint, caller=ME, query=query)
    assert answer.status == 200, answer
    assert "Guest" not in answer.text
    found: list[dict[str, Any]] = answer.json["results"][0]["slots"]
    return [slot for slot in found if slot["starts_at"].startswith(start[:10] + "T1") and slot["seats_left"] != 3]


def test_staff_and_visitors_join_one_group_and_only_staff_see_who(practice: Practice) -> None:
    opened = staff_books(practice, 1)
    assert opened.status == 201, opened
    group = opened.json["group"]
    assert (group["seats"], group["seats_left"], group["deadline_at"]) == (3, 2, None)
    assert [one["name"] for one in group["participants"]] == ["Guest 1"]
    for endpoint in ("/api/availability", "/public/availability"):
        assert [slot["seats_left"] for slot in free(practice, endpoint)] == [2]
    joined = visitor_books(practice, 2)
    assert (joined.status, joined.json["id"], joined.json["seats_left"]) == (201, opened.json["id"], 1)
    assert "Guest" not in joined.text
    again = visitor_books(practice, 2)
    # Whether somebody takes part is nobody's business.
    assert (again.status, again.json["code"]) == (409, "not_bookable")
    assert "appointment_id" not in again.json
    known = staff_books(practice, 2)
    assert (known.status, known.json["code"]) == (409, "already_joined")
    path = f"/api/appointments/{opened.json['id']}"
    seen = call("GET", f"{path}/participants", caller=ME).json["data"]
    assert [(one["name"], one["email"], one["source"]) for one in seen] == [
        ("Guest 1", "guest1@example.com", "api"),
        ("Guest 2", "guest2@example.com", "web"),
    ]
    listed = call("GET", "/api/appointments", caller=ME, query={"customer_id": seen[1]["customer_id"]}).json["data"]
    assert [(one["id"], one["customer_id"]) for one in listed] == [(opened.json["id"], seen[1]["customer_id"])]
    assert (listed[0]["group"]["seats_left"], listed[0]["group"]["participants"]) == (1, None)


def test_a_full_group_refuses_with_alternatives_until_someone_leaves(practice: Practice) -> None:
    opened = staff_books(practice, 1, seats=2).json
    path = f"/api/appointments/{opened['id']}/participants"
    joined = call("POST", path, caller=ME, body={"customer": contact(2)})
    assert (joined.status, joined.json["group"]["seats_left"]) == (201, 0), joined
    for answer in (
        call("POST", path, caller=ME, body={"customer": contact(3)}),
        staff_books(practice, 3),
        visitor_books(practice, 3),
    ):
        assert (answer.status, answer.json["code"]) == (409, "slot_taken")
        assert len(answer.json["alternatives"]) == 3
        assert "Guest" not in answer.text
    assert free(practice, "/public/availability") == []
    who = joined.json["group"]["participants"][0]["id"]
    after = call("DELETE", f"{path}/{who}", caller=ME)
    assert (after.status, after.json["group"]["seats_left"]) == (200, 2), after
    assert call("DELETE", f"{path}/{who}", caller=ME).json["code"] == "participant_not_found"
    assert visitor_books(practice, 3).json["seats_left"] == 1


def test_what_is_wrong_names_its_field(practice: Practice) -> None:
    assert staff_books(practice, 1, seats=0).json["errors"][0]["path"] == "body.seats"
    assert visitor_books(practice, 1, seats=4).json["errors"][0]["code"] == "more_than_seats"
    refused = call("POST", "/public/holds", body={k: v for k, v in wanted(practice, 1).items() if k != "customer"})
    assert [(one["path"], one["code"]) for one in refused.json["errors"]] == [("body.service", "seats_not_held")]
    opened = staff_books(practice, 1).json
    path = f"/api/appointments/{opened['id']}/participants"
    assert call("POST", path, caller=ME, body={"seats": 0}).status == 422
    assert call("POST", path, caller=ME, body={}).json["errors"][0]["path"] == "body.customer"
    other = staff_books(practice, 2, service="Text consultation", staff="Chloe Park").json
    # Of a customer who is known by id nothing was told: his own record says who he is.
    assert call("POST", path, caller=ME, body={"customer_id": other["customer_id"]}).status == 201
    assert [one["name"] for one in call("GET", path, caller=ME).json["data"]] == ["Guest 1", "Guest 2"]
    assert call("POST", path, caller=ME, body={"customer_id": "cus_none"}).json["code"] == "customer_not_found"
    limited = Caller("com_test", abilities="appointments:write")
    body = {"customer": contact(2), "override": ["minimum_notice"]}
    assert call("POST", path, caller=limited, body=body).status == 403


def test_a_branch_of_calcoms_takes_no_groups(aws: EmbeddedAws) -> None:
    made = demo_practice("com_test", calcom=True)
    services = [*made.services]
    services[0] = replace(services[0], seats=3, references=())
    save_practice(lambda: Unit("com_test"), made.branches, services, made.staff)
    body = wanted(Practice(made.branches, tuple(services), made.staff, ()), 1)
    body |= {"branch_id": made.branches[0].id, "service": "Consultation"}
    answer = call("POST", "/api/appointments", caller=ME, body=body)
    assert [(one["path"], one["code"]) for one in answer.json["errors"]] == [("body.service", "no_groups_at_calcom")]
