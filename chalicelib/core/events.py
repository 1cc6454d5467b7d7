"""Facts (events) and work for later (jobs): what a unit of work publishes along with its change."""

from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Self

import msgspec

from chalicelib.core.needs import Needs


class Event(msgspec.Struct, kw_only=True):
    """Something that happened, past tense; holds ids and names of fields, never personal values."""

    @classmethod
    def name(cls) -> str:
        """`<area>.<Class>`, such as `booking.AppointmentBooked`."""
        return f"{cls.__module__.split('.')[1]}.{cls.__name__}"


class Job(msgspec.Struct, kw_only=True):
    """Work for later, on a named queue. A subclass lives in its area's `jobs.py` and says who does it:

    `class SendInvitation(Job): queue = "notifications"; handler = "chalicelib.identity.mail:send"; needs = Needs(…)`.
    `queue`: a named queue, or a lane of one (`sync.fic`). `needs`: what the handler touches; the role of the lane's
    worker is the union over its jobs, so a job that leaves something out is refused it on AWS.
    The handler is imported by the worker alone, so that an endpoint that only enqueues stays light. It gets the job and
    `JobContext`; it may be called more than once for the same job id and must then change nothing twice.
    """

    queue: ClassVar[str]
    handler: ClassVar[str]
    needs: ClassVar[Needs] = Needs()
    attempts: ClassVar[int] = 8
    timeout_seconds: ClassVar[int] = 60

    company_id: str

    @classmethod
    def name(cls) -> str:
        """`<area>.<Class>`; the area's `jobs.py` is where a worker finds it again."""
        return f"{cls.__module__.split('.')[1]}.{cls.__name__}"

    @classmethod
    def from_json(cls, data: str | bytes) -> Self:
        """The job as it was enqueued; raises msgspec.ValidationError."""
        return msgspec.json.decode(data, type=cls)


class UnknownName(LookupError):
    """A job or event of a name that this version of the code does not have."""


@cache
def job_type(name: str) -> type[Job]:
    """The job class of that name; raises UnknownName."""
    found: type[Job] = _find(name, "jobs", Job)
    return found


@cache
def event_type(name: str) -> type[Event]:
    """The event class of that name; raises UnknownName."""
    found: type[Event] = _find(name, "events", Event)
    return found


def _find(name: str, module: str, kind: type) -> Any:
    area, _, class_name = name.partition(".")
    try:
        found = getattr(import_module(f"chalicelib.{area}.{module}"), class_name)
    except (ImportError, AttributeError) as error:
        raise UnknownName(f"there is no {name} in chalicelib/{area}/{module}.py") from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise UnknownName(f"{name} is not a {kind.__name__}")
    return found
