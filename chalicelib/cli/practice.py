"""`pilot practice`: looking after what a practice consists of."""

from functools import partial

import click

from chalicelib.booking.changes import reindex as reindex_appointments
from chalicelib.booking.changes.reindex import Reindexed
from chalicelib.cli.output import note, print_table
from chalicelib.cli.queues import OPERATOR
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core.unit import Unit
from chalicelib.identity.store import companies

COLUMNS = {"company": "Company", "branches": "Branches", "appointments": "Appointments"}


@click.group()
def practice() -> None:
    """Branches, services and staff, and the keys that they and their appointments are found by."""


@practice.command()
@click.option("--company", help="Only this company.")
@on_stage
def reindex(stage: Stage, company: str | None) -> None:
    """Give what an older version stored the keys it is found by now; run it once after an update, again if in doubt.

    Branches that visitors' requests do not find, appointments that nobody marks as completed.
    """
    stage.connect()
    rows = []
    for company_id in [company] if company else [found.id for found in companies()]:
        done = Reindexed()
        for done in reindex_appointments.reindex(partial(Unit, company_id, OPERATOR), company_id):
            note(f"{company_id}: {done.branches} branches, {done.appointments} appointments")
        rows.append({"company": company_id, "branches": done.branches, "appointments": done.appointments})
    print_table(rows, COLUMNS, as_json=stage.as_json, empty="No company.")
