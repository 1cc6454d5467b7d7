"""Free times through the endpoints: what is read for them, what the cache may not do, and what visitors get to see."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.availability import search_index_store
from chalicelib.booking.calendar.entries import Entry, Kind, monday_of
from chalicelib.booking.practice.models import Resource, Staff
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core import aws as clients
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from functions.public import visits
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.booking.calendars import fill

ME = Caller("com_test")


@contextmanager
def requests() -> Iterator[list[str]]:
    """The calls of AWS made inside the block."""
    made: list[str] = []
    clients.call_hooks.append(lambda when, name: made.append(name) if when == "before" else None)
    try:
        yield made
    finally:
        clients.call_hooks.pop()


def next_monday() -> date:
    return monday_of(now().date()) + timedelta(weeks=1)


def get(practice: Practice, path: str = "/api/availability", **query: Any) -> Answer:
    given: dict[str, Any] = {"branch_id": practice.branches[1].id, "service": "Haircut", "from": str(next_monday())}
    given |= {"company": "com_test"} if path.startswith("/public") else {}
    given = {name: value for name, value in (given | query).items() if value is not None}
    return call("GET", path, caller=Caller() if path.startswith("/public") else ME, query=given)


def fifty(practice: Practice) -> tuple[Staff, ...]:
    """Fifty members of staff in New York, each with a booking a day for a month."""
    chloe, branch = practice.staff[2], practice.branches[1]
    staff = tuple(replace(chloe, id=f"stf_{n:020}", name=f"Number {n}") for n in range(50))
    save_practice(lambda: Unit("com_test"), [branch], practice.services, staff)
    mondays = [next_monday() + timedelta(weeks=n) for n in range(5)]
    for member in staff:
        noons = [now().replace(hour=17, minute=0, second=0, microsecond=0) + timedelta(days=n) for n in range(5, 35)]
        entries = [Entry(at, 45, 0, 0, Kind.BOOKING, 3, bytes(12)) for at in noons if at.date() >= mondays[0]]
        fill(member, entries, mondays, now())
    return staff


def test_fifty_staff_and_thirty_days_are_one_getitem_and_one_query(practice: Practice) -> None:
    fifty(practice)
    until = str(next_monday() + timedelta(days=29))
    found = []
    for expected in (
        ["dynamodb.GetItem", "dynamodb.UpdateItem", "dynamodb.Query"],  # the compilation is kept in its row
        ["dynamodb.GetItem", "dynamodb.Query"],  # from this process's memory
        ["dynamodb.GetItem", "dynamodb.Query"],  # another process finds it in the table
    ):
        with requests() as made:
            found.append(get(practice, to=until).json)
        assert made == [*expected, "dynamodb.UpdateItem"]  # the search is counted
        if len(found) == 2:
            search_index_store.forget()
    assert found[0] == found[1] == found[2]
    slots = found[0]["results"][0]["slots"]
    assert {slot["free_staff"] for slot in slots} == {50}
    assert len(slots[0]["staff_ids"]) == 10


def test_staff_at_home_elsewhere_cost_one_request_more_and_their_own_calendar_counts(practice: Practice) -> None:
    berlin, new_york = practice.branches
    chloe = replace(practice.staff[2], home_branch_id=berlin.id)
    save_practice(lambda: Unit("com_test"), [berlin, new_york], practice.services, [*practice.staff[:2], chloe])
    first = get(practice).json["results"][0]["slots"][0]
    body = {"branch_id": new_york.id, "service": "Haircut", "starts_at": first["starts_at"], "staff": chloe.id}
    assert (
        call("POST", "/api/appointments", caller=ME, body=body | {"customer": {"phone": "+12125550199"}}).status == 201
    )
    with requests() as made:
        again = get(practice).json["results"][0]["slots"]
    assert made == ["dynamodb.GetItem", "dynamodb.Query", "dynamodb.BatchGetItem", "dynamodb.UpdateItem"]
    assert first["starts_at"] not in {slot["starts_at"] for slot in again}
    why = get(practice, explain="true", at=first["starts_at"]).json["results"][0]
    assert why["reasons"] == [{"code": "taken", "staff_id": chloe.id, "resource_id": None, "by": "booking"}]


def test_a_changed_schedule_is_never_answered_from_the_cache(practice: Practice) -> None:
    assert get(practice).json["results"][0]["slots"]
    found = call("GET", f"/api/branches/{practice.branches[1].id}", caller=ME).json
    closed = {"closures": [{"first": str(next_monday()), "last": str(next_monday())}]}
    body = {name: value for name, value in found.items() if name not in ("id", "company_id", "deleted_at")} | closed
    assert call("PUT", f"/api/branches/{found['id']}", caller=ME, body=body).status == 200
    assert get(practice).json["results"][0]["slots"] == []
    search_index_store.forget()
    assert get(practice).json["results"][0]["slots"] == []
    noon = f"{next_monday()}T12:00:00-05:00"
    why = get(practice, explain="true", at=noon).json["results"][0]["reasons"]
    assert {reason["code"] for reason in why} == {"closed"}


def test_batches_answer_each_service_in_each_branch_that_offers_it_in_the_viewers_zone(practice: Practice) -> None:
    branches = [branch.id for branch in practice.branches]
    until = str(next_monday() + timedelta(days=1))
    answer = get(practice, branch_id=branches, service=["Consultation", "Haircut"], to=until, zone="Asia/Kathmandu")
    assert answer.status == 200, answer
    results = answer.json["results"]
    assert [(one["branch_id"], one["service_id"]) for one in results] == [
        (branches[0], practice.services[0].id),
        (branches[1], practice.services[0].id),
        (branches[1], practice.services[2].id),
    ]
    for one in results:
        assert one["slots"]
        assert all(slot["starts_at"].endswith("+05:45") for slot in one["slots"])
        assert all(str(next_monday()) <= slot["starts_at"][:10] <= until for slot in one["slots"])


def test_visitors_see_what_is_published_and_no_reasons(practice: Practice) -> None:
    chloe, dan = practice.staff[2], replace(practice.staff[3], published=False)
    room = Resource(id="res_1", company_id="com_test", branch_id=practice.branches[1].id, kind="chair", name="Chair")
    cut = replace(practice.services[2], resources=("chair",))
    services = [cut if service.id == cut.id else service for service in practice.services]
    save_practice(lambda: Unit("com_test"), practice.branches, services, [chloe, dan], [room])
    answer = get(practice, "/public/availability")
    assert answer.status == 200, answer
    slots = answer.json["results"][0]["slots"]
    assert {(slot["staff_ids"][0], slot["free_staff"], *slot["resource_ids"]) for slot in slots} == {
        (chloe.id, 1, "res_1")
    }
    assert "Chloe" not in answer.text
    assert get(practice, "/public/availability", staff=dan.id).json["errors"][0]["path"] == "query.staff"
    assert get(practice, "/public/availability", explain="true").status == 422
    assert get(practice, "/public/availability", company="com_other").status == 404
    hidden = replace(practice.branches[1], published=False)
    save_practice(lambda: Unit("com_test"), [hidden], services, [chloe, dan], [room])
    search_index_store.forget()  # setting up a whole practice anew begins its versions anew
    assert get(practice, "/public/availability").status == 404


def test_visitors_are_throttled(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "A_MINUTE", 2)
    answers = [get(practice, "/public/availability") for _ in range(4)]  # at most one minute ends in between
    assert any(a.status == 429 and a.json["code"] == "too_many_requests" and a.headers["Retry-After"] for a in answers)


SENSELESS: list[tuple[dict[str, Any], str]] = [
    ({"to": "2020-01-01"}, "query.to"),
    ({"from": "2026-01-01", "to": "2026-03-04"}, "query.to"),
    ({"from": "1999-01-01"}, "query.from"),
    ({"zone": "Mars/Olympus"}, "query.zone"),
    ({"service": "Juggling"}, "query.service[0]"),
    ({"service": [str(n) for n in range(11)]}, "query.service"),
    ({"branch_id": []}, "query.branch_id"),
    ({"skill": "juggling"}, "query.skill"),
    ({"staff": "stf_nobody"}, "query.staff"),
    ({"length_min": "90"}, "query.length_min"),
    ({"length_min": "0"}, "query.length_min"),
    ({"gender": "x"}, "query.gender"),
    ({"explain": "true"}, "query.at"),
    ({"explain": "true", "at": "9000-01-01T00:00:00Z"}, "query.at"),
]


def test_what_makes_no_sense_is_named(practice: Practice) -> None:
    for query, path in SENSELESS:
        answer = get(practice, **query)
        assert answer.status == 422, (query, answer)
        assert answer.json["errors"][0]["path"] == path, query
