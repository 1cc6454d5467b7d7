"""Accounts of Fatture in Cloud: connecting, listing, giving up."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from chalicelib.accounting import account_store
from chalicelib.accounting.account import Account
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page
from chalicelib.core.payloads import Answer, Body, Query
from chalicelib.core.requests import Request

function = Function(__name__)
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Number = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
OPENS = Needs(writes=("accounting", "directory"), secrets=("fic_client_id", "fic_client_secret"), vault=True)


class AccountAnswer(Answer):
    """One company at Fatture in Cloud, `fic_company_id` there. `kind`: how it was connected.

    `status` needs_reconnection: FIC no longer takes our credentials, and nothing new arrives until somebody connects it
    again. `legacy_id` is its number in an older system, understood wherever an account's id is.
    """

    id: str
    legacy_id: int | None
    fic_company_id: int
    name: str
    kind: Literal["oauth", "token"]
    status: Literal["connected", "needs_reconnection", "disconnected"]
    connected_by: str
    connected_at: datetime
    created_at: datetime
    updated_at: datetime
    version: int


class InvitationAnswer(Answer):
    """Where to send the user's browser; what it brings back is taken once, until `expires_at`."""

    authorize_url: str
    expires_at: datetime


class ArrivalQuery(Query, forbid_unknown_fields=False):
    """What OAuth 2 sends back, `code` or `error`; servers may add to it."""

    state: Secret
    code: Secret | None = None
    error: Secret | None = None


class TokenBody(Body):
    """A token made by hand in Fatture in Cloud. `company`: FIC's number, needed where the token opens several."""

    token: Secret
    company: Number | None = None
    legacy_id: Number | None = None


@function.route(
    "GET",
    "/api/fic/accounts/connect",
    ability="accounting:write",
    needs=Needs(writes=("directory",), secrets=("fic_client_id",)),
)
def invite_account(request: Request) -> InvitationAnswer:
    """Begin to connect: send the user to `authorize_url`, from where Fatture in Cloud sends them to the callback."""
    from chalicelib.accounting.accounts import invite

    found = invite(request.unit(), request.actor.id, request.clock)
    return InvitationAnswer(authorize_url=found.url, expires_at=found.expires_at)


@function.route(
    "GET",
    "/api/fic/accounts/callback",
    ability=PUBLIC,
    needs=OPENS,
    errors=(
        "unknown_state 404",
        "fic_access_denied 403",
        "fic_grant_refused 502",
        "fic_company_taken 409",
        "fic_no_company 409",
    ),
)
def take_arrival(request: Request, query: ArrivalQuery) -> Page[AccountAnswer]:
    """Where the browser comes back to: connects every company that the user allowed. The state says whose it is."""
    from chalicelib.accounting.accounts import Arrival, arrive

    arrival = Arrival(state=query.state, code=query.code, error=query.error)
    found = arrive(arrival, lambda company_id: request.unit(company_id=company_id), request.clock)
    return Page([show(account) for account in found], None)


@function.route("GET", "/api/fic/accounts", ability="accounting:read", needs=Needs(reads=("accounting",)))
def list_accounts(request: Request) -> Page[AccountAnswer]:
    """The connected accounts, the oldest first; never more than one page."""
    return Page([show(account) for account in account_store.accounts(request.company_id)], None)


@function.route(
    "POST",
    "/api/fic/accounts",
    ability="accounting:write",
    status=201,
    needs=Needs(writes=("accounting", "directory"), vault=True),
    errors=("fic_company_taken 409", "legacy_id_taken 409", "fic_no_company 409"),
    example={"token": "a/eyJ0eXAiOiJKV1QifQ", "company": 108061},
)
def connect_account(request: Request, body: TokenBody) -> AccountAnswer:
    """Connect with a token made by hand. It is tried at once, kept encrypted, and never shown again."""
    from chalicelib.accounting.accounts import HandMadeToken, connect_with_token

    unit = lambda: request.unit(show)  # noqa: E731
    user_id = request.actor.id
    made = HandMadeToken(token=body.token, user_id=user_id, fic_company_id=body.company, legacy_id=body.legacy_id)
    return show(connect_with_token(unit, made, request.clock))


@function.route(
    "DELETE",
    "/api/fic/accounts/{account_id}",
    ability="accounting:write",
    status=204,
    needs=Needs(writes=("accounting", "directory")),
    errors=("fic_account_not_found 404",),
)
def disconnect_account(request: Request, account_id: str) -> None:
    """Give the account up. Its tokens are destroyed; its records stay, and come back when it is connected again."""
    from chalicelib.accounting.accounts import disconnect

    disconnect(request.unit, account_id, request.clock)


def show(account: Account) -> AccountAnswer:
    """The account as clients see it."""
    return AccountAnswer(**{name: getattr(account, name) for name in AccountAnswer.__struct_fields__})
