"""Which person of the practice a user is."""

from typing import Any

import pytest

from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.identity.abilities import Role
from chalicelib.identity.create_company import Person, add_member
from infra.local.demo_people import add_person
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call


def user(role: Role) -> str:
    return add_member("com_test", Person("Eve", f"{role}@example.com", "correct horse battery"), role, now).id


def link(user_id: str, **person: Any) -> Answer:
    return call("PUT", f"/api/users/{user_id}/person", caller=Caller("com_test"), body=person)


def customer(company_id: str = "com_test") -> str:
    unit = Unit(company_id)
    made = add_person(unit, Contact(name="Eve", phone="+4915112345678"), "api", now())
    unit.commit()
    return made.id


def test_a_client_is_a_customer_and_a_practitioner_a_member_of_staff(practice: Practice) -> None:
    eve, ada = user("client"), user("practitioner")
    patient = customer()
    assert link(eve, customer_id=patient).json["customer_id"] == patient
    assert link(ada, staff_id=practice.staff[0].id).json["staff_id"] == practice.staff[0].id
    assert link(eve).json["customer_id"] is None
    listed = call("GET", "/api/users", caller=Caller("com_test")).json["data"]
    assert {(one["customer_id"], one["staff_id"]) for one in listed} == {(None, None), (None, practice.staff[0].id)}


@pytest.mark.parametrize(
    ("role", "field", "value", "code"),
    [
        ("client", "customer_id", "cus_unknown", "unknown_customer"),
        ("client", "staff_id", "stf_any", "not_staff"),
        ("practitioner", "staff_id", "stf_unknown", "unknown_staff"),
        ("practitioner", "customer_id", "cus_any", "not_a_client"),
        ("client", "customer_id", "a#b", "invalid"),
    ],
)
def test_who_is_not_there_is_refused_by_field(
    practice: Practice, role: Role, field: str, value: str, code: str
) -> None:
    refused = link(user(role), **{field: value})
    assert refused.status == 422
    assert (refused.json["errors"][0]["path"], refused.json["errors"][0]["code"]) == (f"body.{field}", code)


def test_another_companys_people_are_not_there(practice: Practice) -> None:
    eve = user("client")
    assert link(eve, customer_id=customer("com_other")).status == 422
    assert call("PUT", f"/api/users/{eve}/person", caller=Caller("com_other"), body={}).status == 404
