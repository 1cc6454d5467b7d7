"""The waiting list and who waits: the same request twice is one, and whoever books it waits no longer."""

from typing import Any

import pytest

from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.core.rows import OutboxRow
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, call
from tests.crm.persons import COMPANY, ME, OTHER, PHONE, at_desk, everybody, next_monday, on_web
from tests.draining import drain
from tests.races.together import many_at_once

EVE = {"name": "Eve Stone", "phone": PHONE}
TOM = {"name": "Tom Stone", "phone": PHONE}


def monday() -> dict[str, str]:
    day = next_monday(9).date().isoformat()
    return {"first": day, "last": day}


def waits(practice: Practice, customer: dict[str, str], place: str = "/api/waiting-list", **fields: Any) -> Answer:
    body = {"branch_id": practice.branches[0].id, "services": ["Consultation"], "customer": customer} | fields
    made = call("POST", place, caller=ME, body=body)
    assert made.status == 201, made
    return made


def status(made: Answer) -> tuple[str, str | None]:
    entry = waitlist_store.get(COMPANY, made.json["id"])
    return entry.status, entry.appointment_id


@pytest.mark.parametrize(
    "again",
    [
        {},
        {"customer": {"phone": "0151 12345678"}},
        {"customer": {"name": "eve stone", "phone": PHONE}},
        {"services": ["consultation"]},
        {"expires_in_days": 60},
        {"source": "web"},
    ],
)
def test_the_same_request_twice_is_one_entry(practice: Practice, again: dict[str, Any]) -> None:
    first = waits(practice, EVE)
    customer = again.pop("customer", EVE)
    assert waits(practice, customer, **again).json["id"] == first.json["id"]
    assert [row.type for row in OutboxRow.scan()].count("booking.WaitingAdded") == 1
    assert waits(practice, TOM).json["id"] != first.json["id"], "the brother waits as well"
    assert waits(practice, EVE, days=[monday()]).json["id"] != first.json["id"], "another waiting_body"


def test_a_visitor_who_asks_twice_waits_once(practice: Practice) -> None:
    ids = {waits(practice, EVE, "/public/waiting-list").json["id"] for _ in range(3)}
    assert len(ids) == 1


def test_sixteen_at_once_are_one_entry(practice: Practice) -> None:
    answers = many_at_once(lambda _: waits(practice, EVE), 16)
    assert len({answer.json["id"] for answer in answers}) == 1
    [eve] = everybody()
    assert len(waitlist_store.open_entries_of(COMPANY, eve.id)) == 1


def test_whoever_left_the_list_may_come_back(practice: Practice) -> None:
    first = waits(practice, EVE)
    assert call("DELETE", f"/api/waiting-list/{first.json['id']}", caller=ME).status == 204
    assert waits(practice, EVE).json["id"] != first.json["id"]


@pytest.mark.parametrize("way", [at_desk, on_web])
@pytest.mark.parametrize(
    "waiting_body", [{}, {"weekdays": [0]}, {"times": [{"start": 540, "end": 720}]}, {"staff": ["Ada Keller"]}]
)
def test_whoever_books_it_themselves_waits_no_longer(
    practice: Practice, way: Any, waiting_body: dict[str, Any]
) -> None:
    made = waits(practice, EVE, days=[monday()], **waiting_body)
    booked = way(practice, 9, EVE, staff="Ada Keller")
    assert booked.status == 201, booked
    drain()
    assert status(made) == ("booked", booked.json["id"])
    assert [row.type for row in OutboxRow.scan()].count("booking.WaitingBooked") == 1


@pytest.mark.parametrize(
    ("waiting_body", "customer", "fields"),
    [
        ({"weekdays": [1]}, EVE, {}),
        ({"times": [{"start": 600, "end": 720}]}, EVE, {}),
        ({"staff": ["Ben Okafor"]}, EVE, {"staff": "Ada Keller"}),
        ({"services": ["Massage"]}, EVE, {}),
        ({}, TOM, {}),
        ({}, {"name": "Kim", "phone": OTHER}, {}),
    ],
)
def test_what_is_something_else_leaves_them_waiting(
    practice: Practice, waiting_body: dict[str, Any], customer: dict[str, str], fields: dict[str, Any]
) -> None:
    made = waits(practice, EVE, **waiting_body)
    assert at_desk(practice, 9, customer, **fields).status == 201
    drain()
    assert status(made)[0] in ("waiting", "offered")
    assert status(made)[1] is None


def test_what_was_offered_meanwhile_is_given_to_the_next(practice: Practice) -> None:
    at_desk(practice, 9, {"email": "kim@example.com"})
    made = waits(practice, {"name": "Eve", "email": "eve@example.com"}, days=[monday()])
    drain(rounds=20)
    entry = waitlist_store.get(COMPANY, made.json["id"])
    assert entry.status == "offered"
    assert entry.offer
    hour = entry.offer.starts_at.astimezone(next_monday(9).tzinfo).hour
    other = hour + 2
    booked = at_desk(practice, other, {"email": "eve@example.com"})
    drain(rounds=20)
    assert status(made) == ("booked", booked.json["id"])
    assert waitlist_store.get(COMPANY, made.json["id"]).offers[-1].outcome == "withdrawn"
    again = at_desk(
        practice,
        hour,
        {"email": "tom@example.com"},
        starts_at=entry.offer.starts_at.isoformat(),
        staff=entry.offer.staff_id,
    )
    assert again.status == 201, "the time is free again"
