"""What comes of making copies of a version: it is written down once, or the version goes."""

from typing import Any, Protocol

import msgspec

from chalicelib.core.jobs import JobContext
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit
from chalicelib.files import object_store, store
from chalicelib.files.events import FileRefused
from chalicelib.files.file import Content, File


class OfVersion(Protocol):
    """A job about one version of a file."""

    company_id: str
    file_id: str
    number: int


def awaited(company_id: str, file_id: str, number: int) -> Content | None:
    """The version, if its copies are still to be made; one request."""
    return _waiting(store.find_file(company_id, file_id), number)


def finish(job: OfVersion, context: JobContext, fields: dict[str, Any]) -> None:
    """Write down what was made, unless somebody has done so or the version is gone. One read, one transaction."""

    def attempt() -> None:
        file = store.find_file(job.company_id, job.file_id)
        content = _waiting(file, job.number)
        if file is None or content is None:
            return
        done = msgspec.structs.replace(content, **fields)
        contents = tuple(done if each.number == job.number else each for each in file.contents)
        unit = context.unit()
        store.save_file(unit, file.changed(context.clock(), contents=contents), file)
        unit.audit("file.processed", file.id, tuple(fields), number=str(job.number), processing=done.processing)
        unit.commit()

    until_committed(attempt)


def drop(job: OfVersion, context: JobContext, reason: str) -> None:
    """Take the version away again, with all that was made of it: it is not what it said."""

    def attempt() -> Content | None:
        file = store.find_file(job.company_id, job.file_id)
        content = _waiting(file, job.number)
        if file is None or content is None:
            return None
        unit = context.unit()
        contents = tuple(each for each in file.contents if each.number != job.number)
        store.save_file(unit, file.changed(context.clock(), contents=contents, refusal=reason), file)
        _publish(unit, file, job.number, reason)
        unit.commit()
        return content

    dropped = until_committed(attempt)
    if dropped is not None:  # what a worker that dies here leaves behind goes when the file is tidied
        folder = (object_store.KEPT, job.company_id, job.file_id, dropped.place)
        object_store.remove(object_store.keys_below(*folder))


def _publish(unit: Unit, file: File, number: int, reason: str) -> None:
    unit.publish(FileRefused(file_id=file.id, number=number, reason=reason, request_id=file.request_id))
    unit.audit("file.refused", file.id, ("contents", "refusal"), number=str(number), reason=reason)


def _waiting(file: File | None, number: int) -> Content | None:
    if file is None:
        return None
    return next((each for each in file.contents if each.number == number and each.processing == "waiting"), None)
