"""`pilot vendors` and `pilot switch`: what is switched off without a deployment."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from chalicelib.cli.output import Failed, bad, note, print_table
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core import switches
from chalicelib.core.clock import now
from chalicelib.core.events import UnknownName, job_type
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.integration import declared
from chalicelib.core.switches import KEEP_SECONDS, PUBLIC_BOOKING, Off
from chalicelib.core.unit import Actor, Unit

OPERATOR = Actor("system", "pilot-cli")
VENDORS = {"name": "Vendor", "title": "Title", "used_for": "For", "status": "Status", "since": "Since", "why": "Why"}
SWITCHES = {"name": "Switch", "since": "Off since", "why": "Why"}
why_option = click.option("--why", default="", help="Why, for whoever looks later.")


@click.group(invoke_without_command=True)
@on_stage
def vendors(stage: Stage) -> None:
    """Which vendors there are, and whether they are switched on. While one is off nothing is asked of it.

    Jobs that need it wait and lose no attempt; its schedules are left out; requests that need it are answered 503.
    """
    _unless_named(stage, _show_vendors)


@vendors.command("list")
@on_stage
def list_vendors(stage: Stage) -> None:
    """Every vendor, and since when it is off."""
    _show_vendors(stage)


def _show_vendors(stage: Stage) -> None:
    stage.connect()
    off = switches.read()
    rows = [_vendor_row(name, one.title, one.used_for, off) for name, one in declared().items()]
    if not stage.as_json:
        rows = [_readable(row) | ({"status": bad("off")} if row["status"] == "off" else {}) for row in rows]
    print_table(rows, VENDORS, as_json=stage.as_json)


def _vendor_row(name: str, title: str, used_for: str, off: dict[str, Off]) -> dict[str, Any]:
    found = off.get(switches.vendor(name))
    row = {"name": name, "title": title, "used_for": used_for, "status": "off" if found else "on"}
    return row | {"since": found.since if found else None, "why": found.why if found else ""}


@vendors.command("off")
@click.argument("name")
@why_option
@on_stage
def vendor_off(stage: Stage, name: str, why: str) -> None:
    """Ask nothing of the vendor NAME until it is switched on again."""
    _turn(stage, _vendor(name), Off(now(), why))


@vendors.command("on")
@click.argument("name")
@on_stage
def vendor_on(stage: Stage, name: str) -> None:
    """Go on with the vendor NAME; what has waited for it follows within a quarter of an hour."""
    _turn(stage, _vendor(name), None)


def _vendor(name: str) -> str:
    if name not in declared():
        raise Failed(f"There is no vendor {name}; there are {', '.join(declared())}.")
    return switches.vendor(name)


@click.group(invoke_without_command=True)
@on_stage
def switch(stage: Stage) -> None:
    """What is switched off, vendors included; `off` and `on` for visitors' booking and for any type of job.

    WHAT is `public-booking`, or a job's name as `pilot queue failed` and the log say it, such as booking.MailCustomer.
    Jobs that are off wait and lose no attempt.
    """
    _unless_named(stage, _show_switches)


@switch.command("list")
@on_stage
def list_switches(stage: Stage) -> None:
    """All that is off."""
    _show_switches(stage)


def _show_switches(stage: Stage) -> None:
    stage.connect()
    rows: list[dict[str, Any]] = [
        {"name": name, "since": off.since, "why": off.why} for name, off in sorted(switches.read().items())
    ]
    if not stage.as_json:
        rows = [_readable(row) for row in rows]
    print_table(rows, SWITCHES, as_json=stage.as_json, empty="Everything is on.")


@switch.command("off")
@click.argument("what")
@why_option
@on_stage
def switch_off(stage: Stage, what: str, why: str) -> None:
    """Switch WHAT off, until it is switched on again."""
    _turn(stage, _named(what), Off(now(), why))


@switch.command("on")
@click.argument("what")
@on_stage
def switch_on(stage: Stage, what: str) -> None:
    """Switch WHAT on again; jobs that have waited follow within a quarter of an hour."""
    _turn(stage, _named(what), None)


def _named(what: str) -> str:
    if what == PUBLIC_BOOKING:
        return what
    if what in declared():
        raise Failed(f"{what} is a vendor: `pilot vendors off {what}`.")
    try:
        return switches.job(job_type(what).name())
    except UnknownName:
        raise Failed(
            f"There is no switch {what}: name {PUBLIC_BOOKING}, or a type of job such as booking.MailCustomer."
        ) from None


def _turn(stage: Stage, name: str, off: Off | None) -> None:
    stage.connect()
    changed = switches.turn(lambda: Unit(PLATFORM, OPERATOR), name, off)
    word = "off" if off else "on"
    if changed:
        note(f"{name} is switched {word}; within {KEEP_SECONDS:.0f} seconds that is known everywhere.", style="")
    else:
        note(f"{name} is {word} already.", style="")


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    since: datetime | None = row["since"]
    return row | {"since": since and since.astimezone().strftime("%Y-%m-%d %H:%M:%S")}


def _unless_named(stage: Stage, show: Callable[[Stage], None]) -> None:
    """Show what there is, or let the command that follows know what its group was told."""
    context = click.get_current_context()
    context.obj = stage
    if context.invoked_subcommand is None:
        show(stage)
