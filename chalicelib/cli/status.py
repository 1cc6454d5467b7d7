"""`pilot status`: whether everything that has to run does, what it did last, and what waits for it."""

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import msgspec
from rich.text import Text

from chalicelib.cli.failures import EXPLAINABLE, explained
from chalicelib.cli.output import bad, console, finish, note, print_json, print_table
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core.clock import now
from chalicelib.core.ops_health import OpsHealth, look

PROCESSES = {
    "name": "Process",
    "alive": "Alive",
    "pid": "Pid",
    "restarts": "Restarts",
    "does": "Does",
    "last_job": "Last job",
    "at": "At",
    "backlog": "Backlog",
}
WORKERS = {
    "queue": "Queue",
    "status": "Worker",
    "seen_at": "Seen at",
    "last_job": "Last job",
    "waiting": "Waiting",
    "delayed": "Delayed",
    "in_flight": "In flight",
    "oldest_seconds": "Oldest, s",
    "dead_letters": "Dead letters",
}
SCHEDULES = {"name": "Schedule", "schedule": "When (UTC)", "status": "Status", "ran_at": "Ran at"}
WRONG = ("late", "failed", "silent")
UNSAVED = timedelta(minutes=1)
"""Three times as long as what has changed should wait for being saved."""


@click.command()
@click.option("--check", is_flag=True, help="Exit 1 when anything is dead, late or failing.")
@on_stage
def status(stage: Stage, check: bool) -> None:
    """Workers, relay and schedules: alive, what they did last, what waits for them. Locally every process as well.

    What was done last is noted once a minute at most.
    """
    facts = stage.ready() if stage.local else {}
    stage.connect()
    health = trouble = None
    try:
        health = look(now())
    except EXPLAINABLE as error:
        # Of the processes one can tell all the same, and that is when one wants to know.
        trouble = explained(error, stage.name)
    rows, data = _processes(facts, health), _data(stage) if stage.local else None
    if stage.as_json:
        print_json({"processes": rows, "data": data, "health": health})
    else:
        _show(stage, rows, data, health)
    if trouble:
        raise trouble
    well = health is not None and health.ok and all(row["alive"] for row in rows) and (data is None or _kept(data))
    finish(well or not check)


def _processes(facts: dict[str, Any], health: OpsHealth | None) -> list[dict[str, Any]]:
    restarts: dict[str, int] = facts.get("restarts", {})
    return [
        {
            "name": name,
            "alive": _alive(pid),
            "pid": pid,
            "restarts": restarts.get(name, 0),
            **_work_of(name, health),
        }
        for name, pid in facts.get("pids", {}).items()
    ]


def _work_of(name: str, health: OpsHealth | None) -> dict[str, Any]:
    nothing = {"does": None, "last_job": None, "at": None, "backlog": None}
    if name == "aws":
        return nothing | {"does": "silent" if health is None else "ok"}
    if health is None:
        return nothing
    for worker in health.workers:
        if name == f"worker-{worker.queue}":
            backlog = worker.waiting + worker.delayed + worker.in_flight
            return {"does": worker.status, "last_job": worker.last_job, "at": worker.seen_at, "backlog": backlog}
    if name == "relay":
        return nothing | {"does": health.relay.status, "at": health.relay.seen_at}
    if name == "scheduler":
        ran = [one for one in health.schedules if one.ran_at]
        last = max(ran, key=lambda one: one.ran_at or health.at, default=None)
        does = next((word for word in WRONG if any(one.status == word for one in health.schedules)), "ok")
        return nothing | {"does": does, "last_job": last and last.name, "at": last and last.ran_at}
    return nothing


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _data(stage: Stage) -> dict[str, Any]:
    """What the embedded AWS has saved: as of when, how many bytes, and since when there is more than that."""
    folder = stage.folder / "aws"
    try:
        saved: dict[str, Any] = json.loads((folder / "current.json").read_text())
        # It takes a file away when something changes: that is when its folder changed last.
        since = None if (folder / "unchanged").exists() else folder.stat().st_mtime
    except (OSError, ValueError):
        return {"as_of": None, "size": None, "unsaved_since": None}
    return {
        "as_of": datetime.fromisoformat(saved["as_of"]),
        "size": saved["size"],
        "unsaved_since": None if since is None else datetime.fromtimestamp(since, UTC),
    }


def _kept(data: dict[str, Any]) -> bool:
    return data["unsaved_since"] is None or now() - data["unsaved_since"] <= UNSAVED


def _show(stage: Stage, rows: list[dict[str, Any]], data: dict[str, Any] | None, health: OpsHealth | None) -> None:
    if rows:
        print_table([_readable(row) for row in rows], PROCESSES)
    if data:
        console.print(_data_line(data))
    if health is None:
        return
    if not rows:
        print_table([_readable(msgspec.structs.asdict(one)) for one in health.workers], WORKERS)
        pending = health.relay.pending_seconds
        waits = "nothing waits for it" if pending is None else f"an event has waited for it for {pending} s"
        console.print(Text("\nThe relay is ") + _word(health.relay.status) + Text(f"; {waits}."))
    shown = health.schedules if not rows else [one for one in health.schedules if one.status in WRONG]
    if shown:
        console.print()
        print_table([_readable(msgspec.structs.asdict(one)) for one in shown], SCHEDULES)
    _advise(stage, health)


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    shown = {key: _time(value) if isinstance(value, datetime) else value for key, value in row.items()}
    for key in ("status", "does"):
        if shown.get(key):
            shown[key] = _word(shown[key])
    if shown.get("dead_letters"):
        shown["dead_letters"] = bad(shown["dead_letters"])
    if shown.get("alive") is False:
        shown["alive"] = bad("no")
    return shown


def _word(word: str) -> Text:
    return bad(word) if word in WRONG else Text(word)


def _time(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _data_line(data: dict[str, Any]) -> Text:
    if data["as_of"] is None:
        return Text("\nNo data is saved yet.")
    line = Text(f"\nThe data is saved as of {_time(data['as_of'])} ({data['size'] / 1e6:.1f} MB)")
    if data["unsaved_since"] is None:
        return line + Text("; nothing has changed since.")
    more = f"what has changed since {_time(data['unsaved_since'])} is not saved yet"
    return line + Text("; ") + (Text(more) if _kept(data) else bad(more)) + Text(".")


def _advise(stage: Stage, health: OpsHealth) -> None:
    late = _names(one.queue for one in health.workers if one.status == "late")
    dead = _names(one.queue for one in health.workers if one.dead_letters)
    flag = "" if stage.local else f" --stage {stage.name}"
    if health.switched_off:
        off = _names(one.name for one in health.switched_off)
        note(f"Switched off: {off}. `pilot{flag} switch` says since when and why.", style="bold red")
    if late:
        note(f"Late: {late}. `pilot{flag} logs` tells what the workers say.", style="bold red")
    if dead:
        note(f"Dead letters lie in {dead}. `pilot{flag} queue status` counts them.", style="bold red")


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)
