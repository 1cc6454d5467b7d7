"""Guards: marks with an end, such as "done once" or "answered like this"; one that has expired counts as not there."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from pynamodb.expressions.condition import Condition

from chalicelib.core.clock import epoch
from chalicelib.core.errors import DomainError
from chalicelib.core.rows import GuardRow
from chalicelib.core.tables import Key, fetch_one
from chalicelib.core.unit import Unit


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """`record` and `data` say what came of what it guards; it ends at `until`, by whole seconds."""

    until: datetime
    record: str | None = None
    data: str | None = None


def key(name: str) -> Key:
    """The address of a guard, for a fetch together with other rows. Names begin with the company."""
    return Key(GuardRow, name, "guard")


def guard_of(row: GuardRow | None, at: datetime) -> Guard | None:
    """What a fetched row says at that time."""
    if row is None or (row.expires_at or 0) < epoch(at):
        return None
    return Guard(until=datetime.fromtimestamp(int(row.expires_at), UTC), record=row.record, data=row.data)


def find(name: str, at: datetime) -> Guard | None:
    """The guard, or None; one GetItem."""
    return guard_of(fetch_one(key(name)), at)


def add(unit: Unit, name: str, guard: Guard, otherwise: DomainError) -> None:
    """Set it; the unit fails with `otherwise` when it is set already."""
    unit.put(_row(name, guard), _free(unit), otherwise)


def save(unit: Unit, name: str, guard: Guard, seen: Guard | None) -> None:
    """Write it over what was `seen`; the unit ends as Stale when someone else was faster."""
    unchanged = _is(GuardRow.record, seen.record) & _is(GuardRow.data, seen.data) if seen else _free(unit)
    unit.put(_row(name, guard), unchanged)


def remove(unit: Unit, name: str) -> None:
    """Let it be as if it had never been set."""
    unit.delete(GuardRow(name, "guard"))


def _free(unit: Unit) -> Condition:
    found: Condition = GuardRow.pk.does_not_exist() | (GuardRow.expires_at < epoch(unit.clock()))
    return found


def _is(attribute: Any, value: str | None) -> Condition:
    found: Condition = attribute.does_not_exist()
    return found if value is None else attribute == value


def _row(name: str, guard: Guard) -> GuardRow:
    return GuardRow(name, "guard", record=guard.record, data=guard.data, expires_at=epoch(guard.until))
