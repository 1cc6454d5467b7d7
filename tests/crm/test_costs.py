"""What finding out who comes costs: nothing beyond the booking's own two requests, but where something is learnt."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.core import aws as aws_clients
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_practice import Practice
from tests.crm.persons import OTHER, PHONE, at_desk, known, on_web

BOOKED = ["BatchGetItem", "TransactWriteItems"]
LEARNT = ["BatchGetItem", "GetItem", "TransactWriteItems"]
"""The record."""
BESIDE = ["BatchGetItem", "GetItem", "TransactWriteItems"]
"""The one who had the contact point, for their household."""


@contextmanager
def counted() -> Iterator[list[str]]:
    calls: list[str] = []

    def note(when: str, name: str) -> None:
        if when == "before":
            calls.append(name.removeprefix("dynamodb."))

    aws_clients.call_hooks.append(note)
    try:
        yield calls
    finally:
        aws_clients.call_hooks.remove(note)


@pytest.mark.parametrize(
    ("customer", "fields", "costs"),
    [
        ({"name": "Ada Keller", "phone": PHONE}, {}, BOOKED),
        ({"phone": PHONE}, {"staff": "Ada Keller"}, BOOKED),
        ({"name": "Tom New", "phone": OTHER, "email": "tom@example.com"}, {}, BOOKED),
        ({"name": "Ada Keller", "phone": PHONE, "email": "ada@example.com"}, {}, LEARNT),
        ({"name": "Ada Maria Keller", "phone": PHONE}, {}, LEARNT),
        ({"name": "Ben Keller", "phone": PHONE}, {}, BESIDE),
    ],
)
def test_booking_at_the_desk(
    practice: Practice, customer: dict[str, Any], fields: dict[str, Any], costs: list[str]
) -> None:
    known(Contact(name="Ada Keller", phone=PHONE))
    at_desk(practice, 9, {"email": "first@example.com"})  # the process has met the branch
    with counted() as calls:
        assert at_desk(practice, 11, customer, **fields).status == 201
    assert calls == costs


def test_the_same_asked_again_costs_one_read_more_whoever_is_asked_for(practice: Practice) -> None:
    first = at_desk(practice, 9, {"name": "Eve", "phone": PHONE}).json
    other = ["Ada Keller", "Ben Okafor"][first["staff_id"] == practice.staff[0].id]
    for fields in ({}, {"staff": other}):
        with counted() as calls:
            assert at_desk(practice, 9, {"name": "Eve", "phone": PHONE}, **fields).json["id"] == first["id"]
        assert calls == ["BatchGetItem", "GetItem"] or calls == ["BatchGetItem", "BatchGetItem"]


def test_a_stranger_never_costs_more(practice: Practice) -> None:
    known(Contact(name="Ada Keller", phone=PHONE))
    on_web(practice, 9, {"email": "first@example.com"})
    for hour, name in ((11, "Ada Maria Keller"), (12, "Ben Keller")):
        with counted() as calls:
            assert on_web(practice, hour, {"name": name, "phone": PHONE, "email": f"{hour}@example.com"}).status == 201
        assert calls[-2:] == BOOKED
