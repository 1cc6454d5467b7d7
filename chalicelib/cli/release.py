"""`pilot release-check`: what is looked at before a release: every chain, and what a backfill would do."""

import click
from rich.text import Text

from chalicelib.cli.appointments import COLUMNS, outcomes, row_of, show_outcomes, summary, verdicts
from chalicelib.cli.output import console, finish, print_json, print_table, progress
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.cli.work import connect_as_worker
from chalicelib.core.dry_run import in_dry_run


@click.command("release-check")
@click.option("--company", help="Only this company's calls.")
@on_stage
def release_check(stage: Stage, company: str | None) -> None:
    """Judge every chain and try the backfill as a dry run; exit code 1 when anything is found. Writes nothing."""
    connect_as_worker(stage)
    checked, broken = 0, []
    for owner, verdict in progress(verdicts(company), "chains"):
        checked += 1
        if not verdict.valid:
            broken.append((owner, verdict))
    with in_dry_run():
        backlog = list(outcomes(None, company))
    ok = not broken and not backlog
    if stage.as_json:
        print_json({"ok": ok, "checked": checked, "broken": [verdict for _, verdict in broken], "backfill": backlog})
        finish(ok)
        return
    _title(f"Chains on {stage.name}: {checked} checked, {len(broken)} broken", not broken)
    if broken:
        print_table([row_of(owner, verdict) for owner, verdict in broken], COLUMNS)
    _title(f"Backfill on {stage.name}: {len(backlog)} calls without their appointment", not backlog)
    if backlog:
        console.print(Text(f"What `pilot appointments backfill --all` would do: {summary(show_outcomes(backlog))}"))
    finish(ok)


def _title(text: str, ok: bool) -> None:
    mark = Text("✓ ", style="green") if ok else Text("✗ ", style="bold red")
    console.print(mark + Text(text, style="bold"))
