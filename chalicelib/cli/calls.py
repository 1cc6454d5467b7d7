"""`pilot calls`: watching them arrive, pulling them from Retell, and those that belong to nobody."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import click
from rich.text import Text

from chalicelib.calls import call_notes, call_owner, chain, list_store
from chalicelib.calls.analysis import read_booking
from chalicelib.calls.backfill import adopt_orphan
from chalicelib.calls.backfill_placement import Reads
from chalicelib.calls.call import Call
from chalicelib.calls.chain import Chain
from chalicelib.calls.import_calls import Imported, import_calls
from chalicelib.cli.appointments import company_ids, company_of
from chalicelib.cli.output import console, finish, note, print_json, print_table, progress
from chalicelib.cli.queues import OPERATOR
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.cli.work import connect_as_worker
from chalicelib.core.clock import now, stamp
from chalicelib.core.errors import Stale
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit

EVERY_SECONDS = 2.0
LATE = timedelta(hours=1)
"""A call stands where it began: one that is reported this late is still seen."""
NEWEST = 50
ORPHANS_AT_ONCE = 40
ORPHANS = {
    "call": "Call",
    "began": "Began",
    "event_type": "By event type",
    "number": "By number",
    "default": "By default",
    "company": "Would be",
}
IMPORTED = {"call": "Call", "done": "Done", "company": "Company", "reason": "Reason"}
Wait = Callable[[float], object]
pause: Wait = time.sleep


@click.group()
def calls() -> None:
    """Calls with the voice agent."""


@calls.command()
@click.option("--company", help="Only this company's calls.")
@on_stage
def watch(stage: Stage, company: str | None) -> None:
    """Show calls as they arrive and change, each judged by the chain, until Ctrl-C."""
    stage.connect()
    note("Watching for calls. Ctrl-C stops.")
    seen: Counter[str] = Counter()
    try:
        for call, verdict in news(company_ids(company), pause):
            seen["calls"] += 1
            if stage.as_json:
                print_json({"call": call, "chain": verdict})
            else:
                console.print(line_of(call, verdict), soft_wrap=True)
    except KeyboardInterrupt:
        note(f"Stopped after {seen['calls']} lines.")


def news(company_ids: Sequence[str], wait: Wait, rounds: int | None = None) -> Iterator[tuple[Call, Chain]]:
    """Every call that began since an hour ago, when it is first seen and when its status or verdict has changed.

    A round is a Query a company, by index and of the newest alone, and one read of what the changed ones lead to.
    """
    known: dict[str, tuple[int, int]] = {}
    seen: dict[str, tuple[str, tuple[str, ...]]] = {}
    while rounds is None or rounds > 0:
        rounds = None if rounds is None else rounds - 1
        for company_id in company_ids:
            found = list_store.newest_calls(company_id, now() - LATE, NEWEST)
            changed = [call for call in reversed(found) if known.get(call.id) != (call.version, call.link_version)]
            for call, verdict in chain.validate(changed):
                known[call.id] = call.version, call.link_version
                state = call.facts.status, _problems(call, verdict)
                if seen.get(call.id) != state:
                    seen[call.id] = state
                    yield call, verdict
        wait(EVERY_SECONDS)


def _problems(call: Call, verdict: Chain) -> tuple[str, ...]:
    """What is wrong: of a call that wanted no booking only that it is nobody's."""
    if call.link.concerns_booking:
        return verdict.missing
    return tuple(name for name in verdict.missing if name == "call_has_company")


def line_of(call: Call, verdict: Chain) -> Text:
    """A call in a line, problems in red."""
    facts, problems = call.facts, _problems(call, verdict)
    began = f"{call.created_at:%Y-%m-%d %H:%M:%S}"
    line = Text(f"{began}  {call.id}  ") + Text(f"{facts.direction or '?':8} {facts.status:13} ", style="cyan")
    if problems:
        return line + Text(f"✗ {', '.join(problems)}", style="bold red")
    if call.link.concerns_booking:
        return line + Text(f"✓ {call.link.appointment_id}", style="green")
    return line + Text("no booking", style="dim")


@calls.command("import")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), required=True, help="UTC.")
@click.option("--company", help="Only this company's calls.")
@on_stage
def import_(stage: Stage, since: datetime, company: str | None) -> None:
    """Pull calls from Retell that began at or after a time, and record them as its webhooks would.

    What is complete here is left alone, so it can be stopped and run again. Exit code 1 when a call could not be read.
    """
    from chalicelib.vendors.retell.calls import connected

    connect_as_worker(stage)
    retell = connected()
    reached = since.replace(tzinfo=UTC)
    counts: Counter[str] = Counter()
    rows = []
    try:
        found = import_calls(retell, reached, lambda owner: Unit(owner, OPERATOR), pause, company)
        for one in progress(found, "calls"):
            counts[one.done] += 1
            reached = one.started_at or reached
            if one.done == "failed":
                rows.append(_imported(one))
    except BaseException:
        note(f"Ended early. To go on: --since {reached:%Y-%m-%dT%H:%M:%S}", style="yellow")
        raise
    finally:
        retell.close()
    if stage.as_json:
        print_json({"counts": counts, "failed": rows})
    else:
        print_table(rows, IMPORTED, empty=", ".join(f"{n} {kind}" for kind, n in counts.items()) or "No calls.")
    finish(not rows)


def _imported(one: Imported) -> dict[str, object]:
    return {"call": one.retell_call_id, "done": one.done, "company": one.company_id, "reason": one.reason}


@calls.command()
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="UTC; all when absent.")
@click.option("--adopt", is_flag=True, help="Give those to their company for which a rule finds one by now.")
@on_stage
def orphans(stage: Stage, since: datetime | None, adopt: bool) -> None:
    """List the calls that belong to no company, with the reason each rule gave."""
    connect_as_worker(stage)
    begun = stamp(since.replace(tzinfo=UTC)) if since else "0"
    rows, adopted = [], 0
    for call, owner, tried in _orphans(begun):
        row: dict[str, object] = {"call": call.id, "began": f"{call.created_at:%Y-%m-%d %H:%M}"}
        row |= {each.rule.replace(" ", "_"): each.reason for each in tried}
        if owner:
            row["company"] = owner.company_id
            if adopt and _adopted(call, owner):
                adopted += 1
        rows.append(row)
    print_table(rows, ORPHANS, as_json=stage.as_json, empty="Every call has its company.")
    if adopt:
        note(f"{adopted} calls now belong to their company.")


def _adopted(call: Call, owner: call_owner.Owner) -> bool:
    try:
        adopt_orphan(Unit(owner.company_id, OPERATOR), call, owner.branch_id)
    except Stale:  # Retell has news of it at this moment; next time
        return False
    return True


def _orphans(begun: str) -> Iterator[tuple[Call, call_owner.Owner | None, tuple[call_owner.Tried, ...]]]:
    default = call_owner.read_default(settings().default_company)
    batch: list[Call] = []
    for call in list_store.calls_after(PLATFORM, begun):
        batch.append(call)
        if len(batch) == ORPHANS_AT_ONCE:
            yield from _judged(batch, default)
            batch = []
    yield from _judged(batch, default)


def _judged(
    batch: Sequence[Call], default: call_owner.Default
) -> Iterator[tuple[Call, call_owner.Owner | None, tuple[call_owner.Tried, ...]]]:
    reads = Reads()
    bookings = [read_booking(call.link.booking_details) for call in batch]
    reads([key for call, booking in zip(batch, bookings, strict=True) for key in call_owner.keys(booking, call.facts)])
    for call, booking in zip(batch, bookings, strict=True):
        yield (call, *call_owner.owner(booking, call.facts, default, reads))


@calls.command()
@click.argument("call")
@click.argument("legacy_id")
@click.option("--company", help="Whose call it is.")
@on_stage
def number(stage: Stage, call: str, legacy_id: str, company: str | None) -> None:
    """Let CALL be found by its number in an older system as well."""
    stage.connect()
    done = call_notes.give_number(Unit(company or company_of(call), OPERATOR), call, legacy_id)
    note(f"{done.id} is also {legacy_id}.", style="green")
