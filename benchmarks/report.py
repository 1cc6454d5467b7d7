"""Prints the measurements and writes them between the markers of docs/performance.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.backlog import CALLS, PerCall
from benchmarks.cold_start import Start
from benchmarks.counting import Count
from benchmarks.due import PerJob
from benchmarks.fic_sync import DOCUMENTS, PAGES, Cost

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Measured:
    """What one run of the bench found, a field for each table."""

    costs: list[tuple[str, Count]]
    waiting: list[PerCall]
    due_costs: list[PerJob]
    lateness: dict[str, float]
    times: dict[str, float]
    searches: dict[str, float]
    ticks: dict[str, float]
    syncs: list[Cost]
    starts: list[Start]


def write(path: Path, measured: Measured, console: Console) -> None:
    """Everything, on the console and in the file."""
    text = [f"Measured {datetime.now(UTC):%Y-%m-%d} by `make bench`.", ""]
    for title, head, rows in _tables(measured):
        console.print(_rich(title, head, rows))
        text += [f"### {title}", "", *_markdown(head, rows), ""]
    whole = path.read_text()
    before, after = whole.partition(BEGIN)[0], whole.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n" + "\n".join(text) + f"{END}{after}")


def _tables(measured: Measured) -> list[tuple[str, Sequence[str], Rows]]:
    return [
        (
            "DynamoDB per operation (the authorizer's one GetItem apart)",
            ("operation", "reads", "transactions", "other writes", "read units", "write units"),
            [
                (n, str(c.reads), str(c.transactions), str(c.writes), f"{c.read_units:g}", f"{c.write_units:g}")
                for n, c in measured.costs
            ],
        ),
        (
            f"A backlog of {CALLS} calls: DynamoDB per call, by how many other calls the company has",
            ("operation", "other calls", "requests", "read units", "write units"),
            [
                (p.name, str(p.others), f"{p.requests:.2f}", f"{p.read_units:.2f}", f"{p.write_units:.2f}")
                for p in measured.waiting
            ],
        ),
        (
            "Due work: DynamoDB per job (per sweep where nothing is due), by how many other rows wait",
            ("operation", "waiting", "requests", "read units", "write units"),
            [
                (p.name, f"{p.waiting:,}", f"{p.requests:.2f}", f"{p.read_units:.2f}", f"{p.write_units:.2f}")
                for p in measured.due_costs
            ],
        ),
        (
            "Due work: how late jobs of one minute begin, two workers",
            tuple(measured.lateness),
            [_numbers(measured.lateness)],
        ),
        (
            "The phone booking on the embedded stack, in milliseconds",
            tuple(measured.times),
            [_numbers(measured.times)],
        ),
        (
            "The search of fifty for thirty days, from HTTP request to answer, in milliseconds",
            tuple(measured.searches),
            [_numbers(measured.searches)],
        ),
        ("Text sessions that tick in the same minute, one worker", tuple(measured.ticks), [_numbers(measured.ticks)]),
        (
            f"A full run of {DOCUMENTS:,} invoices from Fatture in Cloud ({PAGES} pages of 100)",
            (
                *("run", "calls of FIC's API", "written", "DynamoDB reads", "transactions", "other writes"),
                *("read units a record", "write units a record", "records a second", "of which FIC", "peak MB"),
            ),
            [_sync(cost) for cost in measured.syncs],
        ),
        (
            "Cold start of every function",
            ("function", "ms of CPU", "ratio to the bare handler"),
            [(s.name, f"{s.ms:.0f}", f"{s.ratio:.2f}") for s in sorted(measured.starts, key=lambda s: -s.ratio)],
        ),
    ]


def _sync(cost: Cost) -> list[str]:
    counts = (cost.api_calls, cost.written, cost.reads, cost.transactions, cost.other_writes)
    units = [f"{value / DOCUMENTS:.2f}" for value in (cost.read_units, cost.write_units)]
    rate, share = DOCUMENTS / cost.seconds, cost.vendor_seconds / cost.seconds
    return [cost.name, *(str(value) for value in counts), *units, f"{rate:.0f}", f"{share:.0%}", f"{cost.peak_mb:.0f}"]


def _numbers(values: dict[str, float]) -> list[str]:
    return [f"{value:.1f}" if isinstance(value, float) else str(value) for value in values.values()]


def _rich(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    table = Table(title=title)
    for number, name in enumerate(head):
        table.add_column(name, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]
