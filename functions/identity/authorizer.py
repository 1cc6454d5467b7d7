"""The authorizer in front of every route that wants a token."""

from chalice.app import AuthRequest, AuthResponse

from chalicelib.core.function import Function
from chalicelib.core.needs import Needs

TTL_SECONDS = 60
"""API Gateway keeps an answer so long: revoking a token takes up to a minute to be felt everywhere."""

function = Function(__name__)


@function.guard(needs=Needs(reads=("directory",), updates=("directory",)), ttl_seconds=TTL_SECONDS)
def bearer(request: AuthRequest) -> AuthResponse:
    """Let through who shows a good bearer token; which abilities a route wants is checked behind this."""
    # Imported here: locally, app.py imports this module only to stand it in front of the routes.
    from chalicelib.core.clock import now
    from chalicelib.core.errors import Unauthenticated
    from chalicelib.core.requests import token_in
    from chalicelib.identity.authentication import authenticate

    try:
        principal = authenticate(token_in(request.token), now)
    except Unauthenticated:
        # API Gateway answers 401 to exactly this message, and 500 to any other.
        raise Exception("Unauthorized") from None  # noqa: TRY002
    # A policy for one route would be kept for the token, and then refuse it every other route.
    return AuthResponse(routes=["*"], principal_id=principal.user_id, context=principal.context())
