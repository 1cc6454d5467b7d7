"""`pilot series`: what became of a series of appointments."""

import click
from rich.text import Text

from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.finish import SeriesProgress, progress_of
from chalicelib.cli.company import company_option, named_or_only
from chalicelib.cli.output import Failed, finish, note, print_json, print_table
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core.errors import NotFound

COLUMNS = {"at": "Planned", "state": "State", "now": "Now", "appointment": "Appointment"}
STYLES = {"confirmed": "green", "completed": "green", "held": "yellow"}


@click.group()
def series() -> None:
    """Series of appointments."""


@series.command()
@click.argument("series_id")
@company_option
@on_stage
def show(stage: Stage, series_id: str, company: str | None) -> None:
    """Every occurrence of a series and what became of it.

    Exit code 1 while its times are held and not booked, while a change of it is unfinished, and when it failed.
    """
    stage.connect()
    try:
        found = progress_of(series_store.get_series(named_or_only(company), series_id))
    except NotFound as error:
        raise Failed(error.detail) from None
    this = found.series
    if stage.as_json:
        print_json({"series": this, "appointments": list(found.appointments.values())})
    else:
        print_table(_rows(found), COLUMNS, empty="It has no occurrences.")
        change = f"; {this.change.kind} of {this.change.scope} unfinished" if this.change and this.changing() else ""
        note(f"{this.id} is {this.status}{change}. Times are {this.zone}'s.")
    finish(this.status == "booked" and not this.changing())


def _rows(found: SeriesProgress) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    clock = found.series.clock()
    for one in found.series.occurrences:
        made = found.appointments.get(one.appointment_id or "")
        state = made.status if made else one.code or "held"
        now = f"{made.starts_at.astimezone(clock):%a %Y-%m-%d %H:%M}" if made else ""
        rows.append(
            {
                "at": f"{one.starts_at.astimezone(clock):%a %Y-%m-%d %H:%M}",
                "state": Text(state, style=STYLES.get(state, "dim")),
                "now": now,
                "appointment": one.appointment_id or "",
            }
        )
    return rows
