"""Customers who cannot book."""

from datetime import datetime
from typing import Annotated

import msgspec

from chalicelib.booking.rules import limit_store
from chalicelib.booking.rules.blocklist import Block
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Answer, Body, Text
from chalicelib.core.requests import Request

function = Function(__name__)


class NewBlock(Body):
    """Whom, by at least one of these; what the customer's record says besides is blocked along."""

    customer_id: Text | None = None
    phone: Text | None = None
    email: Text | None = None
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class BlockAnswer(Answer):
    """Who cannot book, and why; `by` is an actor (`user:usr_…`)."""

    id: str
    customer_id: str | None
    phone: str | None
    email: str | None
    reason: str
    by: str
    created_at: datetime


@function.route("GET", "/api/blocklist", ability="practice:read", needs=Needs(reads=("booking",)))
def list_blocks(request: Request, query: PageQuery) -> Page[BlockAnswer]:
    """Everyone who is blocked, in the order in which they were."""
    return limit_store.page_blocks(request.company_id, query.limit, query.cursor).map(_show)


@function.route(
    "PUT",
    "/api/blocklist",
    ability="practice:write",
    needs=Needs(writes=("booking",), reads=("crm",)),
    errors=("customer_not_found 404", "blocked_in_part 409"),
    example={"phone": "+493055512345", "reason": "Did not come three times"},
)
def block_customer(request: Request, body: NewBlock) -> BlockAnswer:
    """Block someone; whoever is blocked already stays so. Bookings that stand are not touched."""
    from chalicelib.booking.allocation.country import contact_at
    from chalicelib.booking.rules.block_customer import block
    from chalicelib.crm.contact_points.contact import RawContact

    contact = contact_at(request.company_id, None, RawContact(phone=body.phone, email=body.email), "body")
    return _show(block(request.unit, request.company_id, body.customer_id, contact, body.reason))


@function.route(
    "DELETE",
    "/api/blocklist/{block_id}",
    ability="practice:write",
    status=204,
    needs=Needs(writes=("booking",)),
    errors=("block_not_found 404",),
)
def unblock_customer(request: Request, block_id: str) -> None:
    """Let them book again."""
    from chalicelib.booking.rules.block_customer import unblock

    unblock(request.unit, request.company_id, block_id)


def _show(block: Block) -> BlockAnswer:
    return BlockAnswer(**{name: getattr(block, name) for name in BlockAnswer.__struct_fields__})
