"""Signing in and out, and who one is."""

from datetime import datetime
from typing import Annotated

import msgspec

from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request
from chalicelib.identity import members, password_login
from functions.identity.answers import Email, UserAnswer, show_user

function = Function(__name__)


class LoginBody(Body):
    """E-mail and password."""

    email: Email
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class LoginAnswer(Answer):
    """`token` goes into the header `Authorization: Bearer …`; it is shown this once."""

    token: str
    token_id: str
    expires_at: datetime
    user: UserAnswer


class CompanyAnswer(Answer):
    """The company one belongs to."""

    id: str
    name: str
    language: str
    country: str


class MeAnswer(UserAnswer):
    """The user, the company, and what the token in use allows."""

    company: CompanyAnswer
    token_id: str
    abilities: list[str]


@function.route(
    "POST",
    "/auth/login",
    ability=PUBLIC,
    needs=Needs(writes=("identity", "directory")),
    idempotent=False,
    errors=("wrong_credentials 401", "too_many_attempts 429"),
    example={"email": "admin@example.com", "password": "correct horse battery"},
)
def log_in(request: Request, body: LoginBody) -> LoginAnswer:
    """A token for 30 days. Failed attempts on an account or from an address make the next ones wait."""
    done = password_login.sign_in(body.email, body.password, request.address, request.clock)
    token = done.issued.token
    return LoginAnswer(
        token=done.issued.secret, token_id=token.id, expires_at=token.expires_at, user=show_user(done.user)
    )


@function.route(
    "POST", "/auth/logout", ability="account:write", needs=Needs(writes=("identity", "directory")), status=204
)
def log_out(request: Request) -> None:
    """Revoke the token of this request."""
    password_login.sign_out(request.unit())


@function.route(
    "GET", "/auth/me", ability="account:read", needs=Needs(reads=("identity",)), errors=("user_not_found 404",)
)
def show_me(request: Request) -> MeAnswer:
    """Who this token speaks for, and what it allows."""
    user, company = members.who_is(request.company_id, request.actor.id)
    return MeAnswer(
        **msgspec.structs.asdict(show_user(user)),
        company=CompanyAnswer(id=company.id, name=company.name, language=company.language, country=company.country),
        token_id=request.actor.token_id,
        abilities=sorted(request.actor.abilities),
    )
