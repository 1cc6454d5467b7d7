"""Announcing an upload: room is reserved, and whoever announced it puts the bytes into the bucket themselves."""

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.files import names, object_store, store
from chalicelib.files.file import MOST_VERSIONS, File, Source, Upload
from chalicelib.files.jobs import TidyFile
from chalicelib.files.kinds import LARGEST, TYPES, Kind, normal

GRACE = timedelta(minutes=10)
"""After its link has expired an upload may still be under way."""
UNKNOWN = "application/octet-stream"


class NewUpload(msgspec.Struct, frozen=True):
    """What is going to be uploaded; `size` in bytes, exactly."""

    name: str
    content_type: str
    size: int


class Belongs(msgspec.Struct, frozen=True, kw_only=True):
    """Whom or what a file belongs to, and how it came."""

    source: Source = "staff"
    customer_id: str | None = None
    appointment_id: str | None = None
    request_id: str | None = None
    tags: tuple[str, ...] = ()


class Announced(NamedTuple):
    """Where to PUT the bytes, with which headers, until when."""

    file: File
    url: str
    headers: dict[str, str]
    expires_at: datetime


def announce(new_unit: UnitFactory, new: NewUpload, belongs: Belongs, clock: Clock) -> Announced:
    """Let a file of exactly this type and size be uploaded; one transaction, no request to the bucket.

    Raises Invalid for a type or size that is not taken, Conflict `storage_full`.
    """
    unit, at = new_unit(), clock()
    content_type = check_accepted(new)
    upload = Upload(
        id=new_id("upl"), number=1, content_type=content_type, size=new.size, exact=True,
        expires_at=at + object_store.UPLOAD_FOR,
    )  # fmt: skip
    file = stage_new(unit, names.clean(new.name), belongs, upload, at)
    unit.commit(file)
    return _announced(file, upload)


def announce_version(new_unit: UnitFactory, company_id: str, file_id: str, new: NewUpload, clock: Clock) -> Announced:
    """Let the file's next version be uploaded; until it is taken, the one before is given out.

    Raises as `announce`, NotFound, Conflict `too_many_versions`.
    """
    content_type = check_accepted(new)

    def attempt() -> Announced:
        file, at = store.get_file(company_id, file_id), clock()
        if len(file.contents) >= MOST_VERSIONS:
            raise Conflict("too_many_versions", f"A file has at most {MOST_VERSIONS} versions; upload a new file.")
        upload = Upload(
            id=new_id("upl"), number=next_number(file), content_type=content_type, size=new.size, exact=True,
            expires_at=at + object_store.UPLOAD_FOR,
        )  # fmt: skip
        changed = file.changed(at, upload=upload, refusal="")
        unit = new_unit()
        store.save_file(unit, changed, file)
        unit.schedule(TidyFile(company_id=company_id, file_id=file_id), upload.expires_at + GRACE, due_key(file_id))
        unit.audit("file.version_announced", file_id, ("upload",), upload=upload.id)
        unit.commit(changed)
        return _announced(changed, upload)

    return until_committed(attempt)


def stage_new(unit: Unit, name: str, belongs: Belongs, upload: Upload, at: datetime) -> File:
    """Stage a file whose first version is on its way, and what sees to it should it never come."""
    file = File(
        id=new_id("fil"), company_id=unit.company_id, name=name, created_by=str(unit.actor), upload=upload,
        created_at=at, updated_at=at, **msgspec.structs.asdict(belongs),
    )  # fmt: skip
    store.add_file(unit, file)
    unit.schedule(TidyFile(company_id=file.company_id, file_id=file.id), upload.expires_at + GRACE, due_key(file.id))
    unit.audit("file.announced", file.id, ("name", "upload"), source=file.source)
    return file


def check_accepted(new: NewUpload) -> str:
    """The type under the name used here; raises Invalid for a type or size that is not taken."""
    content_type = normal(new.content_type)
    found = TYPES.get(content_type)
    if found is None:
        raise invalid("body.content_type", "not_accepted", f"One of {', '.join(TYPES)} is.")
    if not 1 <= new.size <= LARGEST[found.kind]:
        raise invalid("body.size", "too_large", f"From 1 to {LARGEST[found.kind]} bytes are taken of this type.")
    return content_type


def most_bytes(kinds: tuple[Kind, ...]) -> int:
    """The most that one file of these kinds has; of all kinds for none."""
    return max(LARGEST[kind] for kind in kinds or LARGEST)


def next_number(file: File) -> int:
    """The number of the version after all that there were or are on their way."""
    numbers = [each.number for each in file.contents] + ([file.upload.number] if file.upload else [])
    return max(numbers, default=0) + 1


def due_key(file_id: str) -> str:
    """What the next look at a file is scheduled under."""
    return f"file#{file_id}"


def _announced(file: File, upload: Upload) -> Announced:
    key = object_store.incoming_key(file.company_id, file.id, upload.id)
    url, headers = object_store.upload_link(key, upload.content_type, upload.size)
    return Announced(file, url, headers, upload.expires_at)
