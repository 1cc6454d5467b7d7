"""`pilot appointments`: whether calls that wanted a booking lead to their appointments, and making those that lack."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import nullcontext

import click
from rich.text import Text

from chalicelib.calls import call_owner, chain, list_store, store
from chalicelib.calls.backfill import Backfill, Outcome
from chalicelib.calls.chain import Chain
from chalicelib.cli.output import Failed, console, finish, note, print_json, print_table, progress, stream_json
from chalicelib.cli.queues import OPERATOR
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.cli.work import connect_as_worker
from chalicelib.core import directory
from chalicelib.core.clock import now
from chalicelib.core.dry_run import in_dry_run
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from chalicelib.identity.store import companies

COLUMNS = {"call": "Call", "company": "Company", "verdict": "Verdict", "failed": "Failed criteria"}
STYLES = {"booked": "green", "linked": "green", "nothing": "dim", "failed": "bold red"}
DONE = {
    "booked": "appointment made",
    "linked": "appointment linked",
    "nothing": "nothing to do",
    "failed": "cannot be done",
}


@click.group()
def appointments() -> None:
    """Appointments and the calls they came from."""


@appointments.command("validate-chain")
@click.argument("call", required=False)
@click.option("--company", help="Only this company's calls.")
@on_stage
def validate_chain(stage: Stage, call: str | None, company: str | None) -> None:
    """Check the nine criteria from call to appointment, of one CALL (any id of it) or of all that wanted one.

    Exit code 1 when anything fails.
    """
    stage.connect()
    if call:
        _one(stage, call, company)
    else:
        _all(stage, company)


@appointments.command()
@click.argument("call", required=False)
@click.option("--all", "everything", is_flag=True, help="Every call that was booked and has no appointment here.")
@click.option("--company", help="Only this company's calls.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@on_stage
def backfill(stage: Stage, call: str | None, everything: bool, company: str | None, dry_run: bool) -> None:
    """Make the appointments of calls that were booked and have none here, from what their booking_details say.

    A call is done once, however often this runs; what cannot be done is listed with its reason, and tried again next
    time. Exit code 1 when there is such a call.
    """
    if bool(call) == everything:
        raise click.UsageError("Name one CALL, or say --all.")
    connect_as_worker(stage)
    with in_dry_run() if dry_run else nullcontext():
        counts = show_outcomes(outcomes(call, company), as_json=stage.as_json)
    note(f"{summary(counts)}{' Dry run: nothing was written.' if dry_run else ''}")
    finish(not counts["failed"])


def outcomes(call: str | None, company: str | None) -> Iterator[Outcome]:
    """Backfill one call, or all with a progress bar."""
    worker = Backfill(lambda owner: Unit(owner, OPERATOR), now, call_owner.read_default(settings().default_company))
    if call:
        owner = company or company_of(call)
        yield worker.one(store.get_call(owner, call))
        return
    owners = company_ids(company)
    total = sum(map(list_store.count_backlog, owners))
    yield from progress(worker.all(owners), "calls", total=total)


def show_outcomes(found: Iterable[Outcome], *, as_json: bool = False) -> Counter[str]:
    """Print each as it comes; returns how many there were of each kind."""
    counts: Counter[str] = Counter()

    def counted() -> Iterator[Outcome]:
        for outcome in found:
            counts[outcome.done] += 1
            yield outcome

    if as_json:
        stream_json(counted())
        return counts
    for outcome in counted():
        console.print(Text(f"{outcome.call_id} ") + Text(DONE[outcome.done], style=STYLES[outcome.done]))
        for line in outcome.lines:
            console.print(Text(f"  {line}"), soft_wrap=True)
        if outcome.reason:
            console.print(Text(f"  {outcome.code}: {outcome.reason}", style="red"), soft_wrap=True)
    return counts


def summary(counts: Counter[str]) -> str:
    """The counts in a sentence."""
    parts = [f"{counts[kind]} {DONE[kind]}" for kind in DONE if counts[kind]]
    return f"{', '.join(parts)}." if parts else "No call waits for an appointment."


def _one(stage: Stage, call_id: str, company: str | None) -> None:
    verdict = chain.judge(chain.links_of(company or company_of(call_id), call_id))
    if stage.as_json:
        print_json(verdict)
    else:
        console.print(Text(f"Call {verdict.call_id}", style="bold"))
        for criterion in verdict.criteria:
            mark = Text("✓ ", style="green") if criterion.passed else Text("✗ ", style="bold red")
            name = criterion.name.replace("_", " ").ljust(28)
            console.print(mark + Text(name) + Text(criterion.detail, style="dim"))
    finish(verdict.valid)


def company_of(call_id: str) -> str:
    """Whose call it is (the platform's, if nobody's); raises Failed."""
    found = directory.find(store.RETELL, call_id)
    if found:
        return found.company_id
    for company_id in company_ids(None):
        if store.find_call(company_id, call_id):
            return company_id
    raise Failed(f"There is no call {call_id}. Give our id (call_…), Retell's, or its number in an older system.")


def company_ids(company: str | None) -> list[str]:
    """Whose calls a command is about: one company's, or all and nobody's."""
    return [company] if company else [*(found.id for found in companies()), PLATFORM]


def _all(stage: Stage, company: str | None) -> None:
    checked = list(progress(verdicts(company), "calls"))
    bad = [(owner, verdict) for owner, verdict in checked if not verdict.valid]
    if stage.as_json:
        print_json({"checked": len(checked), "failed": len(bad), "calls": [verdict for _, verdict in checked]})
    else:
        rows = [row_of(owner, verdict) for owner, verdict in checked]
        print_table(rows, COLUMNS, empty="No call wanted a booking yet.")
        note(f"{len(checked)} calls checked, {len(checked) - len(bad)} valid, {len(bad)} with something missing.")
    finish(not bad)


def verdicts(company: str | None) -> Iterator[tuple[str, Chain]]:
    """Every verdict with its company."""
    for company_id in company_ids(company):
        for _, verdict in chain.validate_all(company_id):
            yield company_id, verdict


def row_of(company_id: str, verdict: Chain) -> dict[str, object]:
    """A verdict for a table."""
    shown = Text("valid", style="green") if verdict.valid else Text("broken", style="bold red")
    return {"call": verdict.call_id, "company": company_id, "verdict": shown, "failed": ", ".join(verdict.missing)}
