"""Customers and leads: one kind of record, in two lists."""

from typing import Annotated, Any

import msgspec

from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Aware, Query, Text, Version
from chalicelib.core.requests import Request
from chalicelib.crm.people.person import Kind
from functions.crm.bodies import NewPersonBody, PersonAnswer, PersonPatch, PersonWhole, show

function = Function(__name__)
READS = Needs(reads=("crm",))
WRITES = Needs(writes=("crm",), reads=("booking",))
ONE = "/api/customers/{customer_id}"
LEAD = "/api/leads/{customer_id}"
CHANGE_ERRORS = ("customer_not_found 404", "stale_version 409", "too_many_share 409", "storage_busy 503")
NAME_PARTS = ("prefix", "given_name", "middle_name", "family_name", "suffix")
EXAMPLE = {
    "given_name": "Ada",
    "family_name": "Keller",
    "language": "de",
    "birth_date": "1990-05-17",
    "contact_points": [
        {"kind": "phone", "value": "+493055512345", "label": "work", "preferred": True},
        {"kind": "email", "value": "ada@example.com", "consent": "granted"},
    ],
    "tags": ["regular"],
    "alerts": [{"text": "Allergic to latex", "kind": "medical"}],
}


class PeopleQuery(PageQuery):
    """At most two of source, status, owner_id, tag and created; the newest come first. A page may hold fewer.

    `q`: the beginnings of words of a name, of an e-mail address, or the last four or more digits of a phone number.
    """

    q: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    source: Text | None = None
    status: Text | None = None
    owner_id: Text | None = None
    tag: Text | None = None
    created_from: Aware | None = None
    created_until: Aware | None = None
    deleted: bool = False


class Removal(Query):
    """`version`: only if nobody changed them since."""

    version: Version | None = None


@function.route("GET", "/api/customers", also=("/api/leads",), ability="customers:read", needs=READS)
def list_customers(request: Request, query: PeopleQuery) -> Page[PersonAnswer]:
    """Customers, or leads, by what they are called, are reached by, or are filtered by."""
    from chalicelib.crm.finding.find import PersonQuery, find_people

    names = ("source", "status", "owner_id", "tag")
    query_of_people = PersonQuery(
        kind=_kind(request),
        text=query.q,
        filters={name: value for name in names if (value := getattr(query, name)) is not None},
        created_from=query.created_from,
        created_until=query.created_until,
        deleted=query.deleted,
        limit=query.limit,
        cursor=query.cursor,
    )
    return find_people(request.company_id, query_of_people).map(show)


@function.route(
    "POST",
    "/api/customers",
    also=("/api/leads",),
    ability="customers:write",
    status=201,
    needs=WRITES,
    errors=("customer_exists 409", "too_many_share 409", "storage_busy 503"),
    example=EXAMPLE,
)
def add_customer(request: Request, body: NewPersonBody) -> PersonAnswer:
    """Add a customer, or a lead. Who is known by contact point, name and birth date is 409 `customer_exists`."""
    from chalicelib.crm.editing.edit import NewPerson, add

    given = body.given()
    new = NewPerson(
        kind=_kind(request),
        source="api",
        given=given,
        country=_country(request, given),
        add_anyway=body.add_anyway,
    )
    return show(add(lambda: request.unit(show), new, now))


@function.route("GET", ONE, also=(LEAD,), ability="customers:read", needs=READS, errors=("customer_not_found 404",))
def show_customer(request: Request, customer_id: str) -> PersonAnswer:
    """One person, also by the number that the old system knew them by."""
    from chalicelib.crm.editing.edit import id_of
    from chalicelib.crm.people import store

    return show(store.get(request.company_id, id_of(request.company_id, customer_id)))


@function.route(
    "PATCH",
    ONE,
    also=(LEAD,),
    ability="customers:write",
    needs=WRITES,
    errors=CHANGE_ERRORS,
    example={"family_name": "Keller-Vogt", "version": 3},
)
def change_customer(request: Request, customer_id: str, body: PersonPatch) -> PersonAnswer:
    """Change what is given, and nothing else."""
    return _change(request, customer_id, body.given(), body.version)


@function.route(
    "PUT",
    ONE,
    also=(LEAD,),
    ability="customers:write",
    needs=WRITES,
    errors=CHANGE_ERRORS,
    example=EXAMPLE | {"version": 3},
)
def replace_customer(request: Request, customer_id: str, body: PersonWhole) -> PersonAnswer:
    """Replace all that may be changed; what GET shows is taken as it is."""
    empty = {"contact_points": (), "tags": (), "alerts": (), "external_ids": {}, "name": ""}
    names = ("language", "birth_date", "gender", "address", *(NAME_PARTS if not body.name else ()))
    return _change(request, customer_id, dict.fromkeys(names) | empty | body.given(), body.version)


@function.route(
    "DELETE",
    ONE,
    also=(LEAD,),
    ability="customers:write",
    status=204,
    needs=WRITES,
    errors=("customer_not_found 404", "stale_version 409", "storage_busy 503"),
)
def remove_customer(request: Request, customer_id: str, query: Removal) -> None:
    """Delete softly: neither shown nor found any more; what was booked stays, and they can be restored."""
    from chalicelib.crm.editing.edit import delete, id_of

    delete(request.unit, id_of(request.company_id, customer_id), query.version, now)


@function.route(
    "POST",
    f"{ONE}/restore",
    also=(f"{LEAD}/restore",),
    ability="customers:write",
    needs=WRITES,
    errors=("customer_not_found 404", "too_many_share 409", "storage_busy 503"),
)
def restore_customer(request: Request, customer_id: str) -> PersonAnswer:
    """Bring back somebody who was deleted, with the contact points they had."""
    from chalicelib.crm.editing.edit import id_of, restore

    return show(restore(lambda: request.unit(show), id_of(request.company_id, customer_id), now))


def _change(request: Request, customer_id: str, given: dict[str, Any], version: int | None) -> PersonAnswer:
    from chalicelib.crm.editing.changes import changed
    from chalicelib.crm.editing.edit import change, id_of

    country = _country(request, given)
    person_id = id_of(request.company_id, customer_id)
    make = lambda person, at: changed(person, given, country, at)  # noqa: E731
    return show(change(lambda: request.unit(show), person_id, version, make, now))


def _kind(request: Request) -> Kind:
    return "lead" if request.path.startswith("/api/leads") else "customer"


def _country(request: Request, given: dict[str, Any]) -> str | None:
    """In which country national numbers are read: that of all branches. No request where every number has a plus."""
    from chalicelib.booking.allocation.country import company_country
    from chalicelib.crm.contact_points.contact import is_national

    points = given.get("contact_points") or ()
    national = any(point.kind == "phone" and is_national(point.value) for point in points)
    return company_country(request.company_id) if national else None
