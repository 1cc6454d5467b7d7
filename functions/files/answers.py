"""What clients see of files."""

from datetime import datetime

from chalicelib.core.payloads import Answer
from chalicelib.files.announce import Announced
from chalicelib.files.file import Content, File
from chalicelib.files.file_request import FileRequest
from chalicelib.files.pair import Pair
from chalicelib.files.share import Share


class VariantAnswer(Answer):
    """A copy: ask for it with `variant=<name>`; `size` in bytes, width and height in px."""

    name: str
    content_type: str
    size: int
    width: int
    height: int


class VersionAnswer(Answer):
    """`processing` of its copies: none, waiting, done, left (as it is, for `reason`). `sha256` in hex."""

    number: int
    kind: str
    content_type: str
    size: int
    sha256: str
    width: int | None
    height: int | None
    processing: str
    reason: str
    variants: list[VariantAnswer]
    created_at: datetime


class FileAnswer(Answer):
    """`state`: waiting (for its bytes), checking, processing, ready, refused (for `refusal`).

    `size` in bytes, `content_type` and `kind` are of the newest version, null until it has been looked at.
    `uploading`: a version is on its way.
    """

    id: str
    name: str
    state: str
    kind: str | None
    content_type: str | None
    size: int | None
    customer_id: str | None
    appointment_id: str | None
    request_id: str | None
    source: str
    tags: list[str]
    refusal: str
    uploading: bool
    versions: list[VersionAnswer]
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class FileUploadAnswer(Answer):
    """PUT exactly the announced bytes to `url` with these headers before `expires_at`, then POST …/{id}/complete."""

    id: str
    method: str
    url: str
    headers: dict[str, str]
    expires_at: datetime
    file: FileAnswer


class DownloadAnswer(Answer):
    """GET `url` until `expires_at`; it is saved under `name`. `size` in bytes."""

    url: str
    name: str
    content_type: str
    size: int
    expires_at: datetime


class ShareAnswer(Answer):
    """`uses` of at most `most_uses` (null: any number). `open`: whether its link still leads to the file."""

    id: str
    file_id: str
    label: str
    has_password: bool
    most_uses: int | None
    uses: int
    open: bool
    expires_at: datetime
    created_at: datetime


class NewShareAnswer(ShareAnswer):
    """With its link, which is shown this once."""

    url: str


class FileRequestAnswer(Answer):
    """`status`: open, complete, expired, cancelled. `reminded`: how many of `remind_at` have passed."""

    id: str
    customer_id: str
    appointment_id: str | None
    title: str
    message: str
    kinds: list[str]
    most_files: int
    expires_at: datetime
    remind_at: list[datetime]
    reminded: int
    status: str
    created_at: datetime
    version: int


class NewFileRequestAnswer(FileRequestAnswer):
    """With a link to its page, which is shown this once."""

    url: str


class PairAnswer(Answer):
    """Two images of a customer, before and after a treatment (`service_id`)."""

    id: str
    customer_id: str
    before_id: str
    after_id: str
    service_id: str | None
    note: str
    created_at: datetime


class StorageAnswer(Answer):
    """Bytes stored, what is announced included, and the most that may be."""

    used: int
    cap: int


def show_file(file: File) -> FileAnswer:
    """The file as clients see it."""
    newest = file.contents[-1] if file.contents else None
    same = ("id", "name", "customer_id", "appointment_id", "request_id", "source", "refusal", "deleted_at")
    return FileAnswer(
        **{name: getattr(file, name) for name in (*same, "state", "kind", "created_at", "updated_at", "version")},
        content_type=newest.content_type if newest else None,
        size=newest.size if newest else None,
        tags=list(file.tags),
        uploading=file.upload is not None,
        versions=[_version(each) for each in file.contents],
    )


def _version(content: Content) -> VersionAnswer:
    fields = {name: getattr(content, name) for name in VersionAnswer.__struct_fields__ if name != "variants"}
    variants = [
        VariantAnswer(**{name: getattr(each, name) for name in VariantAnswer.__struct_fields__})
        for each in content.variants
    ]
    return VersionAnswer(**fields, variants=variants)


def show_upload(announced: Announced) -> FileUploadAnswer:
    """Where to put it."""
    return FileUploadAnswer(
        id=announced.file.id,
        method="PUT",
        url=announced.url,
        headers=announced.headers,
        expires_at=announced.expires_at,
        file=show_file(announced.file),
    )


def share_fields(share: Share, at: datetime) -> dict[str, object]:
    """What both answers about shares show."""
    same = ("id", "file_id", "label", "most_uses", "uses", "expires_at", "created_at")
    return {name: getattr(share, name) for name in same} | {
        "has_password": share.password_hash is not None,
        "open": share.is_open(at),
    }


def request_fields(request: FileRequest) -> dict[str, object]:
    """What both answers about requests show."""
    return {name: getattr(request, name) for name in FileRequestAnswer.__struct_fields__} | {
        "kinds": list(request.kinds),
        "remind_at": list(request.remind_at),
    }


def show_pair(pair: Pair) -> PairAnswer:
    """The pair as clients see it."""
    return PairAnswer(**{name: getattr(pair, name) for name in PairAnswer.__struct_fields__})
