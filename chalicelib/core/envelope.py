"""What travels on a queue around a job."""

import msgspec

from chalicelib.core.events import Job
from chalicelib.core.queues import Message


class Envelope(msgspec.Struct, kw_only=True):
    """A job on its way. `spent`: attempts made before this message (a postponed job keeps them).

    `due`: the key under which it was scheduled, "" for work that is not for a certain time.
    """

    job: str
    id: str
    company_id: str
    correlation_id: str
    payload: msgspec.Raw
    spent: int = 0
    due: str = ""

    def message(self, queue: str, delay_seconds: int = 0) -> Message:
        """The SQS message that carries it."""
        return Message(queue, msgspec.json.encode(self).decode(), self.company_id, delay_seconds)


def envelope_of(job: Job, job_id: str, correlation_id: str, due: str = "") -> Envelope:
    """The job, ready for a queue."""
    return Envelope(
        job=job.name(),
        id=job_id,
        company_id=job.company_id,
        correlation_id=correlation_id,
        payload=msgspec.Raw(msgspec.json.encode(job)),
        due=due,
    )
