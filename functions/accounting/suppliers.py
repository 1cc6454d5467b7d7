"""Suppliers at Fatture in Cloud."""

from chalicelib.accounting import list_records
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page
from chalicelib.core.requests import Request
from functions.accounting.answers import EntityAnswer, EntityQuery, WholeEntity, show_entity, show_whole_entity

function = Function(__name__)


@function.route("GET", "/api/fic/suppliers", ability="accounting:read", needs=Needs(reads=("records", "accounting")))
def list_fic_suppliers(request: Request, query: EntityQuery) -> Page[EntityAnswer]:
    """Suppliers by name. A page may hold fewer than `limit` while `next_cursor` leads on."""
    return list_records.list_records(request.company_id, "suppliers", query).map(show_entity)


@function.route(
    "GET",
    "/api/fic/suppliers/{supplier_id}",
    ability="accounting:read",
    needs=Needs(reads=("records", "accounting")),
    errors=("fic_supplier_not_found 404",),
)
def show_fic_supplier(request: Request, supplier_id: str) -> WholeEntity:
    """One supplier, by our id or FIC's."""
    return show_whole_entity(list_records.get_record(request.company_id, "suppliers", supplier_id))
