"""Inviting users, and joining by invitation."""

from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Body
from chalicelib.core.requests import Request
from chalicelib.identity import invitations
from chalicelib.identity.abilities import Role
from functions.identity.answers import Email, Name, NewPassword, Secret, UserAnswer, show_user

function = Function(__name__)


class InviteBody(Body):
    """Whom to invite, and as what."""

    email: Email
    name: Name
    role: Role


class AcceptBody(Body):
    """`token` from the mailed link; `name` where it should be another than in the invitation."""

    token: Secret
    password: NewPassword
    name: Name | None = None


@function.route(
    "POST",
    "/auth/invite",
    ability="users:write",
    needs=Needs(writes=("identity", "directory")),
    status=201,
    errors=("abilities_not_held 403", "email_taken 409"),
    example={"email": "noor@example.com", "name": "Noor Haddad", "role": "practitioner"},
)
def invite_user(request: Request, body: InviteBody) -> UserAnswer:
    """Mail somebody a link to join the company; who has not joined yet is mailed again."""
    unit = request.unit(show_user)
    return show_user(invitations.invite(unit, body.email, body.name, body.role, request.clock))


@function.route(
    "POST",
    "/auth/accept-invite",
    ability=PUBLIC,
    needs=Needs(reads=("directory",), writes=("identity",)),
    errors=("unknown_link 404", "link_used 409"),
    example={"token": "pl_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "password": "correct horse battery"},
)
def accept_invite(request: Request, body: AcceptBody) -> UserAnswer:
    """Join with a password of one's own; log in with it next."""
    user = invitations.accept_invitation(
        lambda company_id: request.unit(show_user, company_id), body.token, body.password, body.name, request.clock
    )
    return show_user(user)
