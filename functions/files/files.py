"""Files of a practice: uploaded and had by signed links, found by whom they belong to."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Aware, Body, Id, Query, Version
from chalicelib.core.requests import Request
from chalicelib.files import store
from chalicelib.files.kinds import Kind
from functions.files.answers import (
    DownloadAnswer,
    FileAnswer,
    FileUploadAnswer,
    StorageAnswer,
    show_file,
    show_upload,
)

function = Function(__name__)
REFERENCES = ("crm", "booking")
READS, WRITES = Needs(reads=("files",)), Needs(writes=("files",))
NOT_FOUND, FULL, STALE = "file_not_found 404", "storage_full 409", "stale_version 409"
BUSY = "storage_busy 503"
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
Tags = Annotated[tuple[Tag, ...], msgspec.Meta(max_length=20)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
ContentType = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Size = Annotated[int, msgspec.Meta(ge=1, le=10**12)]


class FilesQuery(PageQuery):
    """The newest first, of one customer, one appointment, one request, or all. `since` ≤ made < `until`.

    `deleted=true`: those that were deleted and can be brought back. A page may hold fewer than there are: go on with
    `next_cursor`.
    """

    customer_id: Id | None = None
    appointment_id: Id | None = None
    request_id: Id | None = None
    kind: Kind | None = None
    tag: Tag | None = None
    since: Aware | None = None
    until: Aware | None = None
    deleted: bool = False


class UploadBody(Body):
    """A file to upload: its name, its type and its exact size in bytes."""

    name: Name
    content_type: ContentType
    size: Size


class NewFileBody(UploadBody):
    """With whom it belongs to; of an appointment it is also its customer's."""

    customer_id: Id | None = None
    appointment_id: Id | None = None
    tags: Tags = ()


class FileChangeBody(Body):
    """What is left out stays; null takes a customer or an appointment away. `version`: as it was read, to be sure."""

    name: Name | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    customer_id: Id | UnsetType | None = UNSET
    appointment_id: Id | UnsetType | None = UNSET
    version: Version | None = None


class DownloadQuery(Query):
    """`variant`: `original`, or one that the file lists; left out: the largest copy that tells nothing but its content.

    `version`: an earlier one's number.
    """

    variant: Annotated[str, msgspec.Meta(max_length=40)] = ""
    version: Version | None = None


@function.route("GET", "/api/files", ability="files:read", needs=READS)
def list_files(request: Request, query: FilesQuery) -> Page[FileAnswer]:
    """Files, the newest first."""
    fields = {name: getattr(query, name) for name in query.__struct_fields__ if name not in ("limit", "cursor")}
    which = store.FileFilter(company_id=request.company_id, **fields)
    return store.page_files(which, query.limit, query.cursor).map(show_file)


@function.route(
    "POST",
    "/api/files",
    ability="files:write",
    status=201,
    idempotent=False,
    needs=Needs(reads=REFERENCES, writes=("files",), uploads=("incoming",)),
    errors=(FULL,),
    example={"name": "rash.jpg", "content_type": "image/jpeg", "size": 183_204, "tags": ["left arm"]},
)
def announce_file(request: Request, body: NewFileBody) -> FileUploadAnswer:
    """Be told where to put a file: PUT it there, then say that it is complete."""
    from chalicelib.files.announce import Belongs, NewUpload, announce
    from chalicelib.files.manage import clean_tags
    from functions.files.references import check

    customer_id, appointment_id = check(request.company_id, body.customer_id, body.appointment_id)
    belongs = Belongs(customer_id=customer_id, appointment_id=appointment_id, tags=clean_tags(body.tags))
    new = NewUpload(body.name, body.content_type, body.size)
    return show_upload(announce(request.unit, new, belongs, now))


@function.route("GET", "/api/files/{file_id}", ability="files:read", needs=READS, errors=(NOT_FOUND,))
def show_one_file(request: Request, file_id: str) -> FileAnswer:
    """A file with its versions, also a deleted one that can be brought back."""
    return show_file(store.get_file(request.company_id, file_id, deleted=True))


@function.route(
    "PATCH",
    "/api/files/{file_id}",
    ability="files:write",
    needs=Needs(reads=REFERENCES, writes=("files",)),
    errors=(NOT_FOUND, STALE, BUSY),
    example={"name": "left arm.jpg", "tags": ["left arm", "2026"]},
)
def change_file(request: Request, file_id: str, body: FileChangeBody) -> FileAnswer:
    """Change a file's name or tags, or whom it belongs to."""
    from chalicelib.files.manage import FileChange, change
    from functions.files.references import check

    fields = {name: getattr(body, name) for name in body.__struct_fields__}
    given = [fields[name] or None for name in ("customer_id", "appointment_id")]
    customer_id, _ = check(request.company_id, *given)
    if fields["appointment_id"] and not fields["customer_id"]:
        fields["customer_id"] = customer_id
    return show_file(change(request.unit, request.company_id, file_id, FileChange(**fields), now))


@function.route(
    "DELETE", "/api/files/{file_id}", ability="files:write", status=204, needs=WRITES, errors=(NOT_FOUND, BUSY)
)
def delete_file(request: Request, file_id: str) -> None:
    """Delete a file; for thirty days it can be brought back."""
    from chalicelib.files.manage import remove

    remove(request.unit, request.company_id, file_id, now)


@function.route("POST", "/api/files/{file_id}/restore", ability="files:write", needs=WRITES, errors=(NOT_FOUND, BUSY))
def restore_file(request: Request, file_id: str) -> FileAnswer:
    """Bring a deleted file back."""
    from chalicelib.files.manage import restore

    return show_file(restore(lambda: request.unit(show_file), request.company_id, file_id, now))


@function.route(
    "POST",
    "/api/files/{file_id}/versions",
    ability="files:write",
    status=201,
    idempotent=False,
    needs=Needs(writes=("files",), uploads=("incoming",)),
    errors=(NOT_FOUND, FULL, "too_many_versions 409", BUSY),
    example={"name": "plan.pdf", "content_type": "application/pdf", "size": 40_312},
)
def announce_file_version(request: Request, file_id: str, body: UploadBody) -> FileUploadAnswer:
    """Be told where to put the next version; until it is taken, the one before is what is had."""
    from chalicelib.files.announce import NewUpload, announce_version

    new = NewUpload(body.name, body.content_type, body.size)
    return show_upload(announce_version(request.unit, request.company_id, file_id, new, now))


@function.route(
    "POST",
    "/api/files/{file_id}/complete",
    ability="files:write",
    needs=Needs(writes=("files",), downloads=("incoming",)),
    errors=(NOT_FOUND, "not_uploaded 409"),
)
def complete_file(request: Request, file_id: str) -> FileAnswer:
    """Say that the bytes are there; they are looked at, and `state` says what came of it."""
    from chalicelib.files.complete import complete

    return show_file(complete(lambda: request.unit(show_file), request.company_id, file_id, now))


@function.route(
    "GET",
    "/api/files/{file_id}/download",
    ability="files:read",
    needs=Needs(reads=("files",), downloads=("files",)),
    errors=(
        NOT_FOUND, "file_not_ready 409", "file_refused 409", "version_not_found 404", "variant_not_found 404",
    ),
)  # fmt: skip
def download_file(request: Request, file_id: str, query: DownloadQuery) -> DownloadAnswer:
    """A link to the file. Of an image it is a copy without metadata, unless `variant=original` is asked for."""
    from chalicelib.files.download import link
    from chalicelib.files.object_store import DOWNLOAD_FOR

    found = link(store.get_file(request.company_id, file_id), query.variant, query.version)
    expires_at: datetime = request.clock() + DOWNLOAD_FOR
    return DownloadAnswer(**found._asdict(), expires_at=expires_at)


@function.route("GET", "/api/file-storage", ability="files:read", needs=READS)
def show_file_storage(request: Request) -> StorageAnswer:
    """How much the practice stores, and how much it may."""
    found = store.storage(request.company_id)
    return StorageAnswer(used=found.used, cap=found.cap)
