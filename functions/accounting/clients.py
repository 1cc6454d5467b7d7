"""Clients at Fatture in Cloud, and which of our customers each one is."""

from typing import Annotated

import msgspec

from chalicelib.accounting import list_records
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request
from functions.accounting.answers import ClientAnswer, ClientQuery, WholeEntity, show_client, show_whole_entity

function = Function(__name__)
NOT_FOUND = "fic_client_not_found 404"


class Link(Body):
    """Which customer the client is; null: none, and let nobody guess again."""

    customer_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None


class SuggestionAnswer(Answer):
    """A customer who might be this client, and what they share: vat_number, tax_code, email, phone, name."""

    customer_id: str
    name: str
    because: tuple[str, ...]


class SuggestionsAnswer(Answer):
    """Who most likely first; at most ten."""

    data: list[SuggestionAnswer]


@function.route("GET", "/api/fic/clients", ability="accounting:read", needs=Needs(reads=("records", "accounting")))
def list_fic_clients(request: Request, query: ClientQuery) -> Page[ClientAnswer]:
    """Clients by name. A page may hold fewer than `limit` while `next_cursor` leads on."""
    return list_records.list_records(request.company_id, "clients", query).map(show_client)


@function.route(
    "GET",
    "/api/fic/clients/{client_id}",
    ability="accounting:read",
    needs=Needs(reads=("records", "accounting")),
    errors=(NOT_FOUND,),
)
def show_fic_client(request: Request, client_id: str) -> WholeEntity:
    """One client, by our id or FIC's."""
    return show_whole_entity(list_records.get_record(request.company_id, "clients", client_id))


@function.route(
    "GET",
    "/api/fic/clients/{client_id}/suggestions",
    ability="accounting:read",
    needs=Needs(reads=("records", "accounting", "syncing", "crm")),
    errors=(NOT_FOUND,),
)
def suggest_customers(request: Request, client_id: str) -> SuggestionsAnswer:
    """Customers who might be this client: who share a tax number, an address or the name with it."""
    from chalicelib.accounting.link_customer import suggestions

    found = suggestions(list_records.get_record(request.company_id, "clients", client_id).record)
    data = [SuggestionAnswer(customer_id=s.customer.id, name=s.customer.name, because=s.because) for s in found]
    return SuggestionsAnswer(data=data)


@function.route(
    "PUT",
    "/api/fic/clients/{client_id}/customer",
    ability="accounting:write",
    needs=Needs(reads=("accounting", "crm"), writes=("records",)),
    errors=(NOT_FOUND, "customer_not_found 404"),
    example={"customer_id": "cus_00D1ZMFH9MM3HK4Z12GC"},
)
def link_fic_client(request: Request, client_id: str, body: Link) -> ClientAnswer:
    """Say which customer the client is, or (null) that it is none. Stays so, whatever is found out later."""
    from chalicelib.accounting.link_customer import link_by_hand

    client = list_records.get_record(request.company_id, "clients", client_id).record
    return show_client(link_by_hand(request.unit, client, body.customer_id))
