"""`pilot analytics`: a company's figures, and counting them anew from the records."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

import click

from chalicelib.analytics import figures, read_figures, rebuild_counters
from chalicelib.analytics.periods import Period, range_of
from chalicelib.cli.output import note, print_table
from chalicelib.cli.queues import OPERATOR
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.identity.store import companies

COLUMNS = {
    "company": "Company",
    "from": "From",
    "to": "To",
    "booked": "Booked",
    "due": "Due",
    "cancelled": "Cancelled",
    "no_shows": "No-shows",
    "completed": "Completed",
    "minutes": "Minutes",
    "available": "Available",
    "searches": "Searches",
    "lead_hours": "Lead (h)",
}
DATE = click.DateTime(["%Y-%m-%d"])
pause: Callable[[float], object] = time.sleep


@click.group()
def analytics() -> None:
    """Figures: what is searched, booked, kept and missed."""


@analytics.command()
@click.option("--company", help="Only this company.")
@click.option("--branch", help="Only this branch; name its --company.")
@click.option("--from", "first", type=DATE, help="The first day; thirty days ago unless given.")
@click.option("--to", "last", type=DATE, help="The last day; today unless given.")
@on_stage
def show(stage: Stage, company: str | None, branch: str | None, first: datetime | None, last: datetime | None) -> None:
    """Show what was counted: up to 62 days day by day (those with anything), up to 731 by months, and the sum."""
    if branch and not company:
        raise click.UsageError("Name the --company of the branch.")
    stage.connect()
    rows = []
    for company_id in _companies(company):
        today = read_figures.today(company_id, branch, now)
        span = range_of(first and first.date(), last and last.date(), today)
        searched = read_figures.with_searches(company_id, branch, span)
        available = {one.range: one.available for one in read_figures.with_available(company_id, branch, span)}
        periods = [Period(one.range, one.counters, one.searches, available[one.range]) for one in searched]
        rows += [_row(company_id, [one]) for one in periods if one.counters or one.searches]
        rows.append(_row(company_id, periods))
    print_table(rows, COLUMNS, as_json=stage.as_json, empty="No company.")


def _row(company_id: str, periods: list[Period]) -> dict[str, object]:
    kept, ahead = figures.cancellations(periods).total, figures.lead_time(periods).total
    return {
        "company": company_id,
        "from": kept.first.isoformat(),
        "to": kept.last.isoformat(),
        "booked": ahead.bookings,
        "due": kept.due,
        "cancelled": kept.cancelled,
        "no_shows": kept.no_shows,
        "completed": kept.completed,
        "minutes": figures.utilisation(periods).total.booked_minutes,
        "available": sum(one.available for one in periods),
        "searches": sum(one.searches for one in periods),
        "lead_hours": ahead.average_hours,
    }


@analytics.command()
@click.option("--company", help="Only this company.")
@on_stage
def rebuild(stage: Stage, company: str | None) -> None:
    """Count all appointments anew from the records, and measure days on which nobody measured what is available.

    What is shown stays until the new count is complete. It can be stopped and run again: it goes on where it was.
    Searches of free times stand in no record and stay as they are.
    """
    stage.connect()
    rows = []
    for company_id in _companies(company):
        done = 0
        for done in rebuild_counters.rebuild(partial(Unit, company_id, OPERATOR), company_id, now, pause):
            note(f"{company_id}: {done} appointments")
        rows.append({"company": company_id, "appointments": done})
    print_table(rows, {"company": "Company", "appointments": "Counted"}, as_json=stage.as_json, empty="No company.")


def _companies(company: str | None) -> list[str]:
    return [company] if company else [found.id for found in companies()]
