"""Shares of a file: links for people without a token."""

from typing import Annotated

import msgspec

from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Aware, Body
from chalicelib.core.requests import Request
from chalicelib.files import share_store, store
from functions.files.answers import NewShareAnswer, ShareAnswer, share_fields

function = Function(__name__)
SHARES = "/api/files/{file_id}/shares"


class ShareBody(Body):
    """Until when (at most 90 days), with which password, how often. `label` is for whoever looks at the list."""

    expires_at: Aware
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    most_uses: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    label: Annotated[str, msgspec.Meta(max_length=100)] = ""


@function.route(
    "GET", SHARES, ability="files:read", needs=Needs(reads=("files",)), errors=("file_not_found 404",)
)  # fmt: skip
def list_file_shares(request: Request, file_id: str) -> list[ShareAnswer]:
    """All shares of a file, the oldest first."""
    store.get_file(request.company_id, file_id)
    at = request.clock()
    return [ShareAnswer(**share_fields(each, at)) for each in share_store.shares(request.company_id, file_id)]  # type: ignore[arg-type]


@function.route(
    "POST",
    SHARES,
    ability="files:write",
    status=201,
    # Its answer holds the link, which is kept nowhere.
    idempotent=False,
    needs=Needs(writes=("files", "directory"), downloads=("files",)),
    errors=("file_not_found 404", "too_many_shares 409", "file_not_ready 409", "file_refused 409"),
    example={"expires_at": "2031-05-01T12:00:00Z", "password": "correct horse", "most_uses": 3, "label": "for the GP"},
)
def share_one_file(request: Request, file_id: str, body: ShareBody) -> NewShareAnswer:
    """Make a link by which whoever has it gets the file; of an image and a video, a copy without metadata."""
    from chalicelib.files.share_file import NewShare, share

    new = NewShare(
        expires_at=body.expires_at, password=body.password, most_uses=body.most_uses, label=body.label
    )  # fmt: skip
    made = share(request.unit, request.company_id, file_id, new, now)
    return NewShareAnswer(**share_fields(made.share, request.clock()), url=made.url)  # type: ignore[arg-type]


@function.route(
    "DELETE",
    f"{SHARES}/{{share_id}}",
    ability="files:write",
    status=204,
    needs=Needs(writes=("files", "directory")),
    errors=("share_not_found 404",),
)
def revoke_file_share(request: Request, file_id: str, share_id: str) -> None:
    """Take a share back."""
    from chalicelib.files.share_file import revoke

    revoke(request.unit, request.company_id, file_id, share_id)
