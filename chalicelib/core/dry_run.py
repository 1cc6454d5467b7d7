"""A dry run: use cases run as always, what their units of work would write is seen by later reads, and nothing is kept.

So a dry run is the real run without its commits, also where one action stands on what another did before it.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from pynamodb.expressions.update import AddAction, RemoveAction, SetAction

from chalicelib.core import tables, unit
from chalicelib.core.tables import Key, Row, fetch_one


class DryRun:
    """Conditions are not looked at: nobody else writes here, and use cases decide by what they read.

    What was written lies in a temporary file of SQLite's, so that a long dry run does not fill the memory. Reads by
    key see it; queries do not.
    """

    def __init__(self) -> None:
        self._file = sqlite3.connect("")
        self._file.execute("CREATE TABLE rows (tbl TEXT, pk TEXT, sk TEXT, item BLOB, PRIMARY KEY (tbl, pk, sk))")

    def note(self, actions: Sequence[Any]) -> None:
        """Take on what a unit of work would have sent."""
        for action in actions:
            if action.kind == "put":
                self._keep(action.row, action.row.serialize())
            elif action.kind == "update":
                self._keep(action.row, _changed(action))
            elif action.kind == "delete":
                self._keep(action.row, None)

    def see(self, key: Key, row: Row | None) -> Row | None:
        """The row at `key` as it would be by now; `row` is what DynamoDB has."""
        found = self._file.execute(
            "SELECT item FROM rows WHERE tbl = ? AND pk = ? AND sk = ?", (key.row.table.name, key.pk, key.sk)
        ).fetchone()
        if found is None:
            return row
        item = msgspec.msgpack.decode(found[0])
        return key.row.from_raw_data(item) if item is not None else None

    def close(self) -> None:
        """Forget it all."""
        self._file.close()

    def _keep(self, row: Row, item: dict[str, Any] | None) -> None:
        values = (row.table.name, row.pk, row.sk, msgspec.msgpack.encode(item))
        self._file.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", values)


@contextmanager
def in_dry_run() -> Iterator[None]:
    """Inside, units of work of this thread commit nothing."""
    made = DryRun()
    noting, seen = unit.dry_run_commit.set(made.note), tables.overlay.set(made.see)
    try:
        yield
    finally:
        tables.overlay.reset(seen)
        unit.dry_run_commit.reset(noting)
        made.close()


def _changed(action: Any) -> dict[str, Any]:
    key = Key(type(action.row), action.row.pk, action.row.sk)
    before = fetch_one(key)
    item: dict[str, Any] = (before or action.row).serialize()
    changes: tuple[Any, ...] = action.changes
    for change in changes:
        kind, name, operand = type(change), change.values[0].path[-1], change.values[-1]
        if kind is RemoveAction:
            item.pop(name, None)
        elif kind is SetAction:
            item[name] = operand.value
        elif kind is AddAction:
            item[name] = {"N": str(int(item.get(name, {"N": "0"})["N"]) + int(operand.value["N"]))}
        else:
            raise NotImplementedError(f"a dry run does not know {change!r}")
    return item
