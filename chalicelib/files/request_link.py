"""The link to a request for files: each mail has one of its own, and of its secret only the digest is kept."""

import secrets

from chalicelib.core import directory
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.directory import digest_of
from chalicelib.core.errors import NotFound
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from chalicelib.files import request_store
from chalicelib.files.file_request import REQUEST, FileRequest


def new_link(unit: Unit, request: FileRequest) -> str:
    """Stage a link and return it."""
    secret = secrets.token_urlsafe(24)
    request_store.claim_link(unit, request, digest_of(secret))
    return page_url(secret)


def page_url(secret: str) -> str:
    """Where the page of that secret is."""
    return f"{settings().public_url.rstrip('/')}/public/file-requests/{secret}"


def find(secret: str, clock: Clock) -> FileRequest:
    """The request that a link's secret leads to, open or not; two requests. Raises NotFound."""
    entry = directory.find(REQUEST, digest_of(secret))
    found = None
    if entry is not None and (entry.expires_at or 0) > epoch(clock()):
        found = request_store.find_request(entry.company_id, entry.record)
    if found is None or found.status == "cancelled":
        raise NotFound("file_request_not_found", "This link leads nowhere, or no longer: ask whoever sent it.")
    return found
