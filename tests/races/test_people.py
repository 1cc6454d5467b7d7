"""32 threads bring the same stranger at once, by every way in: one person; brothers become two, each of them once."""

from typing import Any

import pytest

from chalicelib.core.tables import fetch_one
from chalicelib.crm.contact_points import store as contact_points
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, call
from tests.calls.conftest import call_function
from tests.crm.persons import COMPANY, ME, PHONE, at_desk, everybody, next_monday, on_web
from tests.races.together import many_at_once
from tests.sizes import ROUNDS

THREADS = 32
EVE = {"name": "Eve Stone", "phone": PHONE, "email": "eve@example.com"}


def bring(practice: Practice, number: int, customer: dict[str, str]) -> Answer:
    """By the desk, the web, the waiting list or the telephone, each thread at an hour of its own."""
    way, turn = number % 4, number // 4
    at = next_monday(9).replace(hour=9 + turn // 2, minute=30 * (turn % 2)).isoformat()
    branch = practice.branches[0].id
    if way == 0:
        return at_desk(practice, 9, customer, starts_at=at)
    if way == 1:
        return on_web(practice, 9, customer, starts_at=at)
    if way == 2:
        body = {"branch_id": branch, "services": ["Massage"], "customer": customer}
        return call("POST", "/api/waiting-list", caller=ME, body=body)
    args = {"service": "Consultation", "starts_at": at, "name": customer["name"], "email": customer["email"]}
    return call_function("book_appointment", args, call_id=f"retell-{number}")


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_the_same_stranger_brought_at_once_is_one_person(practice: Practice, round_: int) -> None:
    answers = many_at_once(lambda number: bring(practice, number, EVE), THREADS)
    assert any(answer.status in (200, 201) for answer in answers)
    [eve] = everybody()
    assert (eve.name, eve.phone, eve.email) == tuple(EVE.values())
    for kind, value in (("phone", PHONE), ("email", EVE["email"])):
        holders = _holders(kind, value)
        assert [holder.person_id for holder in holders] == [eve.id]


def test_two_brothers_brought_at_once_are_two(practice: Practice) -> None:
    names = ("Tim Stone", "Tom Stone")
    brothers = [{"name": name, "phone": PHONE} for name in names]
    many_at_once(lambda number: at_desk(practice, 9 + number // 8, brothers[number % 2]), THREADS)
    assert sorted(person.name for person in everybody()) == list(names)
    assert len({person.household_id for person in everybody()} - {None}) == 1
    assert {holder.person_id for holder in _holders("phone", PHONE)} == {person.id for person in everybody()}


def _holders(kind: Any, value: str) -> Any:
    return contact_points.holders_of(fetch_one(contact_points.key(COMPANY, kind, value))).all
