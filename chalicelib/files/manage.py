"""Changing, deleting and bringing back files."""

import msgspec

from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, NotFound, invalid
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import UnitFactory
from chalicelib.files import names, store
from chalicelib.files.announce import due_key
from chalicelib.files.file import KEPT_DELETED, MOST_TAGS, File
from chalicelib.files.jobs import TidyFile
from chalicelib.files.kinds import named_by_type
from chalicelib.files.tidy import LATER

LONGEST_TAG = 50


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be otherwise; what is UNSET stays. `version`: the record as it was seen, to be sure."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    tags: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    customer_id: str | msgspec.UnsetType | None = msgspec.UNSET
    appointment_id: str | msgspec.UnsetType | None = msgspec.UNSET
    version: int | None = None


def change(new_unit: UnitFactory, company_id: str, file_id: str, what: FileChange, clock: Clock) -> File:
    """Change a file's name, tags, or whom it belongs to; one read, one transaction.

    Raises NotFound, Conflict `stale_version`, Invalid.
    """
    fields = {
        name: value
        for name in ("name", "tags", "customer_id", "appointment_id")
        if (value := getattr(what, name)) is not msgspec.UNSET
    }
    if "tags" in fields:
        fields["tags"] = clean_tags(fields["tags"])

    def attempt() -> File:
        file = store.get_file(company_id, file_id)
        if what.version is not None and what.version != file.version:
            raise Conflict("stale_version", "Somebody has changed this file meanwhile; read it again.")
        now = dict(fields)
        if "name" in now:
            name = names.clean(now["name"])
            now["name"] = named_by_type(name, file.contents[-1].content_type) if file.contents else name
        changed = file.changed(clock(), **now)
        unit = new_unit()
        store.save_file(unit, changed, file)
        unit.audit("file.changed", file.id, tuple(sorted(now)))
        unit.commit(changed)
        return changed

    return until_committed(attempt)


def remove(new_unit: UnitFactory, company_id: str, file_id: str, clock: Clock) -> None:
    """Delete a file; for thirty days it can be brought back. Raises NotFound."""

    def attempt() -> None:
        file, at = store.get_file(company_id, file_id), clock()
        unit = new_unit()
        store.save_file(unit, file.changed(at, deleted_at=at), file)
        job = TidyFile(company_id=company_id, file_id=file_id)
        unit.schedule(job, at + KEPT_DELETED, due_key(file_id))
        unit.audit("file.deleted", file_id, ("deleted_at",))
        unit.commit()

    until_committed(attempt)


def restore(new_unit: UnitFactory, company_id: str, file_id: str, clock: Clock) -> File:
    """Bring a deleted file back; one that was not deleted stays as it is. Raises NotFound once it is gone for good."""

    def attempt() -> File:
        file, at = store.get_file(company_id, file_id, deleted=True), clock()
        if file.deleted_at is None:
            return file
        if file.deleted_at + KEPT_DELETED <= at:
            raise NotFound("file_not_found", f"There is no file {file_id}.")
        back = file.changed(at, deleted_at=None)
        unit = new_unit()
        store.save_file(unit, back, file)
        unit.schedule(TidyFile(company_id=company_id, file_id=file_id), at + LATER, due_key(file_id))
        unit.audit("file.restored", file_id, ("deleted_at",))
        unit.commit(back)
        return back

    return until_committed(attempt)


def clean_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Without surrounding space, each once, sorted; raises Invalid for too many, empty or unprintable ones."""
    cleaned = sorted({" ".join(tag.split()) for tag in tags})
    if len(cleaned) > MOST_TAGS:
        raise invalid("body.tags", "too_many", f"A file has at most {MOST_TAGS} tags.")
    for tag in cleaned:
        if not 0 < len(tag) <= LONGEST_TAG or not tag.isprintable():
            raise invalid("body.tags", "bad_tag", f"A tag has 1 to {LONGEST_TAG} printable characters.")
    return tuple(cleaned)
