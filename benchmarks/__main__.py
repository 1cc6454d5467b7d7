"""`make bench`: measures, prints, and writes the tables into docs/performance.md."""

import sys
from pathlib import Path

from rich.console import Console

from benchmarks import (
    analytics,
    backlog,
    cold_start,
    due,
    fic_sync,
    operations,
    report,
    searching,
    system,
    text_sessions,
)
from infra import package


def main() -> int:
    """Exit 1 when a function starts slower than allowed; a row with a comma is a rarer path of one, shown only."""
    console = Console()
    with console.status("packaging"):
        if package.main(["--stage", "dev"]) != 0:
            return 2
    with system.running() as practice:
        # First, while there is little in the tables: a sweep with work to do is not a cold start.
        with console.status("starting every function cold, by turns with the bare handler: some ten minutes"):
            starts = cold_start.measure(cold_start.PACKAGE, practice)
        with console.status("counting requests"):
            costs = operations.costs(practice) + searching.costs(practice) + analytics.costs(practice)
            costs += text_sessions.costs()  # last: its appointments are of a branch that is not there
        with console.status("working off a backlog of calls"):
            waiting = backlog.costs()
        with console.status("scheduling, handing over and doing due work, 100,000 more waiting"):
            due_costs, lateness = due.costs(), due.lateness()
        with console.status("timing the booking call"):
            times = operations.booking_times()
        with console.status("timing the search for free times"):
            searches = searching.times()
        with console.status("letting a thousand text sessions tick, for a minute and a half"):
            ticks = text_sessions.ticking_times()
        with console.status("reading 10,000 invoices, twice"):
            syncs = fic_sync.measure()
    measured = report.Measured(costs, waiting, due_costs, lateness, times, searches, ticks, syncs, starts)
    report.write(Path("docs/performance.md"), measured, console)
    slow = [start for start in starts if start.ratio > cold_start.MOST and "," not in start.name]
    for start in slow:
        console.print(
            f"[red]{start.name} starts at {start.ratio:.2f} × the bare handler, more than {cold_start.MOST}[/]"
        )
    return 1 if slow else 0


sys.exit(main())
