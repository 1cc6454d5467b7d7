"""Setting another password when the old one is forgotten."""

from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Body
from chalicelib.core.requests import Request
from chalicelib.identity import reset_password
from functions.identity.answers import Email, NewPassword, Secret

function = Function(__name__)


class ResetBody(Body):
    """Whose password is forgotten."""

    email: Email


class ConfirmBody(Body):
    """`token` from the mailed link."""

    token: Secret
    password: NewPassword


@function.route(
    "POST",
    "/auth/password-reset",
    ability=PUBLIC,
    needs=Needs(reads=("identity", "directory"), writes=("guards",)),
    status=202,
    # A kept key would lie in the company of the account, and so tell whether there is one.
    idempotent=False,
    example={"email": "admin@example.com"},
)
def request_password_reset(request: Request, body: ResetBody) -> None:
    """Mail the user a link, if there is one; the answer is always the same."""
    reset_password.request_reset(body.email, request.address, request.clock)


@function.route(
    "POST",
    "/auth/password-reset/confirm",
    ability=PUBLIC,
    needs=Needs(writes=("identity", "directory")),
    status=204,
    errors=("unknown_link 404", "link_used 409"),
    example={"token": "pl_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "password": "correct horse battery"},
)
def confirm_password_reset(request: Request, body: ConfirmBody) -> None:
    """Set the password by the mailed link; all the user's tokens are revoked."""
    reset_password.confirm_reset(
        lambda company_id: request.unit(company_id=company_id), body.token, body.password, request.clock
    )
