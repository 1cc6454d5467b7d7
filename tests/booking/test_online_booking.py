"""Booking through the API: idempotency keys, and the list and the record afterwards."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.tables import BookingRow
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.calls.conftest import next_monday

CALLER = Caller("com_test")


def post(practice: Practice, hour: int = 10, key: str | None = None, **fields: Any) -> Answer:
    body = {
        "branch_id": practice.branches[0].id,
        "service": "Consultation",
        "starts_at": next_monday(hour).isoformat(),
        "staff": "Ada Keller",
        "customer": {"name": "Eve Stone", "phone": "+4915112345678"},
    }
    headers = {"idempotency-key": key} if key is not None else {}
    return call("POST", "/api/appointments", caller=CALLER, body=body | fields, headers=headers)


def confirmed() -> list[Appointment]:
    found = [row.model(Appointment) for row in BookingRow.scan() if row.sk == "appointment"]
    return [appointment for appointment in found if appointment.status != "released"]


def test_the_same_key_with_another_body_is_refused(practice: Practice) -> None:
    assert post(practice, key="k1").status == 201
    other = post(practice, 11, key="k1")
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")
    assert len(confirmed()) == 1


def test_a_key_belongs_to_its_company(practice: Practice) -> None:
    assert post(practice, key="k1").status == 201
    answer = call("POST", "/api/appointments", caller=Caller("com_other"), headers={"idempotency-key": "k1"}, body={})
    assert answer.json["code"] == "invalid_request"


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_key_that_is_none_is_refused(practice: Practice, key: str) -> None:
    assert post(practice, key=key).json["code"] == "bad_idempotency_key"


def test_one_key_at_once_from_many_books_once(practice: Practice) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: post(practice, key="k1"), range(16)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(confirmed()) == 1


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"starts_at": "2026-12-01T09:30:00"}, ["body.starts_at"]),
        ({"starts_at": "soon", "service": 5}, ["body.service", "body.starts_at"]),
        ({"customer": {"phone": "what", "email": "nor this"}}, ["body.customer.email", "body.customer.phone"]),
        ({"customer": None}, ["body.customer"]),
        ({"colour": "red"}, ["body.colour"]),
        ({"source": "retell_phone"}, ["body.source"]),
        ({"metadata": {"k": "x" * 501}}, ["body.metadata"]),
        ({"starts_at": "2020-01-01T10:00:00Z"}, ["body.starts_at"]),
    ],
)
def test_every_fault_is_named(practice: Practice, fields: dict[str, Any], paths: list[str]) -> None:
    answer = post(practice, **fields)
    assert answer.status == 422
    assert sorted(fault["path"].partition("[")[0] for fault in answer.json["errors"]) == paths


def test_lists_by_branch_staff_customer_status_source_and_range(practice: Practice) -> None:
    made = [post(practice, hour).json for hour in (10, 11, 12)]
    branch, staff, customer = made[0]["branch_id"], made[0]["staff_id"], made[0]["customer_id"]
    for query in (
        {},
        {"branch_id": branch},
        {"staff_id": staff},
        {"customer_id": customer, "status": "confirmed", "source": "api"},
        {"starts_from": next_monday(10).isoformat(), "starts_until": next_monday(13).isoformat()},
    ):
        assert ids(query) == [one["id"] for one in made], query
    assert ids({"starts_from": next_monday(11).isoformat()}) == [one["id"] for one in made[1:]]
    assert ids({"starts_until": next_monday(11).isoformat()}) == [made[0]["id"]]
    assert ids({"status": "cancelled"}) == []
    assert ids({"source": "web"}) == []


def ids(query: dict[str, str]) -> list[str]:
    """The ids of a list, two at a time, through the old name of the route."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = call("GET", "/api/events", caller=CALLER, query={**query, "limit": "2", **cursor}).json
        found += [one["id"] for one in page["data"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"}, {"limit": "x"}, {"cursor": "x"}, {"branch_id": "a", "staff_id": "b"}, {"status": "gone"},
        {"starts_from": "2026-12-02T00:00:00Z", "starts_until": "2026-12-01T00:00:00Z"}, {"starts_from": "2026"},
        {"unknown": "1"},
    ],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused(practice: Practice, query: dict[str, str]) -> None:
    answer = call("GET", "/api/appointments", caller=CALLER, query=query)
    assert answer.status == 422
    assert answer.json["errors"]
