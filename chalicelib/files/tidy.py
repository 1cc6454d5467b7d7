"""Seeing to a file some time later: an upload that never came or was never told of, leftovers, what was deleted."""

from datetime import datetime, timedelta
from typing import Any

from chalicelib.core import directory
from chalicelib.core.jobs import JobContext
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed
from chalicelib.core.tables import fetch_one
from chalicelib.files import object_store, share_store, store
from chalicelib.files.announce import GRACE, due_key
from chalicelib.files.complete import is_there, stage_check
from chalicelib.files.file import KEPT_DELETED, UNSENT_FOR, File
from chalicelib.files.jobs import ProcessImageOptimization, ProcessVideo, TidyFile
from chalicelib.files.share import SHARE

LATER = timedelta(hours=1)
"""When to look again at what is being worked on."""


def tidy(job: TidyFile, context: JobContext) -> None:
    """Look at the file once; run again, it finds nothing more to do. Some three requests, at most one transaction."""
    row = fetch_one(store.file_key(job.company_id, job.file_id))
    file, at = store.file_of(row), context.clock()
    if file is not None:
        if _is_over(file, row, at):
            _purge(job, context)
        elif _never_came(file, at):
            _give_up(job, context)
        else:
            _look_again(file, context, at)
    _sweep(job)


def _is_over(file: File, row: Any, at: datetime) -> bool:
    if file.deleted_at is not None:
        return file.deleted_at + KEPT_DELETED <= at
    unsent = file.source == "chat" and store.attached_to(row) is None
    return unsent and file.created_at + UNSENT_FOR <= at


def _never_came(file: File, at: datetime) -> bool:
    upload = file.upload
    if upload is None or upload.candidate or at < upload.expires_at + GRACE:
        return False
    return not is_there(file, upload)


def _named(file: File | None) -> tuple[str, ...]:
    if file is None:
        return ()
    places = [each.place for each in file.contents]
    uploads = [file.upload.id, file.upload.candidate] if file.upload else []
    return tuple(filter(None, (*places, *uploads)))


def _sweep(job: TidyFile) -> None:
    """Take away what lies in the file's folders and is not named by its record.

    Places are named before anything is put there, and never again once they are not: so what was listed first, and is
    not named by the record as it is read afterwards, nobody will miss.
    """
    found = [
        key
        for folder in (object_store.INCOMING, object_store.KEPT)
        for key in object_store.keys_below(folder, job.company_id, job.file_id)
    ]
    named = _named(store.find_file(job.company_id, job.file_id)) if found else ()
    left = [key for key in found if key.split("/")[3] not in named]
    object_store.remove(left)
    if left:
        log.info("leftovers removed", extra={"file_id": job.file_id, "objects": len(left)})


def _give_up(job: TidyFile, context: JobContext) -> None:
    """The upload never came: its room is given back, and a file without any version goes."""

    def attempt() -> None:
        file = store.find_file(job.company_id, job.file_id)
        if file is None or file.upload is None or file.upload.candidate:
            return
        unit = context.unit()
        if file.contents:
            store.save_file(unit, file.changed(context.clock(), upload=None, refusal="not_uploaded"), file)
        else:
            store.remove_file(unit, file)
        unit.audit("file.upload_expired", file.id, ("upload",), upload=file.upload.id)
        unit.commit()

    until_committed(attempt)


def _look_again(file: File, context: JobContext, at: datetime) -> None:
    """What was never told of is looked at; what a worker gave up is begun again; and once more in an hour."""
    waiting = [each for each in file.contents if each.processing == "waiting"]
    soon = file.upload is not None or bool(waiting)
    next_look = at + LATER if soon else _end_of(file, at)
    if next_look is None:
        return
    unit = context.unit()
    if file.upload and file.upload.expires_at + GRACE <= at:
        stage_check(unit, file, file.upload)
    for content in waiting:
        kind = ProcessImageOptimization if content.kind == "image" else ProcessVideo
        unit.enqueue(kind(company_id=file.company_id, file_id=file.id, number=content.number))
    unit.schedule(TidyFile(company_id=file.company_id, file_id=file.id), max(next_look, at + LATER), due_key(file.id))
    unit.commit()


def _end_of(file: File, at: datetime) -> datetime | None:
    if file.deleted_at is not None:
        return file.deleted_at + KEPT_DELETED
    unsent_until = file.created_at + UNSENT_FOR
    return unsent_until if file.source == "chat" and unsent_until > at else None


def _purge(job: TidyFile, context: JobContext) -> None:
    """Its record goes with its shares; its bytes follow, also when a worker dies in between and this is done again."""

    def attempt() -> None:
        file = store.find_file(job.company_id, job.file_id)
        if file is None:
            return
        unit = context.unit()
        for share in share_store.shares(job.company_id, job.file_id):
            share_store.remove_share(unit, share)
            directory.release(unit, SHARE, share.digest)
        store.remove_file(unit, file)
        unit.audit("file.purged", file.id)
        unit.commit()

    until_committed(attempt)
