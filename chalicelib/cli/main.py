"""`pilot`: the operator's command line, for the local system and for deployed stages alike."""

from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

import click

from chalicelib import integrations
from chalicelib.cli.analytics import analytics
from chalicelib.cli.appointments import appointments
from chalicelib.cli.calls import calls
from chalicelib.cli.customers import customers
from chalicelib.cli.due import due
from chalicelib.cli.fic import fic
from chalicelib.cli.files import files
from chalicelib.cli.logs import logs
from chalicelib.cli.queues import queue
from chalicelib.cli.release import release_check
from chalicelib.cli.routes import routes
from chalicelib.cli.schedules import schedules
from chalicelib.cli.series import series
from chalicelib.cli.stage import STAGES, Stage
from chalicelib.cli.status import status
from chalicelib.cli.subscriptions import subscriptions
from chalicelib.cli.switches import switch, vendors
from chalicelib.cli.text import text
from chalicelib.cli.waiting import waiting
from chalicelib.cli.work import work


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--stage", type=click.Choice(STAGES), default="local", help="The system to work on.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--local-dir",
    envvar="PILOT_LOCAL_DIR",
    type=click.Path(path_type=Path),
    hidden=True,
    help="Where the local system keeps its data.",
)
@click.pass_context
def cli(context: click.Context, stage: str, as_json: bool, local_dir: Path | None) -> None:
    """Look after PilotPractice: what runs, queues, failed jobs, schedules, logs, routes, books, balances and figures.

    Exit codes: 0 all is well, 1 something failed or was found wrong, 2 the command was not understood.
    """
    chosen = Stage(stage, as_json)
    context.obj = replace(chosen, folder=local_dir) if local_dir else chosen


for command in (
    status,
    routes,
    queue,
    work,
    schedules,
    due,
    logs,
    calls,
    appointments,
    customers,
    series,
    fic,
    text,
    subscriptions,
    analytics,
    release_check,
    waiting,
    vendors,
    switch,
    files,
):
    cli.add_command(command)

for vendor in iter_modules(integrations.__path__):
    # A vendor's own commands go when its folders go.
    if vendor.ispkg and find_spec(f"chalicelib.cli.{vendor.name}"):
        cli.add_command(getattr(import_module(f"chalicelib.cli.{vendor.name}"), vendor.name))
