"""Files and what companies store, in DynamoDB."""

from datetime import datetime
from typing import Any

import msgspec

from chalicelib.core.clock import stamp
from chalicelib.core.errors import Conflict, NotFound
from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.settings import settings
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit
from chalicelib.files.file import File
from chalicelib.files.kinds import Kind
from chalicelib.files.tables import FileRow

BY_COMPANY = Listing(FileRow, "by_company", "listing", "created_at")
BY_CUSTOMER = Listing(FileRow, "by_customer", "customer", "created_at")
BY_APPOINTMENT = Listing(FileRow, "by_appointment", "appointment", "created_at")
BY_REQUEST = Listing(FileRow, "by_request", "request", "created_at")
MOST_READ = 1000
"""Rows to a page, however few of them a filter leaves."""


class FileFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which files, the newest first; at most one of customer, appointment and request. `until` is not included."""

    company_id: str
    customer_id: str | None = None
    appointment_id: str | None = None
    request_id: str | None = None
    kind: Kind | None = None
    tag: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    deleted: bool = False


class Storage(msgspec.Struct, frozen=True):
    """Bytes that a company stores, those of announced uploads included, and the most that it may."""

    used: int
    cap: int


def file_key(company_id: str, file_id: str) -> Key:
    """The address of a file, for a fetch together with other records."""
    return Key(FileRow, f"{company_id}#{file_id}", "file")


def file_of(row: Any) -> File | None:
    """The file in a fetched row."""
    return row.model(File) if row is not None else None


def attached_to(row: Any) -> str | None:
    """The message that carries the file in a fetched row, if one does."""
    found: str | None = row.attached_to if row is not None else None
    return found


def find_file(company_id: str, file_id: str) -> File | None:
    """One request."""
    return file_of(fetch_one(file_key(company_id, file_id)))


def get_file(company_id: str, file_id: str, *, deleted: bool = False) -> File:
    """One request; raises NotFound, also for another company's, and for one deleted unless that is asked for."""
    found = find_file(company_id, file_id)
    if found is None or (found.deleted_at is not None and not deleted):
        raise NotFound("file_not_found", f"There is no file {file_id}.")
    return found


def add_file(unit: Unit, file: File) -> None:
    """Add it, and count what it reserves; fails with Conflict `storage_full` where there is no room left."""
    row = _row(file)
    unit.add(FileRow(row.pk, row.sk, data=row.data, version=row.version, **_keys(file)))
    reserve(unit, file.reserved_bytes)


def save_file(unit: Unit, file: File, before: File) -> None:
    """Write its next version and count what it takes more or less; the unit ends as Stale when another was faster."""
    row = _row(file)
    changes = [FileRow.data.set(encode(file)), FileRow.version.set(file.version)]
    keys = _keys(file)
    for name in ("listing", "customer", "appointment", "request", "created_at", "kind", "tags"):
        attribute, value = getattr(FileRow, name), keys.get(name)
        changes.append(attribute.remove() if value is None else attribute.set(value))
    unit.update(row, changes, FileRow.version == file.version - 1)
    reserve(unit, file.reserved_bytes - before.reserved_bytes)


def remove_file(unit: Unit, file: File) -> None:
    """Forget it and give back what it takes; the unit ends as Stale when it was changed or sent meanwhile."""
    unchanged = FileRow.version == file.version
    unsent = file.source == "chat" and file.deleted_at is None
    unit.delete(_row(file), unchanged & FileRow.attached_to.does_not_exist() if unsent else unchanged)
    reserve(unit, -file.reserved_bytes)


def attach(unit: Unit, file_id: str, message_id: str, otherwise: Conflict) -> None:
    """Let a message carry the file; fails with `otherwise` when another one does."""
    key = file_key(unit.company_id, file_id)
    free = FileRow.pk.exists() & FileRow.attached_to.does_not_exist()
    unit.update(FileRow(key.pk, key.sk), [FileRow.attached_to.set(message_id)], free, otherwise)


def reserve(unit: Unit, size: int) -> None:
    """Count bytes; fails with Conflict `storage_full` where there is no room. Giving back never does."""
    if not size:
        return
    room = FileRow.bytes.does_not_exist() | (FileRow.bytes <= settings().files_cap_bytes - size)
    full = Conflict("storage_full", "The company's storage is full: delete files that are not needed, or ask for more.")
    if size > settings().files_cap_bytes:
        raise full
    row = FileRow(f"{unit.company_id}#storage", "storage")
    unit.update(row, [FileRow.bytes.add(size)], room if size > 0 else None, full)


def storage(company_id: str) -> Storage:
    """What a company stores; one request."""
    row = fetch_one(Key(FileRow, f"{company_id}#storage", "storage"))
    return Storage(int(row.bytes or 0) if row is not None else 0, settings().files_cap_bytes)


def page_files(which: FileFilter, limit: int, cursor: str | None) -> Page[File]:
    """The newest first; a Query for each 250 rows looked at, at most four: a page may hold fewer than there are."""
    where, value = _partition(which)
    found = page(where, value, limit=limit, cursor=cursor, selection=_selection(which))
    return found.map(lambda row: row.model(File))


def _partition(which: FileFilter) -> tuple[Listing, str]:
    if which.request_id:
        return BY_REQUEST, f"{which.company_id}#{which.request_id}"
    if which.appointment_id:
        return BY_APPOINTMENT, f"{which.company_id}#{which.appointment_id}"
    if which.customer_id:
        return BY_CUSTOMER, f"{which.company_id}#{which.customer_id}"
    return BY_COMPANY, f"{which.company_id}#{'deleted' if which.deleted else 'files'}"


def _selection(which: FileFilter) -> Selection:
    between = None
    if which.since or which.until:
        first = stamp(which.since) if which.since else "0"
        # What was made at `until` itself has its id behind the time, and so lies beyond.
        between = FileRow.created_at.between(first, stamp(which.until) if which.until else "9")
    only = None
    for condition in (
        FileRow.kind == which.kind if which.kind else None,
        FileRow.tags.contains(which.tag) if which.tag else None,
    ):
        if condition is not None:
            only = condition if only is None else only & condition
    return Selection(between=between, only=only, most_read=MOST_READ, newest_first=True)


def _keys(file: File) -> dict[str, Any]:
    if file.deleted_at:
        return {"listing": f"{file.company_id}#deleted", "created_at": _position(file)} | _marks(file)
    found = {"listing": f"{file.company_id}#files", "created_at": _position(file)}
    for name, value in (
        ("customer", file.customer_id),
        ("appointment", file.appointment_id),
        ("request", file.request_id),
    ):
        if value:
            found[name] = f"{file.company_id}#{value}"
    return found | _marks(file)


def _marks(file: File) -> dict[str, Any]:
    return ({"kind": file.kind} if file.kind else {}) | ({"tags": set(file.tags)} if file.tags else {})


def _position(file: File) -> str:
    return f"{stamp(file.created_at)}#{file.id}"


def _row(file: File) -> FileRow:
    key = file_key(file.company_id, file.id)
    return FileRow(key.pk, key.sk, data=encode(file), version=file.version)
