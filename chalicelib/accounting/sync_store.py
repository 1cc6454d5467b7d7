"""Runs in DynamoDB: where each stands, what a full run has seen, and until when everything is stored."""

import struct
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from chalicelib.accounting.errors import Overtaken
from chalicelib.accounting.record import RESOURCES, Resource
from chalicelib.accounting.record_tables import SyncRow
from chalicelib.accounting.run import KINDS, Kind, Run
from chalicelib.core.clock import epoch, stamp
from chalicelib.core.tables import Key, collection, encode, fetch, fetch_map, fetch_one
from chalicelib.core.unit import Unit

KEEP_SEEN = timedelta(days=3)
_WIDTH = 8


class Mark(msgspec.Struct, frozen=True):
    """What FIC had changed until `synced_at` is stored; `full_at` is when the last full run began."""

    synced_at: datetime | None = None
    full_at: datetime | None = None


def find_run(company_id: str, account_id: str, resource: Resource, kind: Kind) -> tuple[Run | None, Mark]:
    """The newest run of its kind, and the mark; one request."""
    run_at, mark_at = _run_key(company_id, account_id, resource, kind), _mark_key(company_id, account_id, resource)
    rows = fetch_map([run_at, mark_at])
    run = rows[run_at]
    return (run.model(Run) if run else None), _mark_of(rows[mark_at])


def runs(company_id: str, account_ids: Sequence[str]) -> list[Run]:
    """The newest run of each resource and kind; one request."""
    keys = [_run_key(company_id, a, resource, kind) for a in account_ids for resource in RESOURCES for kind in KINDS]
    return [row.model(Run) for row in fetch(keys) if row]


def marks(company_id: str, account_id: str) -> dict[Resource, Mark]:
    """The mark of each resource; one request."""
    keys = {resource: _mark_key(company_id, account_id, resource) for resource in RESOURCES}
    rows = fetch_map(keys.values())
    return {resource: _mark_of(rows[key]) for resource, key in keys.items()}


def missing_of(run: Run) -> tuple[int, ...]:
    """The ids that the run has still to verify."""
    row = fetch_one(_run_key(run.company_id, run.account_id, run.resource, run.kind))
    return _unpacked(row.ids) if row and row.ids else ()


def save_run(unit: Unit, run: Run, *, missing: Iterable[int] = (), new: bool = False) -> None:
    """Write the run's next version; the unit fails as Overtaken unless it follows the stored one. `new`: over nothing,
    or over one that has ended (`version` 1 follows whatever is not running).
    """
    key = _run_key(run.company_id, run.account_id, run.resource, run.kind)
    ids = _packed(missing)
    row = SyncRow(key.pk, key.sk, status=run.status, version=run.version, ids=ids or None, data=encode(run))
    follows = SyncRow.version == run.version - 1
    if new:
        follows = SyncRow.pk.does_not_exist() | (SyncRow.status != "running")
    unit.put(row, follows, Overtaken())
    if run.status == "done":
        _save_mark(unit, run)


def note_seen(unit: Unit, run: Run, ids: Iterable[int]) -> None:
    """Remember what the run's step has seen; the same step again is the same item."""
    folder = _folder(run.company_id, run.account_id, run.resource)
    expires = epoch(run.updated_at + KEEP_SEEN)
    unit.put(SyncRow(folder, f"seen#{run.id}#{run.step:08}", ids=_packed(ids) or None, expires_at=expires))


def seen(run: Run) -> set[int]:
    """Everything the run has seen; 50,000 ids are 400 kB to read."""
    folder = _folder(run.company_id, run.account_id, run.resource)
    rows = collection(SyncRow, folder, SyncRow.sk.startswith(f"seen#{run.id}#"))
    return {number for row in rows if row.ids for number in _unpacked(row.ids)}


def _save_mark(unit: Unit, run: Run) -> None:
    """Forward only."""
    key = _mark_key(run.company_id, run.account_id, run.resource)
    found = fetch_one(key)
    mark = _mark_of(found)
    latest = max(run.started_at, mark.synced_at or run.started_at)
    full = run.started_at if run.kind == "full" else mark.full_at
    row = SyncRow(key.pk, key.sk, status=stamp(latest), data=encode(Mark(latest, full)))
    unchanged = SyncRow.pk.does_not_exist() if found is None else SyncRow.status == found.status
    unit.put(row, unchanged)


def _mark_of(row: SyncRow | None) -> Mark:
    return row.model(Mark) if row else Mark()


def _folder(company_id: str, account_id: str, resource: Resource) -> str:
    return f"{company_id}#{account_id}#{resource}"


def _run_key(company_id: str, account_id: str, resource: Resource, kind: Kind) -> Key:
    return Key(SyncRow, _folder(company_id, account_id, resource), f"run#{kind}")


def _mark_key(company_id: str, account_id: str, resource: Resource) -> Key:
    return Key(SyncRow, _folder(company_id, account_id, resource), "mark")


def _packed(ids: Iterable[int]) -> bytes:
    listed = list(ids)
    return struct.pack(f">{len(listed)}Q", *listed)


def _unpacked(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(packed) // _WIDTH}Q", packed)
