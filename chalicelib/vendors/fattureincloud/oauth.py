"""Fatture in Cloud's OAuth 2: where a person allows us in, and the tokens that come of it.

From developers.fattureincloud.it (authentication, code flow) and the SDK's `oauth2` helper: a code holds for 60 seconds
and once, an access token for 24 hours, a refresh token for a year. Whether the latter changes with each use is not
documented, so the one that comes back is kept.
"""

from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from chalicelib.core.errors import VendorRefused
from chalicelib.core.secrets import secret
from chalicelib.core.settings import settings
from chalicelib.vendors.fattureincloud.client import VENDOR
from chalicelib.vendors.http import VendorSession

SCOPES = ("entity.clients:r", "entity.suppliers:r", "issued_documents.invoices:a", "issued_documents.quotes:a")
"""Read all that is synchronised, and issue documents."""
GRANT_REFUSED = "fic_grant_refused"
CLIENT_REFUSED = "fic_client_refused"
DAY_SECONDS = 86_400
_ABOUT_THE_GRANT = {"fic_invalid", "fic_credentials"}
_ABOUT_US = {"invalid_client", "unauthorized_client"}


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """What FIC gives for a code or a refresh token; `expires_in` in seconds."""

    access_token: str
    refresh_token: str | None = None
    expires_in: int = DAY_SECONDS

    def __repr__(self) -> str:
        return "Granted(***)"


def authorize_url(redirect_uri: str, state: str, scopes: Sequence[str] = SCOPES) -> str:
    """Where to send the person who is to allow us in."""
    query = {
        "response_type": "code",
        "client_id": secret("fic_client_id"),
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": state,
    }
    return f"{settings().fic_oauth_url.rstrip('/')}/authorize?{urlencode(query)}"


def exchange(code: str, redirect_uri: str) -> Granted:
    """Tokens for a code; `redirect_uri` as it was in `authorize_url`, letter by letter. Raises like `renew`."""
    return _token({"grant_type": "authorization_code", "redirect_uri": redirect_uri, "code": code})


def renew(refresh_token: str) -> Granted:
    """The next tokens.

    Raises VendorRefused `fic_grant_refused` when FIC does not take what we have, `fic_client_refused` when it does not
    take us, and otherwise like `VendorSession`; after OutcomeUnknown FIC may have replaced the refresh token.
    """
    return _token({"grant_type": "refresh_token", "refresh_token": refresh_token})


def _token(grant: dict[str, str]) -> Granted:
    client = {"client_id": secret("fic_client_id"), "client_secret": secret("fic_client_secret")}
    session = VendorSession(VENDOR, settings().fic_oauth_url, None)
    try:
        return session.call("POST", "/token", Granted, body={**grant, **client})
    except VendorRefused as error:
        raise _refusal(error) from error
    finally:
        session.close()


def _refusal(error: VendorRefused) -> VendorRefused:
    """Told apart by OAuth's own word, since servers differ in the status: a wrong secret of ours is no refused grant.

    The vendor's words go no further: they may quote what we sent.
    """
    if error.code in _ABOUT_THE_GRANT and error.extra.get("vendor_message") not in _ABOUT_US:
        return VendorRefused(GRANT_REFUSED, "Fatture in Cloud does not accept this; connect the account again.")
    return VendorRefused(CLIENT_REFUSED, "Fatture in Cloud does not accept fic_client_id and fic_client_secret.")
