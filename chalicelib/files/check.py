"""Looking at an upload: it is copied to where no link can write, and the copy is what is looked at and kept."""

import hashlib
import tempfile
from collections.abc import Callable
from typing import IO, NamedTuple

import msgspec

from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit
from chalicelib.files import names, object_store, store
from chalicelib.files.events import FileReady, FileRefused
from chalicelib.files.file import Content, File, Upload
from chalicelib.files.jobs import CheckFile, ProcessImageOptimization, ProcessVideo
from chalicelib.files.kinds import LARGEST, TYPES, NotTaken, as_announced, identify, named_by_type
from chalicelib.files.scanner import scanner

IN_MEMORY = 8 * 1024 * 1024
MOST_CHECKS = 10
"""A file that so many checks died of is refused."""
CHUNK = 1024 * 1024
AGAIN_SECONDS = 1


class _Seen(NamedTuple):
    """What was found in the copy at `place`."""

    place: str
    content_type: str
    size: int
    sha256: str
    name: str


def check(job: CheckFile, context: JobContext) -> None:
    """Take the upload or refuse it, once, whoever else is at it: the last copy named in the record is the one.

    Some six requests to the bucket and two transactions. Nothing is done for an upload that is not awaited any more.
    """
    begun = _begin(job, context)
    if begun is None:
        return
    file, upload = begun
    try:
        seen = _look(file, upload)
    except NotTaken as refusal:
        _refuse(job, context, upload, refusal.code)
        log.info("file refused", extra={"file_id": file.id, "reason": refusal.code, "detail": str(refusal)})
    else:
        _take(job, context, upload, seen)


def _begin(job: CheckFile, context: JobContext) -> tuple[File, Upload] | None:
    """Name in the record the place that the copy will have; None when the upload is not awaited any more."""

    def attempt() -> tuple[File, Upload] | None:
        file = store.find_file(job.company_id, job.file_id)
        if not _awaited(file, job):
            return None
        assert file is not None
        assert file.upload is not None
        upload = msgspec.structs.replace(file.upload, candidate=new_id("obj"), checks=file.upload.checks + 1)
        begun = file.changed(context.clock(), upload=upload)
        unit = context.unit()
        store.save_file(unit, begun, file)
        unit.commit()
        return begun, upload

    return until_committed(attempt)


def _awaited(file: File | None, job: CheckFile) -> bool:
    return file is not None and file.upload is not None and file.upload.id == job.upload_id


def _look(file: File, upload: Upload) -> _Seen:
    if upload.checks > MOST_CHECKS:
        raise NotTaken("unreadable", "Looking at this file failed time and again.")
    source = object_store.incoming_key(file.company_id, file.id, upload.id)
    target = object_store.kept_key(file.company_id, file.id, upload.candidate)
    stored = object_store.find(source)
    if stored is None:
        raise NotTaken("not_uploaded", "The bytes have not arrived.")
    if stored.size > upload.size or (upload.exact and stored.size != upload.size):
        raise NotTaken("size_differs", f"{stored.size} bytes came where {upload.size} were announced.")
    try:
        object_store.copy(source, stored, target)
    except object_store.Replaced:
        raise Postpone(AGAIN_SECONDS, "the upload was replaced while it was copied") from None
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as content:
        size = object_store.read(target, content)
        content_type = _examine(content, upload, size)
        content.seek(0)
        return _Seen(upload.candidate, content_type, size, _digest(content), stored.name)


def _examine(content: IO[bytes], upload: Upload, size: int) -> str:
    content_type = as_announced(identify(content), upload.content_type, upload.kinds)
    kind = TYPES[content_type].kind
    if size > LARGEST[kind]:
        raise NotTaken("too_large", f"At most {LARGEST[kind]} bytes are taken of this kind.")
    content.seek(0)
    found = scanner()(content)
    if found:
        raise NotTaken("malware", f"The scanner found {found}.")
    if kind == "image":
        from chalicelib.files.images import look_at

        content.seek(0)
        look_at(content, content_type)
    return content_type


def _digest(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := content.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _take(job: CheckFile, context: JobContext, upload: Upload, seen: _Seen) -> None:
    kind = TYPES[seen.content_type].kind

    def stage(unit: Unit, file: File) -> File:
        content = Content(
            number=upload.number,
            place=seen.place,
            kind=kind,
            content_type=seen.content_type,
            size=seen.size,
            sha256=seen.sha256,
            created_at=context.clock(),
            processing="waiting" if kind in ("image", "video") else "none",
        )
        given = names.clean(seen.name) if seen.name else file.name
        name = named_by_type(given, seen.content_type)
        unit.publish(
            FileReady(
                file_id=file.id,
                number=upload.number,
                kind=kind,
                source=file.source,
                customer_id=file.customer_id,
                appointment_id=file.appointment_id,
                request_id=file.request_id,
            )
        )
        if kind == "image":
            unit.enqueue(ProcessImageOptimization(company_id=file.company_id, file_id=file.id, number=upload.number))
        elif kind == "video":
            unit.enqueue(ProcessVideo(company_id=file.company_id, file_id=file.id, number=upload.number))
        unit.audit("file.taken", file.id, ("contents", "name"), number=str(upload.number), kind=kind)
        return file.changed(context.clock(), contents=(*file.contents, content), upload=None, refusal="", name=name)

    _end(job, context, upload, stage)


def _refuse(job: CheckFile, context: JobContext, upload: Upload, reason: str) -> None:
    def stage(unit: Unit, file: File) -> File:
        unit.publish(FileRefused(file_id=file.id, number=upload.number, reason=reason, request_id=file.request_id))
        unit.audit("file.refused", file.id, ("refusal",), number=str(upload.number), reason=reason)
        return file.changed(context.clock(), upload=None, refusal=reason)

    _end(job, context, upload, stage)
    object_store.remove([object_store.kept_key(job.company_id, job.file_id, upload.candidate)])


def _end(job: CheckFile, context: JobContext, upload: Upload, stage: Callable[[Unit, File], File]) -> None:
    """Commit what came of it, unless somebody else has looked since: then their copy counts, and ours goes."""

    def attempt() -> bool:
        file = store.find_file(job.company_id, job.file_id)
        if not _awaited(file, job) or file is None or file.upload is None or file.upload.candidate != upload.candidate:
            return False
        unit = context.unit()
        store.save_file(unit, stage(unit, file), file)
        unit.commit()
        return True

    copy = object_store.kept_key(job.company_id, job.file_id, upload.candidate)
    ours = until_committed(attempt)
    # What a worker that dies here leaves behind goes when the file is tidied.
    object_store.remove([object_store.incoming_key(job.company_id, job.file_id, upload.id)] if ours else [copy])
