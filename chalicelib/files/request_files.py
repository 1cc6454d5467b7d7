"""Asking a customer for files, and taking that back."""

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.files import request_store
from chalicelib.files.events import FileRequestClosed, FileRequestLink
from chalicelib.files.file_request import FileRequest
from chalicelib.files.jobs import FollowFileRequest
from chalicelib.files.kinds import Kind
from chalicelib.files.request_link import new_link

LONGEST = timedelta(days=180)


class NewRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, of whom, until when; `remind_at` in any order."""

    customer_id: str
    appointment_id: str | None = None
    title: str
    message: str = ""
    kinds: tuple[Kind, ...] = ()
    most_files: int = 10
    expires_at: datetime
    remind_at: tuple[datetime, ...] = ()


class Requested(NamedTuple):
    """A request, and a link to its page."""

    request: FileRequest
    url: str


def request_files(new_unit: UnitFactory, company_id: str, new: NewRequest, clock: Clock) -> Requested:
    """Ask for files; one transaction with the first reminder or the end as due work. Raises Invalid for times."""
    at = clock()
    if not at < new.expires_at <= at + LONGEST:
        raise invalid("body.expires_at", "bad_time", f"A request ends within {LONGEST.days} days from now.")
    if any(not at < each < new.expires_at for each in new.remind_at):
        raise invalid("body.remind_at", "bad_time", "Reminders lie between now and the end.")
    unit = new_unit()
    fields = msgspec.structs.asdict(new) | {"remind_at": tuple(sorted(set(new.remind_at)))}
    request = FileRequest(id=new_id("frq"), company_id=company_id, created_by=str(unit.actor), created_at=at, **fields)
    request_store.save_request(unit, request)
    url = new_link(unit, request)
    schedule(unit, request)
    unit.publish(
        FileRequestLink(
            request_id=request.id,
            customer_id=request.customer_id,
            appointment_id=request.appointment_id,
            expires_at=request.expires_at,
        )
    )
    unit.audit("file_request.created", request.id, customer=request.customer_id)
    unit.commit()
    return Requested(request, url)


def cancel(new_unit: UnitFactory, company_id: str, request_id: str) -> FileRequest:
    """Take it back: its links lead nowhere. Raises NotFound, Conflict `file_request_over`."""

    def attempt() -> FileRequest:
        request = request_store.get_request(company_id, request_id)
        if request.status != "open":
            raise Conflict("file_request_over", f"This request is {request.status} already.")
        unit = new_unit()
        closed = stage_end(unit, request.changed(status="cancelled"))
        unit.commit(closed)
        return closed

    return until_committed(attempt)


def schedule(unit: Unit, request: FileRequest) -> None:
    """Stage the next thing to do about it."""
    job = FollowFileRequest(company_id=request.company_id, request_id=request.id)
    unit.schedule(job, request.next_at, due_key(request.id))


def stage_end(unit: Unit, closed: FileRequest, files: int = 0) -> FileRequest:
    """Stage that a request is over, for the reason that is its status; returns it."""
    request_store.save_request(unit, closed)
    unit.unschedule(due_key(closed.id))
    unit.publish(
        FileRequestClosed(
            request_id=closed.id,
            customer_id=closed.customer_id,
            appointment_id=closed.appointment_id,
            reason=closed.status,
            files=files,
        )
    )
    unit.audit("file_request.closed", closed.id, ("status",), reason=closed.status)
    return closed


def due_key(request_id: str) -> str:
    """What the next thing to do about a request is scheduled under."""
    return f"file-request#{request_id}"
