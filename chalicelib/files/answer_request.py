"""Uploading what was asked for, by the link: a form without script, which the bucket takes itself."""

from typing import NamedTuple

from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, NotFound, Stale
from chalicelib.core.ids import new_id
from chalicelib.core.unit import CompanyUnitFactory
from chalicelib.files import object_store, request_link, request_store, store
from chalicelib.files.announce import UNKNOWN, Belongs, most_bytes, stage_new
from chalicelib.files.complete import is_there, stage_check
from chalicelib.files.file import File, Upload
from chalicelib.files.file_request import FileRequest
from chalicelib.files.request_files import stage_end

LARGEST_BY_FORM = 200 * 1024 * 1024


class Form(NamedTuple):
    """Where a browser POSTs one file, and the hidden fields that go before it."""

    request: FileRequest
    url: str
    fields: dict[str, str]
    most_bytes: int


def files_of(request: FileRequest) -> list[File]:
    """Everything that came by the request, or is on its way, the newest first; one Query or two."""
    which = store.FileFilter(company_id=request.company_id, request_id=request.id)
    return store.page_files(which, limit=100, cursor=None).data


def new_form(new_unit: CompanyUnitFactory, secret: str, clock: Clock) -> Form:
    """A form for one more file, and room for it; three reads, one transaction.

    Raises NotFound, Conflict `file_request_over`, `enough_files`, `storage_full`.
    """
    request = request_link.find(secret, clock)
    at = clock()
    if not request.is_open(at):
        raise Conflict("file_request_over", "Nothing can be uploaded here any more.")
    files = files_of(request)
    if len([each for each in files if each.state != "refused"]) >= request.most_files:
        raise Conflict("enough_files", f"{request.most_files} files were asked for, and they are here or on their way.")
    size = min(most_bytes(request.kinds), LARGEST_BY_FORM)
    unit = new_unit(request.company_id)
    upload = Upload(
        id=new_id("upl"), number=1, content_type=UNKNOWN, size=size, exact=False, kinds=request.kinds,
        expires_at=at + object_store.UPLOAD_FOR,
    )  # fmt: skip
    file = stage_new(unit, f"{request.title} {len(files) + 1}", _belongs(request), upload, at)
    # Two that ask for the last form at once: the request's version lets one of them have it.
    request_store.save_request(unit, request.changed())
    unit.commit()
    then = f"{request_link.page_url(secret)}/uploaded?file={file.id}"
    url, fields = object_store.upload_form(_key(file, upload), size, then)
    return Form(request, url, fields, size)


def uploaded(new_unit: CompanyUnitFactory, secret: str, file_id: str, clock: Clock) -> None:
    """Let what the form brought be looked at; told twice, or of nothing, it does no more. Raises NotFound."""
    request = request_link.find(secret, clock)
    file = store.find_file(request.company_id, file_id)
    if file is None or file.request_id != request.id:
        raise NotFound("file_not_found", "There is no such file.")
    if file.upload is None or file.upload.candidate or not is_there(file, file.upload):
        return
    unit = new_unit(request.company_id)
    stage_check(unit, file, file.upload)
    unit.audit("file.uploaded", file.id, ("upload",), upload=file.upload.id)
    unit.commit()


def finish(new_unit: CompanyUnitFactory, secret: str, clock: Clock) -> FileRequest:
    """Say that everything is here: reminders end, and so does the request. Raises NotFound, Conflict `no_files`."""
    request = request_link.find(secret, clock)
    if not request.is_open(clock()):
        return request
    files = [each for each in files_of(request) if each.state != "refused"]
    if not any(each.state != "waiting" or _came(each) for each in files):
        raise Conflict("no_files", "Nothing was uploaded yet.")
    unit = new_unit(request.company_id)
    done = stage_end(unit, request.changed(status="complete"), len(files))
    try:
        unit.commit()
    except Stale:
        return request_link.find(secret, clock)
    return done


def _came(file: File) -> bool:
    return file.upload is not None and is_there(file, file.upload)


def _belongs(request: FileRequest) -> Belongs:
    return Belongs(
        source="request", customer_id=request.customer_id, appointment_id=request.appointment_id, request_id=request.id
    )


def _key(file: File, upload: Upload) -> str:
    return object_store.incoming_key(file.company_id, file.id, upload.id)
