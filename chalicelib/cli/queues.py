"""`pilot queue`: what waits, what failed, and trying it again."""

from collections.abc import Iterable, Iterator
from typing import Any

import click
import msgspec

from chalicelib.cli.output import bad, finish, note, print_json, print_table, progress
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core import failed_jobs
from chalicelib.core.errors import NotFound
from chalicelib.core.events import UnknownName
from chalicelib.core.failed_jobs import FailedJob
from chalicelib.core.ops_health import queue_counts
from chalicelib.core.queues import DEAD, LANES, lanes_of, queue_of
from chalicelib.core.unit import Actor, Unit

OPERATOR = Actor("system", "pilot-cli")
STATUS = {
    "queue": "Queue",
    "lane": "Lane",
    "waiting": "Waiting",
    "delayed": "Delayed",
    "in_flight": "In flight",
    "dead_letters": "Dead letters",
    "failed_jobs": "Failed jobs",
}
FAILED = {
    "id": "Id",
    "queue": "Queue",
    "job": "Job",
    "company_id": "Company",
    "attempts": "Attempts",
    "reason": "Reason",
    "failed_at": "Failed at",
}
one_queue = click.option("--queue", "name", type=click.Choice(LANES), help="Only this queue's, or this lane's.")


@click.group()
def queue() -> None:
    """The named queues and the jobs that failed for good."""


@queue.command()
@click.option("--check", is_flag=True, help="Exit 1 when there are dead letters or failed jobs.")
@on_stage
def status(stage: Stage, check: bool) -> None:
    """How much waits in each lane of each queue, and how much failed. SQS's own counts are approximate."""
    stage.connect()
    rows = [status_of(lane) for lane in progress(LANES, "Asking the queues")]
    shown = (
        rows
        if stage.as_json
        else [row | {key: bad(row[key]) for key in ("dead_letters", "failed_jobs") if row[key]} for row in rows]
    )
    print_table(shown, STATUS, as_json=stage.as_json)
    finish(not (check and any(row["dead_letters"] or row["failed_jobs"] for row in rows)))


def status_of(lane: str) -> dict[str, Any]:
    """How much waits in a lane, and how much failed."""
    row: dict[str, Any] = {"queue": queue_of(lane), "lane": lane, **queue_counts(lane)}
    dead = queue_counts(f"{lane}{DEAD}")
    return row | {"dead_letters": sum(dead.values()), "failed_jobs": failed_jobs.count(lane)}


@queue.command()
@one_queue
@click.option("--limit", type=click.IntRange(1, 1000), default=100, help="The newest so many of each queue.")
@on_stage
def failed(stage: Stage, name: str | None, limit: int) -> None:
    """Jobs that failed for good, the newest first, with their reasons."""
    stage.connect()
    found = [job for each in _named(name) for job in failed_jobs.of_queue(each, limit)]
    found.sort(key=lambda job: job.failed_at, reverse=True)
    rows = [_row(job, in_full=stage.as_json) for job in found]
    print_table(rows, FAILED, as_json=stage.as_json, empty="No failed jobs.")


def _named(name: str | None) -> tuple[str, ...]:
    return lanes_of(name) if name else LANES


def _row(job: FailedJob, *, in_full: bool) -> dict[str, Any]:
    row = msgspec.structs.asdict(job)
    # A payload holds customers' data: it is shown to whoever asks for everything, not in passing.
    return row if in_full else row | {"job": job.job or "(not a job)", "failed_at": job.failed_at[:19] + "Z"}


@queue.command()
@click.argument("job_id", metavar="ID|all")
@one_queue
@on_stage
def retry(stage: Stage, job_id: str, name: str | None) -> None:
    """Try a failed job again from its first attempt, or all of them (of one queue with --queue)."""
    stage.connect()
    jobs = _all(name) if job_id == "all" else [failed_jobs.get(job_id)]
    results = [_retry(job) for job in progress(jobs, "Retrying")]
    done = [result for result in results if result["retried_as"]]
    if stage.as_json:
        print_json(results)
    elif not results:
        note("No failed jobs.")
    else:
        columns = {"id": "Id", "job": "Job", "retried_as": "Runs again as", "why_not": "Why not"}
        print_table(results, columns, title=f"{len(done)} of {len(results)} will run again")
    finish(len(done) == len(results))


def _all(name: str | None) -> list[FailedJob]:
    return [job for each in _named(name) for job in failed_jobs.each_of(each)]


def _retry(job: FailedJob) -> dict[str, str | None]:
    unit = Unit(job.company_id, OPERATOR, correlation_id=job.correlation_id or None)
    result: dict[str, str | None] = {"id": job.id, "job": job.job or None, "retried_as": None, "why_not": None}
    try:
        return result | {"retried_as": failed_jobs.retry(job, unit)}
    except UnknownName as error:
        return result | {"why_not": f"{error}" if job.job else "it never was a job; flush it"}
    except msgspec.MsgspecError as error:
        return result | {"why_not": f"its payload does not fit any more: {error}"}
    except NotFound:
        return result | {"why_not": "someone else retried or flushed it meanwhile"}


@queue.command()
@one_queue
@click.option("--yes", is_flag=True, help="Do not ask (it is asked on deployed stages only).")
@on_stage
def flush(stage: Stage, name: str | None, yes: bool) -> None:
    """Remove the failed jobs for ever."""
    stage.connect()
    if not (yes or stage.local):
        which = name or "all queues"
        click.confirm(f"Remove every failed job of {which} on {stage.name} for ever?", abort=True, err=True)
    removed = _remove(progress(_all(name), "Removing"))
    if stage.as_json:
        print_json({"removed": removed})
    else:
        note(f"Removed {removed} failed job{'' if removed == 1 else 's'}.", style="")


def _remove(jobs: Iterator[FailedJob] | Iterable[FailedJob]) -> int:
    removed = 0
    for job in jobs:
        failed_jobs.forget(job)
        removed += 1
    return removed
