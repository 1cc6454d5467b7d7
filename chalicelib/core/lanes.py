"""What works on each lane of a named queue: its jobs, and what they need together."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from chalicelib.core.endpoints import Endpoint
from chalicelib.core.events import Job
from chalicelib.core.needs import union


@cache
def job_kinds() -> tuple[type[Job], ...]:
    """Every job of the house, by name: what the areas' `jobs.py` hold. Imports them all, so no Lambda asks."""
    found = {
        value
        for folder in sorted(Path(__file__).parents[1].iterdir())
        if (folder / "jobs.py").exists() and find_spec(f"chalicelib.{folder.name}.jobs")
        for value in vars(import_module(f"chalicelib.{folder.name}.jobs")).values()
        if isinstance(value, type) and issubclass(value, Job) and value is not Job
    }
    return tuple(sorted(found, key=lambda kind: kind.name()))


def jobs_on(lane: str) -> list[type[Job]]:
    """The kinds of jobs that go on that lane."""
    return [kind for kind in job_kinds() if kind.queue == lane]


def with_needs_of_jobs(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """The endpoints, each lane's worker with the needs of every job on it: its role is made of them."""
    return [_with_needs(each) if each.kind == "queue" and not each.dead else each for each in endpoints]


def _with_needs(worker: Endpoint) -> Endpoint:
    return replace(worker, needs=union(worker.needs, *(kind.needs for kind in jobs_on(worker.queue))))
