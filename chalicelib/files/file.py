"""A file: what is kept of it, in which versions, and whether it may be given out."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from chalicelib.files.kinds import Kind

Source = Literal["staff", "request", "chat", "system"]
"""Who it comes from: staff by the API, someone asked by link, a chat's side, the system itself."""
Processing = Literal["none", "waiting", "done", "left"]
"""Of the smaller copies: none for this kind, to be made, made, or left out for a reason."""
State = Literal["waiting", "checking", "processing", "ready", "refused"]
MOST_VERSIONS = 20
MOST_TAGS = 20
KEPT_DELETED = timedelta(days=30)
"""How long a deleted file can be brought back."""
UNSENT_FOR = timedelta(days=1)
"""How long a file of a chat may wait for its message."""


class Variant(msgspec.Struct, frozen=True):
    """A copy made of a version: `full.webp`, `small.avif`, `poster.jpg`, …; `size` in bytes, width and height in px."""

    name: str
    content_type: str
    size: int
    width: int
    height: int


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """One version's bytes, which never change. `place`: the part of the key that is its own; `size` in bytes.

    `reason`: why there are no smaller copies, where processing was `left`.
    """

    number: int
    place: str
    kind: Kind
    content_type: str
    size: int
    sha256: str
    created_at: datetime
    processing: Processing = "none"
    reason: str = ""
    width: int | None = None
    height: int | None = None
    variants: tuple[Variant, ...] = ()

    @property
    def stored_bytes(self) -> int:
        """What it and its copies take."""
        return self.size + sum(variant.size for variant in self.variants)

    @property
    def awaits_copies(self) -> bool:
        """Whether it may not be given out yet: an image's own bytes say where it was taken."""
        return self.kind == "image" and self.processing == "waiting"


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A version that is on its way. `size`: bytes announced, or the most that a form takes; they are reserved.

    `kinds` empty: whatever is accepted at all. `candidate`: the place of the copy that is being looked at.
    """

    id: str
    number: int
    content_type: str
    size: int
    exact: bool
    expires_at: datetime
    kinds: tuple[Kind, ...] = ()
    candidate: str = ""
    checks: int = 0


class File(msgspec.Struct, frozen=True, kw_only=True):
    """`contents`: its versions, the newest last. `refusal`: why the last upload was not taken, if it was not."""

    id: str
    company_id: str
    name: str
    source: Source
    created_by: str
    customer_id: str | None = None
    appointment_id: str | None = None
    request_id: str | None = None
    tags: tuple[str, ...] = ()
    contents: tuple[Content, ...] = ()
    upload: Upload | None = None
    refusal: str = ""
    deleted_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @property
    def state(self) -> State:
        """How far it is. What has a version that may be given out is ready, also while another is on its way."""
        if self.current:
            return "ready"
        if self.contents:
            return "processing"
        if self.upload:
            return "checking" if self.upload.candidate else "waiting"
        return "refused"

    @property
    def current(self) -> Content | None:
        """The newest version that may be given out."""
        return next((each for each in reversed(self.contents) if not each.awaits_copies), None)

    @property
    def kind(self) -> Kind | None:
        """What it is by its content; None as long as nobody has looked."""
        return self.contents[-1].kind if self.contents else None

    @property
    def reserved_bytes(self) -> int:
        """What it counts for in the company's storage."""
        return sum(each.stored_bytes for each in self.contents) + (self.upload.size if self.upload else 0)

    def changed(self, at: datetime, **fields: object) -> "File":
        """The next version of the record."""
        return msgspec.structs.replace(self, **fields, updated_at=at, version=self.version + 1)
