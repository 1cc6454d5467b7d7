"""Before and after: pairs of images."""

from typing import Annotated

import msgspec

from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Body, Id
from chalicelib.core.requests import Request
from functions.files.answers import PairAnswer, show_pair

function = Function(__name__)


class PairBody(Body):
    """Two images of one customer; `service_id`: the treatment between them."""

    before_id: Id
    after_id: Id
    service_id: Id | None = None
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


class PairsQuery(PageQuery, kw_only=True):
    """Whose."""

    customer_id: Id


@function.route("GET", "/api/file-pairs", ability="files:read", needs=Needs(reads=("files",)))
def list_file_pairs(request: Request, query: PairsQuery) -> Page[PairAnswer]:
    """A customer's pairs, the newest first."""
    from chalicelib.files.pair_store import page_pairs

    return page_pairs(request.company_id, query.customer_id, query.limit, query.cursor).map(show_pair)


@function.route(
    "POST",
    "/api/file-pairs",
    ability="files:write",
    status=201,
    needs=Needs(writes=("files",)),
    errors=("file_not_found 404", "not_an_image 409", "different_customers 409"),
    example={"before_id": "fil_01", "after_id": "fil_02", "note": "Six weeks"},
)
def pair_files(request: Request, body: PairBody) -> PairAnswer:
    """Set two images side by side."""
    from chalicelib.files.pairs import NewPair, pair

    new = NewPair(**{name: getattr(body, name) for name in body.__struct_fields__})
    return show_pair(pair(lambda: request.unit(show_pair), request.company_id, new, now))


@function.route(
    "DELETE",
    "/api/file-pairs/{pair_id}",
    ability="files:write",
    status=204,
    needs=Needs(writes=("files",)),
    errors=("file_pair_not_found 404",),
)
def unpair_files(request: Request, pair_id: str) -> None:
    """Take a pair apart; the images stay."""
    from chalicelib.files.pairs import unpair

    unpair(request.unit, request.company_id, pair_id)
