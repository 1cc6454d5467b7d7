"""Being told that an upload is there."""

from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.files import object_store, store
from chalicelib.files.file import File, Upload
from chalicelib.files.jobs import CheckFile


def complete(new_unit: UnitFactory, company_id: str, file_id: str, clock: Clock) -> File:
    """Let what was uploaded be looked at; told again changes nothing. Two requests and a transaction.

    Raises NotFound, Conflict `not_uploaded`.
    """
    file = store.get_file(company_id, file_id)
    upload = file.upload
    if upload is None or upload.candidate:
        return file
    if not is_there(file, upload):
        raise Conflict("not_uploaded", "The bytes have not arrived: PUT them to the link first.")
    unit = new_unit()
    stage_check(unit, file, upload)
    unit.audit("file.uploaded", file.id, ("upload",), upload=upload.id)
    unit.commit(file)
    return file


def is_there(file: File, upload: Upload) -> bool:
    """Whether the bytes of the upload lie in the bucket; one request."""
    return object_store.find(object_store.incoming_key(file.company_id, file.id, upload.id)) is not None


def stage_check(unit: Unit, file: File, upload: Upload) -> None:
    """Stage that the upload is looked at; more than once does no harm."""
    unit.enqueue(CheckFile(company_id=file.company_id, file_id=file.id, upload_id=upload.id))
