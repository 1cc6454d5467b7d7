"""How the command line speaks: tables and colour for people, JSON for programs, notes on standard error."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 200
"""Columns when nobody looks at a terminal: lines for grep, not folded ones."""
T = TypeVar("T")
Row = Mapping[str, Any]


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPED_WIDTH
    # Data is printed as it is: a "[x]" or ":name:" in it is no markup.
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False, soft_wrap=False)


console = _console(stderr=False)
"""Answers go here."""
notes = _console(stderr=True)
"""What is said on the way: progress, advice. Never part of an answer."""


def print_table(
    rows: Sequence[Row], columns: Mapping[str, str], *, title: str = "", as_json: bool = False, empty: str = "None."
) -> None:
    """Print rows. `columns`: heading by key, in order; a value may be a rich `Text`. JSON shows every key of a row.

    Numbers stand to the right. `empty` is said instead of a table without rows (as JSON that is `[]`).
    """
    if as_json:
        print_json([dict(row) for row in rows])
        return
    if not rows:
        console.print(empty, style="dim")
        return
    table = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for key, heading in columns.items():
        numeric = all(isinstance(row.get(key), int) and not isinstance(row.get(key), bool) for row in rows)
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell(row.get(key)) for key in columns))
    console.print(table)


def cell(value: Any) -> Text:
    """A value as people read it; zero and nothing are dim."""
    if isinstance(value, Text):
        return value
    if value is None or value in (0, "") or value is False:
        return Text("–" if value in (None, "") else "no" if value is False else "0", style="dim")
    return Text("yes" if value is True else str(value))


def bad(value: Any) -> Text:
    """A value that wants attention: red, unless it is zero or nothing."""
    return Text(str(value), style="bold red") if value else cell(value)


def print_json(value: Any) -> None:
    """An answer for programs, indented; a `Text` becomes plain text."""
    click.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2))


def stream_json(items: Iterable[Any]) -> None:
    """A list for programs, each entry written as it comes: however many there are, one is in memory."""
    click.echo("[", nl=False)
    for number, item in enumerate(items):
        click.echo(("," if number else "") + "\n  " + msgspec.json.encode(item, enc_hook=str).decode(), nl=False)
    click.echo("\n]")


def note(text: str, style: str = "dim") -> None:
    """Say something on standard error."""
    notes.print(text, style=style)


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """The items, with a progress bar on standard error while somebody looks at a terminal."""
    total = len(items) if total is None and isinstance(items, Sized) else total
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as bar:
        yield from bar.track(items, total=total, description=what)


class Failed(click.ClickException):
    """It did not work, or found something wrong: exit code 1. The message says what to do next."""

    def show(self, file: Any = None) -> None:
        """To standard error."""
        notes.print(Text("✗ ", style="bold red") + Text(self.message))


def finish(ok: bool) -> None:
    """End with exit code 1 unless all was well."""
    if not ok:
        click.get_current_context().exit(1)
