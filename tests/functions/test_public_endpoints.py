"""What visitors see of a practice, and the reviews that customers leave."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice.models import Profile
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.reviews import store as review_store
from chalicelib.core.clock import now
from chalicelib.core.ids import new_id
from chalicelib.core.unit import Unit
from functions.public import visits
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call

ME = Caller("com_test")


def visit(practice: Practice, **fields: Any) -> Appointment:
    """A visit of Ada's that is over."""
    at = now() - timedelta(days=1)
    made = Appointment(
        id=new_id("apt"), company_id="com_test", branch_id=practice.branches[0].id, service_id=practice.services[0].id,
        staff_id=practice.staff[0].id, customer_id="cus_1", starts_at=at, ends_at=at + timedelta(minutes=30),
        status="completed", source="api", created_at=at, updated_at=at,
    )  # fmt: skip
    made = replace(made, **fields)
    unit = Unit("com_test")
    appointment_store.add_appointment(unit, made)
    unit.commit()
    return made


def link(appointment_id: str) -> str:
    made = call("POST", f"/api/appointments/{appointment_id}/review-link", caller=ME)
    assert made.status == 201, made
    return "/public/reviews/" + str(made.json["url"]).rpartition("/")[2]


def see(what: str, **query: str) -> Answer:
    return call("GET", f"/public/{what}", query={"company": "com_test"} | query)


def reviews_of_ada(practice: Practice) -> Any:
    return next(one["reviews"] for one in see("staff").json["data"] if one["id"] == practice.staff[0].id)


def test_a_review_is_left_counted_hidden_and_published_again(practice: Practice) -> None:
    for rating, text in ((5, " Kind. "), (4, "")):
        left = call("POST", link(visit(practice).id), body={"rating": rating, "text": text})
        assert left.status == 201, left
    assert "cus_1" not in left.text
    found = reviews_of_ada(practice)
    assert (found["average"], found["count"]) == (4.5, 2)
    assert [(one["rating"], one["text"]) for one in found["latest"]] == [(4, ""), (5, "Kind.")]
    first = call("GET", "/api/reviews", caller=ME, query={"staff_id": practice.staff[0].id}).json["data"][1]
    for _ in range(2):  # asked twice, counted once
        assert call("POST", f"/api/reviews/{first['id']}/hide", caller=ME).json["status"] == "hidden"
    found = reviews_of_ada(practice)
    assert (found["average"], found["count"], len(found["latest"])) == (4.0, 1, 1)
    hidden = call("GET", "/api/reviews", caller=ME, query={"status": "hidden"}).json["data"]
    assert [one["id"] for one in hidden] == [first["id"]]
    assert call("POST", f"/api/reviews/{first['id']}/publish", caller=ME).status == 200
    assert reviews_of_ada(practice)["average"] == 4.5
    assert see("branches").json["data"][0]["reviews"]["count"] == 2


def test_one_review_for_each_visit_however_many_come_at_once(practice: Practice) -> None:
    one = visit(practice).id
    links = [*(link(one) for _ in range(4)), *(link(visit(practice).id) for _ in range(4))]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda path: call("POST", path, body={"rating": 3}), links))
    assert sorted(answer.status for answer in answers) == [201] * 5 + [409] * 3
    assert {answer.json["code"] for answer in answers if answer.status == 409} == {"already_reviewed"}
    rated = review_store.ratings("com_test", [practice.branches[0].id, practice.staff[0].id])
    assert {(rating.count, rating.total) for rating in rated.values()} == {(5, 15)}


def test_what_cannot_be_reviewed(practice: Practice) -> None:
    ahead = visit(practice, status="confirmed")
    refused = call("POST", f"/api/appointments/{ahead.id}/review-link", caller=ME)
    assert (refused.status, refused.json["code"]) == (409, "not_completed")
    assert call("POST", "/public/reviews/guess", body={"rating": 5}).json["code"] == "unknown_link"
    done = visit(practice)
    path = link(done.id)
    for body in ({"rating": 6}, {"rating": 0}, {"rating": 5, "text": "x" * 2001}, {}):
        assert call("POST", path, body=body).status == 422
    unit = Unit("com_test")
    appointment_store.save_appointment(unit, done.changed(now(), status="no_show"))
    unit.commit()
    assert call("POST", path, body={"rating": 5}).json["code"] == "not_completed"


def test_only_what_is_published_is_shown_with_what_each_offers(practice: Practice) -> None:
    berlin, new_york = practice.branches
    ada, ben, chloe, dan = practice.staff
    shown = replace(
        ada, profile=Profile(title="Dr", specialisations=("knees",)), languages=("de",), email="ada@example.com",
        phone="+4915155501009",
    )  # fmt: skip
    secret = replace(practice.services[1], published=False)
    services = [secret if service.id == secret.id else service for service in practice.services]
    save_practice(
        lambda: Unit("com_test"), [berlin, replace(new_york, published=False)], services,
        [shown, replace(ben, published=False), chloe, dan],
    )  # fmt: skip
    branches, listed, staff = see("branches"), see("services"), see("staff", branch_id=berlin.id)
    assert [(one["id"], one["service_ids"]) for one in branches.json["data"]] == [
        (berlin.id, [practice.services[0].id])
    ]
    assert [(one["id"], one["branch_ids"]) for one in listed.json["data"]] == [(practice.services[0].id, [berlin.id])]
    (one,) = staff.json["data"]
    assert (one["id"], one["service_ids"], one["branch_ids"]) == (ada.id, [practice.services[0].id], [berlin.id])
    assert one["profile"]["specialisations"] == ["knees"]
    assert one["reviews"] == {"average": None, "count": 0, "latest": []}
    assert "example.com" not in staff.text
    assert "01009" not in staff.text
    assert see("staff", branch_id=new_york.id).status == 404
    assert see("services", branch_id=berlin.id, company="com_other").status == 404
    assert see("branches", company="com_other").json == {"data": [], "next_cursor": None}
    assert see("branches", company="com#x").json["errors"][0]["path"] == "query.company"


def test_lists_come_in_pages(practice: Practice) -> None:
    for what, records in (("branches", practice.branches), ("services", practice.services), ("staff", practice.staff)):
        whole = [one["id"] for one in see(what).json["data"]]
        assert whole == sorted(record.id for record in records)
        found: list[str] = []
        query: dict[str, str] = {}
        while len(found) < 100:
            page = see(what, limit="1", **query).json
            found += [one["id"] for one in page["data"]]
            if page["next_cursor"] is None:
                break
            query = {"cursor": page["next_cursor"]}
        assert found == whole
    assert see("staff", cursor="nonsense").json["errors"][0]["code"] == "bad_cursor"
    assert see("staff", limit="101").json["errors"][0]["path"] == "query.limit"


def test_lists_are_throttled(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "A_MINUTE", 1)
    assert 429 in {see("branches").status for _ in range(3)}
