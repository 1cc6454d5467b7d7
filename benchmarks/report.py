"""Prints the measurements and writes them between the markers of docs/performance.md."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.cold_start import Start
from benchmarks.counting import Count

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
Rows = Sequence[Sequence[str]]


def write(
    path: Path,
    costs: list[tuple[str, Count]],
    times: dict[str, float],
    ticks: dict[str, float],
    starts: list[Start],
    console: Console,
) -> None:
    """Everything, on the console and in the file."""
    tables: list[tuple[str, Sequence[str], Rows]] = [
        (
            "DynamoDB per operation (the authorizer's one GetItem apart)",
            ("operation", "reads", "transactions", "other writes", "read units", "write units"),
            [
                (n, str(c.reads), str(c.transactions), str(c.writes), f"{c.read_units:g}", f"{c.write_units:g}")
                for n, c in costs
            ],
        ),
        (
            "The phone booking on the embedded stack, in milliseconds",
            tuple(times),
            [_numbers(times)],
        ),
        ("Text sessions that tick in the same minute, one worker", tuple(ticks), [_numbers(ticks)]),
        (
            "Cold start of every function",
            ("function", "ms", "ratio to the bare handler"),
            [(s.name, f"{s.ms:.0f}", f"{s.ratio:.2f}") for s in sorted(starts, key=lambda s: -s.ratio)],
        ),
    ]
    text = [f"Measured {datetime.now(UTC):%Y-%m-%d} by `make bench`.", ""]
    for title, head, rows in tables:
        console.print(_rich(title, head, rows))
        text += [f"### {title}", "", *_markdown(head, rows), ""]
    whole = path.read_text()
    before, after = whole.partition(BEGIN)[0], whole.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n" + "\n".join(text) + f"{END}{after}")


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
