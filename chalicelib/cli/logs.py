"""`pilot logs`."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import click
import msgspec

from chalicelib.cli.log_lines import Line, show
from chalicelib.cli.log_sources import CloudLogs, LocalLogs, Source
from chalicelib.cli.output import Failed, note
from chalicelib.cli.stage import Stage, as_one, on_stage
from chalicelib.core.clock import now

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
DEFAULT_SINCE = timedelta(hours=1)
POLL_SECONDS = 0.3
CLOUD_POLL_SECONDS = 3.0
"""FilterLogEvents is throttled per account, and each poll asks every log group."""


class _Age(click.ParamType[timedelta]):
    """How long ago: 90s, 15m, 2h, 3d."""

    name = "15m|2h|3d"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        found = re.fullmatch(r"(\d{1,6})([smhd])", value)
        if not found:
            self.fail(f"{value!r} is not an age such as 90s, 15m, 2h or 3d.")
        return timedelta(**{UNITS[found[2]]: int(found[1])})


class _Id(click.ParamType[str]):
    """An id as log lines carry it."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[\w:.=-]{1,200}", value):
            self.fail(f"{value!r} is not the id of a request, a job or an event.")
        return str(value)


class LogFilter(msgspec.Struct, frozen=True):
    """Which lines: of one request, of processes with that in their name, not older, at most so many."""

    request: str | None
    name: str
    since: timedelta | None
    limit: int


@click.command()
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--request", type=_Id(), help="Only what belongs to this request (X-Request-Id), its jobs included.")
@click.option("--function", "name", default="", help="Only processes or Lambdas with this in their name.")
@click.option("--since", type=_Age(), help="Not older than this. [default: an hour; for the local system all]")
@click.option("--limit", type=click.IntRange(1, 100_000), default=200, help="At most so many, the newest.")
@on_stage
@as_one("only", LogFilter)
def logs(stage: Stage, follow: bool, only: LogFilter) -> None:
    """What the system says, in order of time."""
    source, after = _source(stage, only.name, only.since)
    lines = recent(source, only.request, after, only.limit)
    for line in lines:
        show(line, as_json=stage.as_json)
    if follow:
        every = POLL_SECONDS if stage.local else CLOUD_POLL_SECONDS
        try:
            for line in followed(source, only.request, lambda: time.sleep(every)):
                show(line, as_json=stage.as_json)
        except KeyboardInterrupt:
            return
    elif not lines and not stage.as_json:
        note("No such lines." + ("" if stage.local else " Older ones: --since 1d."))


def _source(stage: Stage, name: str, since: timedelta | None) -> tuple[Source, datetime | None]:
    if stage.local:
        folder = stage.folder / "logs"
        if not folder.is_dir():
            raise Failed(f"There are no logs in {folder}: `make run` writes them.")
        return LocalLogs(folder, name), now() - since if since else None
    stage.connect()
    source = CloudLogs(stage.prefix, name, now() - (since or DEFAULT_SINCE))
    if not source.groups():
        raise Failed(f"Stage {stage.name} has no such log groups: has it been deployed to this account and region?")
    return source, None  # CloudWatch itself leaves out what is older


def recent(source: Source, request: str | None, after: datetime | None, limit: int) -> list[Line]:
    """The newest lines, at most `limit`, in order of time."""
    found = [line for line in source.read(request) if line.belongs_to(request) and _not_before(line, after)]
    found.sort(key=lambda line: line.at)
    return found[-limit:]


def _not_before(line: Line, after: datetime | None) -> bool:
    if after is None:
        return True
    try:
        at = datetime.fromisoformat(line.at)
    except ValueError:
        return True
    return at.tzinfo is None or at >= after


def followed(source: Source, request: str | None, wait: Callable[[], None]) -> Iterator[Line]:
    """New lines as they come, for ever; `wait` is called between looks."""
    while True:
        fresh = [line for line in source.read(request) if line.belongs_to(request)]
        yield from sorted(fresh, key=lambda line: line.at)
        wait()
