"""Holds in DynamoDB, and how many a visitor and a branch have."""

from typing import Any

from chalicelib.booking.appointments.hold import Hold
from chalicelib.booking.tables import OccupancyRow
from chalicelib.core.clock import epoch
from chalicelib.core.rows import GuardRow
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit


def key(company_id: str, hold_id: str) -> Key:
    """The address of a hold, for a fetch together with other records."""
    return Key(OccupancyRow, f"{company_id}#{hold_id}", "hold")


def hold_of(row: Any) -> Hold | None:
    """The hold in a fetched row."""
    return row.model(Hold) if row is not None else None


def find(company_id: str, hold_id: str) -> Hold | None:
    """One request; it may have lapsed."""
    return hold_of(fetch_one(key(company_id, hold_id)))


def add(unit: Unit, hold: Hold) -> None:
    """Add it."""
    unit.add(_row(hold))


def save(unit: Unit, hold: Hold) -> None:
    """Write its next version; the unit ends as Stale when it was used, released or extended meanwhile."""
    unit.put(_row(hold), OccupancyRow.version == hold.version - 1)


def remove(unit: Unit, hold: Hold) -> None:
    """Remove it; the unit ends as Stale when it was used, released or extended meanwhile."""
    at = key(hold.company_id, hold.id)
    unit.delete(OccupancyRow(at.pk, at.sk), OccupancyRow.version == hold.version)


def list_key(company_id: str, whose: str) -> Key:
    """Where the ids of the holds of a visitor (a digest of their address) or a branch are listed."""
    return Key(GuardRow, f"{company_id}#holds#{whose}", "guard")


def listed(row: Any) -> list[str]:
    """Ids in such a row; those that were used or have lapsed may be among them."""
    return row.model(list[str]) if row is not None else []


def save_list(unit: Unit, at: Key, row: Any, ids: list[str], expires_at: int) -> None:
    """Write the list; the unit ends as Stale when it changed since `row` was read."""
    version = int(row.version or 0) if row is not None else 0
    condition = GuardRow.version == version if row is not None else GuardRow.pk.does_not_exist()
    unit.put(
        GuardRow(at.pk, at.sk, data=encode(ids), version=version + 1, expires_at=expires_at),
        condition,
    )


def _row(hold: Hold) -> OccupancyRow:
    at = key(hold.company_id, hold.id)
    return OccupancyRow(at.pk, at.sk, data=encode(hold), version=hold.version, expires_at=epoch(hold.expires_at) + 3600)
