"""The job that reminds of a request for files, and lets it expire."""

from datetime import datetime

from chalicelib.core.jobs import JobContext
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit
from chalicelib.files import request_store
from chalicelib.files.answer_request import files_of
from chalicelib.files.events import FileRequestReminder
from chalicelib.files.file_request import FileRequest
from chalicelib.files.jobs import FollowFileRequest
from chalicelib.files.request_files import schedule, stage_end


def follow(job: FollowFileRequest, context: JobContext) -> None:
    """Do what is due about it, and schedule what follows; run twice, it does nothing twice.

    Nobody is reminded once there are files. One transaction.
    """

    def attempt() -> None:
        request, at = request_store.find_request(job.company_id, job.request_id), context.clock()
        if request is None or request.status != "open" or at < request.next_at:
            return
        taken = [each for each in files_of(request) if each.contents]
        unit = context.unit()
        if request.expires_at <= at:
            closed = request.changed(status="complete" if taken else "expired")
            stage_end(unit, closed, len(taken))
        else:
            _remind(unit, request, at, wanted=not taken)
        unit.commit()

    until_committed(attempt)


def _remind(unit: Unit, request: FileRequest, at: datetime, *, wanted: bool) -> None:
    # What an outage has gathered is one reminder.
    passed = sum(each <= at for each in request.remind_at)
    reminded = request.changed(reminded=passed)
    request_store.save_request(unit, reminded)
    schedule(unit, reminded)
    if wanted:
        unit.publish(
            FileRequestReminder(
                request_id=request.id,
                customer_id=request.customer_id,
                appointment_id=request.appointment_id,
                number=passed,
                expires_at=request.expires_at,
            )
        )
    unit.audit("file_request.reminded" if wanted else "file_request.followed", request.id, ("reminded",))
