"""Files that the system makes: exports, reports, PDFs."""

from typing import IO

import msgspec

from chalicelib.core.clock import Clock
from chalicelib.core.ids import new_id
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.files import names, object_store, store
from chalicelib.files.announce import due_key
from chalicelib.files.events import FileGenerated
from chalicelib.files.file import Content, File
from chalicelib.files.jobs import TidyFile
from chalicelib.files.kinds import TYPES
from chalicelib.files.tidy import LATER


class Generated(msgspec.Struct, frozen=True, kw_only=True):
    """What was made. `id`: made beforehand by whoever may run twice, so that there is one file. `sha256` in hex."""

    id: str
    name: str
    content_type: str
    purpose: str
    size: int
    sha256: str
    customer_id: str | None = None
    appointment_id: str | None = None


def new_file_id() -> str:
    """An id for a file that is going to be made."""
    return new_id("fil")


def keep(new_unit: UnitFactory, company_id: str, made: Generated, content: IO[bytes] | bytes, clock: Clock) -> File:
    """Put it into the bucket and tell of it (FileGenerated); made again under its id, it is there once.

    Ours is trusted and not looked at. Two requests and a transaction. Raises Conflict `storage_full`.
    """
    known = store.find_file(company_id, made.id)
    if known is not None:
        return known
    unit, at = new_unit(), clock()
    # Under its own id: whoever runs twice puts it in the same place.
    place = f"obj_{made.id.partition('_')[2]}"
    key = object_store.kept_key(company_id, made.id, place)
    _see_to_leftovers(Unit(company_id, unit.actor, clock=clock), made.id, clock)
    object_store.put(key, content, made.content_type)
    file = File(
        id=made.id, company_id=company_id, name=names.clean(made.name), source="system", created_by=str(unit.actor),
        customer_id=made.customer_id, appointment_id=made.appointment_id, created_at=at, updated_at=at,
        contents=(
            Content(
                number=1, place=place, kind=TYPES[made.content_type].kind, content_type=made.content_type,
                size=made.size, sha256=made.sha256, created_at=at,
            ),
        ),
    )  # fmt: skip
    store.add_file(unit, file)
    unit.publish(
        FileGenerated(
            file_id=file.id,
            purpose=made.purpose,
            link=f"{settings().public_url.rstrip('/')}/api/files/{file.id}/download",
            customer_id=made.customer_id,
            appointment_id=made.appointment_id,
        )
    )
    unit.audit("file.generated", file.id, ("contents",), purpose=made.purpose)
    unit.commit(file)
    return file


def _see_to_leftovers(unit: Unit, file_id: str, clock: Clock) -> None:
    # Whoever dies between bucket and record leaves bytes that nobody knows of.
    unit.schedule(TidyFile(company_id=unit.company_id, file_id=file_id), clock() + LATER, due_key(file_id))
    unit.commit()
