"""One's own tokens."""

from typing import Annotated

import msgspec

from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page
from chalicelib.core.payloads import Body
from chalicelib.core.requests import Request
from chalicelib.identity import tokens
from chalicelib.identity.token import API_LIFETIME_DAYS, LONGEST_API_LIFETIME_DAYS
from functions.identity.answers import Name, TokenAnswer, show_token

function = Function(__name__)
Ability = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class TokenBody(Body):
    """`abilities`: some of those that the user's role and the token in use have."""

    name: Name
    abilities: Annotated[list[Ability], msgspec.Meta(min_length=1, max_length=50)]
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_API_LIFETIME_DAYS)] = API_LIFETIME_DAYS


class NewTokenAnswer(TokenAnswer):
    """`token` is shown this once."""

    token: str


@function.route("GET", "/auth/tokens", ability="account:read", needs=Needs(reads=("identity", "directory")))
def list_tokens(request: Request) -> Page[TokenAnswer]:
    """One's tokens that have neither expired nor been revoked, the oldest first; never more than one page."""
    mine = tokens.list_tokens(request.company_id, request.actor.id, request.clock)
    return Page([show_token(each.token, each.last_used_at) for each in mine], None)


@function.route(
    "POST",
    "/auth/tokens",
    ability="account:write",
    needs=Needs(writes=("identity", "directory")),
    status=201,
    idempotent=False,
    errors=("abilities_not_held 403", "too_many_tokens 409"),
    example={"name": "Reporting", "abilities": ["appointments:read"], "expires_in_days": 90},
)
def create_token(request: Request, body: TokenBody) -> NewTokenAnswer:
    """A token for a program."""
    issued = tokens.create_token(request.unit, body.name, body.abilities, body.expires_in_days, request.clock)
    return NewTokenAnswer(**msgspec.structs.asdict(show_token(issued.token)), token=issued.secret)


@function.route(
    "DELETE",
    "/auth/tokens/{token_id}",
    ability="account:write",
    needs=Needs(writes=("identity", "directory")),
    status=204,
    errors=("token_not_found 404",),
)
def revoke_token(request: Request, token_id: str) -> None:
    """Revoke one of one's tokens; it may open routes for up to a minute more, as long as API Gateway remembers it."""
    tokens.revoke_token(request.unit(), token_id)
