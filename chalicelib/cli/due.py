"""`pilot due`: jobs that wait for their time."""

from datetime import timedelta
from typing import Any

import click

from chalicelib.cli.output import Failed, note, print_json, print_table
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core import due as due_work
from chalicelib.core.clock import now, stamp
from chalicelib.core.due import Due
from chalicelib.core.errors import NotFound
from chalicelib.core.unit import Actor, Unit

OPERATOR = Actor("system", "pilot-cli")
COLUMNS = {"due_at": "Due", "job": "Job", "key": "Key", "company_id": "Company", "handed": "Handed over"}
MOST = 100


@click.group()
def due() -> None:
    """Jobs that wait for their time."""


@due.command("list")
@click.option("--company", help="Only this company's, by key; all companies', the earliest first, otherwise.")
@click.option("--days", type=click.IntRange(1, 3660), default=3660, help="Only those due within so many days.")
@on_stage
def list_due(stage: Stage, company: str | None, days: int) -> None:
    """What is scheduled, at most a hundred of it."""
    stage.connect()
    until = now() + timedelta(days=days)
    if company is None:
        found = due_work.by_time(until, MOST)
    else:
        found = [one for one in due_work.of_company(company, limit=MOST).data if one.due_at <= stamp(until)]
    print_table([_row(one) for one in found], COLUMNS, as_json=stage.as_json)
    if len(found) == MOST and not stage.as_json:
        note(f"There may be more than {MOST}; narrow it with --company or --days.")


@due.command()
@click.argument("company")
@click.argument("key")
@on_stage
def show(stage: Stage, company: str, key: str) -> None:
    """What is scheduled under KEY of COMPANY, as JSON."""
    stage.connect()
    print_json(_row(_get(company, key)))


@due.command()
@click.argument("company")
@click.argument("key")
@on_stage
def cancel(stage: Stage, company: str, key: str) -> None:
    """Let what is scheduled under KEY of COMPANY not be done."""
    stage.connect()
    found = _get(company, key)
    unit = Unit(company, OPERATOR)
    unit.unschedule(key)
    unit.audit("due.cancelled", key, job=found.job, due_at=found.due_at)
    unit.commit()
    note(f"{found.job}, due {found.due_at}, will not be done.")


def _get(company: str, key: str) -> Due:
    try:
        return due_work.get(company, key)
    except NotFound as error:
        raise Failed(f"{error.detail} `pilot due list --company {company}` shows what is.") from None


def _row(one: Due) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__struct_fields__}
