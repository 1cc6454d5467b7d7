"""The schedules on one machine: what EventBridge does on AWS, driven by what the endpoints declare."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from chalicelib.core.clock import Clock, now
from chalicelib.core.endpoints import Endpoint
from chalicelib.core.logging import log, log_context
from chalicelib.core.settings import settings
from infra.local.expressions import Rate, Schedule, parse
from infra.local.invocation import endpoints_of, invoke

LONGEST_WAIT_SECONDS = 5.0
"""A laptop that slept wakes up within this."""


class Timetable:
    """When each schedule is due. A rate is due at the start and then after each period; a cron at its next time."""

    def __init__(self, endpoints: list[Endpoint], at: datetime) -> None:
        self._plans: list[tuple[Endpoint, Schedule]] = [(endpoint, parse(endpoint.schedule)) for endpoint in endpoints]
        self._due = {endpoint.name: at if isinstance(plan, Rate) else plan.after(at) for endpoint, plan in self._plans}

    def take(self, at: datetime) -> list[Endpoint]:
        """The endpoints that are due, each moved on to its next time. What was missed while asleep runs once."""
        taken = []
        for endpoint, plan in self._plans:
            due = self._due[endpoint.name]
            if due is not None and due <= at:
                taken.append(endpoint)
                self._due[endpoint.name] = plan.after(at)
        return taken

    def seconds(self, at: datetime) -> float:
        """How long nothing is due."""
        waits = [(due - at).total_seconds() for due in self._due.values() if due is not None]
        return max(0.0, min([*waits, LONGEST_WAIT_SECONDS]))


def run_scheduler(stop: threading.Event, clock: Clock = now, run: Callable[[Endpoint], None] | None = None) -> None:
    """Run every schedule when it is due until `stop`, one after another."""
    timetable = Timetable(endpoints_of("schedule"), clock())
    while not stop.wait(timetable.seconds(clock())):
        for endpoint in timetable.take(clock()):
            (run or run_schedule)(endpoint)


def run_schedule(endpoint: Endpoint) -> None:
    """Run one now; a failure is logged, and its next time comes all the same."""
    try:
        invoke(endpoint, schedule_event(endpoint, datetime.now(UTC)))
    except Exception:  # noqa: BLE001 - one schedule's fault does not end the others
        log.exception("schedule failed", extra={"schedule": endpoint.name})
    else:
        log.info("schedule ran", extra={"schedule": endpoint.name})
    log_context()


def schedule_event(endpoint: Endpoint, at: datetime) -> dict[str, Any]:
    """The event that EventBridge sends."""
    account = settings().queue_base_url.rsplit("/", 1)[-1]
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": settings().region,
        "resources": [
            f"arn:aws:events:{settings().region}:{account}:rule/{settings().prefix}-{endpoint.area}-{endpoint.name}"
        ],
        "detail": {},
    }
