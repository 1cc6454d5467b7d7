"""Due work: what scheduling, handing over and doing costs, by how much else waits; how late 10,000 of a minute are."""

import statistics
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import msgspec

from benchmarks.counting import Count, counted
from chalicelib.core import due, jobs
from chalicelib.core.clock import now
from chalicelib.core.events import Job
from chalicelib.core.unit import Unit
from chalicelib.core.worker import deliver

COMPANY = "com_due"
AREA = "chalicelib.benchmark"
WAITING = (0, 100_000)
DUE = 1_000
AT_ONCE = 90
"""Rows scheduled in one transaction."""
IN_A_MINUTE = 10_000
PREPARING = timedelta(seconds=45)
WORKERS = 2


class Remind(Job):
    """Work that does nothing, so that only the cost of its being due is measured."""

    queue = "qa_automation"
    handler = f"{AREA}.jobs:remind"

    number: int


@dataclass(frozen=True)
class PerJob:
    """What one job costs on average (`waiting`: rows for another day), or one sweep that finds none due."""

    name: str
    waiting: int
    requests: float
    read_units: float
    write_units: float


def costs(waiting: Iterable[int] = WAITING, jobs_due: int = DUE) -> list[PerJob]:
    """Schedule, sweep in vain, sweep, do: each with as many rows waiting for a day ten years on."""
    _make_area()
    found, there = [], 0
    for size in waiting:
        _schedule(range(there, size), lambda number: now() + timedelta(days=3650, seconds=number), "later")
        there = size
        in_an_hour = now() + timedelta(hours=1)
        first = [
            ("schedule", _counted(lambda: _schedule(range(jobs_due), lambda _: in_an_hour, "now")), jobs_due),  # noqa: B023
            ("a sweep with nothing due", _counted(lambda: _swept(now, 0)), 1),
            ("hand over", _counted(lambda: _swept(lambda: in_an_hour, jobs_due)), jobs_due),  # noqa: B023
            ("do and forget", _counted(lambda: _work(jobs_due)), jobs_due),
        ]
        found += [_per_job(name, size, count, number) for name, count, number in first]
    return found


def lateness(number: int = IN_A_MINUTE) -> dict[str, float]:
    """Jobs spread over one minute, scheduled the day before, swept as they come near, done by two workers."""
    _make_area()
    first = now() + PREPARING
    due_at = [first + timedelta(minutes=1) * each / number for each in range(number)]
    _schedule(range(number), lambda each: due_at[each], "minute", when=first - timedelta(days=1))
    with ThreadPoolExecutor(1) as pool:
        sweeping = pool.submit(_swept, now, number)
        done = _work(number)
        sweeping.result()
    late = sorted((done[each] - due_at[each]).total_seconds() for each in range(number))
    assert late[0] >= 0, "a job was done before its time"
    return {
        "jobs": number,
        "late p50 (s)": statistics.median(late),
        "late p99 (s)": statistics.quantiles(late, n=100)[98],
        "late at most (s)": late[-1],
    }


def _make_area() -> None:
    """Let workers find the job as they find every other: in the `jobs.py` of its area."""
    module = ModuleType(f"{AREA}.jobs")
    vars(module).update(Remind=Remind, remind=lambda job, context: None)
    sys.modules[module.__name__] = module
    Remind.__module__ = module.__name__


def _schedule(numbers: range, at: Callable[[int], datetime], key: str, when: datetime | None = None) -> None:
    for start in range(numbers.start, numbers.stop, AT_ONCE):
        unit = Unit(COMPANY, clock=(lambda: when) if when else now)
        for number in range(start, min(start + AT_ONCE, numbers.stop)):
            unit.schedule(Remind(company_id=COMPANY, number=number), at(number), f"{key}#{number}")
        unit.commit()


def _swept(clock: Callable[[], datetime], expected: int) -> None:
    found = 0
    while found < expected:
        found += due.sweep(clock)
    if not expected:
        assert due.sweep(clock) == 0


def _work(number: int) -> dict[int, datetime]:
    """When each of the jobs 0 … `number` - 1 was done."""
    done: dict[int, datetime] = {}

    def handle(queue: str, event: dict[str, Any]) -> dict[str, Any]:
        answer = jobs.work(queue, event)
        assert not answer["batchItemFailures"], answer
        for record in event["Records"]:
            done.setdefault(msgspec.json.decode(record["body"])["payload"]["number"], now())
        return answer

    def work() -> None:
        while len(done) < number:
            deliver(Remind.queue, handle, 1)

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


def _counted(run: Callable[[], object]) -> Count:
    with counted() as count:
        run()
    return count


def _per_job(name: str, waiting: int, count: Count, number: int) -> PerJob:
    requests = count.reads + count.transactions + count.writes
    return PerJob(name, waiting, requests / number, count.read_units / number, count.write_units / number)
