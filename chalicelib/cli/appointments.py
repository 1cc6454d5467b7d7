"""`pilot appointments`: does every call that wanted a booking lead to its appointment?"""

from collections.abc import Iterator

import click
from rich.text import Text

from chalicelib.calls import chain, store
from chalicelib.calls.chain import Chain
from chalicelib.cli.output import Failed, console, finish, note, print_json, print_table, progress
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core import directory
from chalicelib.identity.store import companies

COLUMNS = {"call": "Call", "company": "Company", "verdict": "Verdict", "failed": "Failed criteria"}


@click.group()
def appointments() -> None:
    """Appointments and the calls they came from."""


@appointments.command("validate-chain")
@click.argument("call", required=False)
@click.option("--company", help="Only this company's calls.")
@on_stage
def validate_chain(stage: Stage, call: str | None, company: str | None) -> None:
    """Check the nine criteria from call to appointment, of one CALL (our id or Retell's) or of all that wanted one.

    Exit code 1 when anything fails.
    """
    stage.connect()
    if call:
        _one(stage, call, company)
    else:
        _all(stage, company)


def _one(stage: Stage, call_id: str, company: str | None) -> None:
    verdict = chain.judge(chain.links_of(company or _company_of(call_id), call_id))
    if stage.as_json:
        print_json(verdict)
    else:
        console.print(Text(f"Call {verdict.call_id}", style="bold"))
        for criterion in verdict.criteria:
            mark = Text("✓ ", style="green") if criterion.passed else Text("✗ ", style="bold red")
            name = criterion.name.replace("_", " ").ljust(28)
            console.print(mark + Text(name) + Text(criterion.detail, style="dim"))
    finish(verdict.valid)


def _company_of(call_id: str) -> str:
    found = directory.find(store.RETELL, call_id)
    if found:
        return found.company_id
    for company in companies():
        if store.find_call(company.id, call_id):
            return company.id
    raise Failed(f"There is no call {call_id}. Give our id (call_…) or Retell's.")


def _all(stage: Stage, company: str | None) -> None:
    checked = list(progress(_verdicts(company), "calls"))
    bad = [(owner, verdict) for owner, verdict in checked if not verdict.valid]
    if stage.as_json:
        print_json({"checked": len(checked), "failed": len(bad), "calls": [verdict for _, verdict in checked]})
    else:
        rows = [_row(owner, verdict) for owner, verdict in checked]
        print_table(rows, COLUMNS, empty="No call wanted a booking yet.")
        note(f"{len(checked)} calls checked, {len(checked) - len(bad)} valid, {len(bad)} with something missing.")
    finish(not bad)


def _verdicts(company: str | None) -> Iterator[tuple[str, Chain]]:
    for company_id in [company] if company else (found.id for found in companies()):
        for verdict in chain.validate_all(company_id):
            yield company_id, verdict


def _row(company_id: str, verdict: Chain) -> dict[str, object]:
    missing = ", ".join(criterion.name for criterion in verdict.criteria if not criterion.passed)
    shown = Text("valid", style="green") if verdict.valid else Text("broken", style="bold red")
    return {"call": verdict.call_id, "company": company_id, "verdict": shown, "failed": missing}
