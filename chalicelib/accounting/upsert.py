"""Writing what Fatture in Cloud said: only what is new, in few transactions, and never the older over the newer."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import msgspec

from chalicelib.accounting import record as records
from chalicelib.accounting import record_store
from chalicelib.accounting.record import Reading, Record, Resource
from chalicelib.accounting.record_store import Stored
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import MOST_ACTIONS, Unit, UnitFactory

MOST_RECORDS = MOST_ACTIONS - 15
"""In one transaction: fifteen actions are left for sums and for what the caller adds."""
LARGEST_TRANSACTION = 3_500_000
"""Bytes; DynamoDB's end at 4 MB."""


class VendorSnapshot(msgspec.Struct, frozen=True):
    """What FIC said of one resource: readings, and the ids it has no record of, asked at `at`."""

    company_id: str
    account_id: str
    resource: Resource
    readings: Sequence[Reading]
    gone: Sequence[int] = ()
    at: datetime | None = None


class UpsertCounts(msgspec.Struct):
    """What has been written so far. `unlinked`: ids of clients that may now be found to be somebody's."""

    written: int = 0
    deleted: int = 0
    unlinked: list[int] = []


class _Change(msgspec.Struct, frozen=True):
    old: Record | None
    new: Record
    packed: bytes | None


Finish = Callable[[Unit, UpsertCounts], None]
"""Adds to the last unit what belongs to it: progress, what comes next."""


def write(snapshot: VendorSnapshot, new_unit: UnitFactory, finish: Finish) -> UpsertCounts:
    """Store it, and `finish` with the last of it; reads again and decides again when others write the same records.

    One request reads what is there; what has changed is written by up to 75 records a transaction. Where nothing has
    changed, only `finish` is committed. Raises whatever `finish` makes the unit fail with.
    """
    counts = UpsertCounts()
    until_committed(lambda: _write(snapshot, new_unit, finish, counts))
    return counts


def _write(snapshot: VendorSnapshot, new_unit: UnitFactory, finish: Finish, counts: UpsertCounts) -> None:
    batches = _batches(_changes(snapshot))
    for batch in batches[:-1]:
        unit = new_unit()
        _stage(unit, snapshot, batch)
        unit.commit()
        _count(counts, batch)
    last = batches[-1] if batches else []
    ahead = UpsertCounts(counts.written, counts.deleted, list(counts.unlinked))
    _count(ahead, last)
    unit = new_unit()
    _stage(unit, snapshot, last)
    finish(unit, ahead)
    unit.commit()
    counts.written, counts.deleted, counts.unlinked = ahead.written, ahead.deleted, ahead.unlinked


def _changes(snapshot: VendorSnapshot) -> list[_Change]:
    # The same record twice in one answer (it moved while FIC listed): the later is the one.
    new = {reading.record.id: reading for reading in snapshot.readings}
    gone = [number for number in snapshot.gone if number not in new]
    known = record_store.find(snapshot.company_id, snapshot.account_id, snapshot.resource, [*new, *gone])
    changes = [_upsert(known[number], reading) for number, reading in new.items()]
    changes += [_delete(snapshot, number, known[number]) for number in gone]
    return [change for change in changes if change]


def _upsert(stored: Stored | None, reading: Reading) -> _Change | None:
    old = stored.record if stored else None
    differs = old is not None and old.hash != reading.record.hash
    decided = records.decide(old, reading, stored.document() if stored and differs else None)
    return _Change(old, decided.record, record_store.pack(decided)) if decided else None


def _delete(snapshot: VendorSnapshot, number: int, stored: Stored | None) -> _Change | None:
    assert snapshot.at is not None, "what is gone was asked for at some time"
    if stored is None:
        # Noted although it was never here: a page that was read before may still be on its way.
        unknown = Record(
            id=number,
            company_id=snapshot.company_id,
            account_id=snapshot.account_id,
            resource=snapshot.resource,
            read_at=snapshot.at,
            deleted_at=snapshot.at,
        )
        return _Change(None, unknown, None)
    new = records.deleted(stored.record, snapshot.at)
    return _Change(stored.record, new, stored.packed) if new else None


def _batches(changes: Iterable[_Change]) -> list[list[_Change]]:
    batches: list[list[_Change]] = []
    size = LARGEST_TRANSACTION
    for change in changes:
        weight = 2000 + len(change.packed or b"")
        if size + weight > LARGEST_TRANSACTION or len(batches[-1]) == MOST_RECORDS:
            batches.append([])
            size = 0
        batches[-1].append(change)
        size += weight
    return batches


def _stage(unit: Unit, snapshot: VendorSnapshot, batch: Sequence[_Change]) -> None:
    for change in batch:
        record_store.save(unit, change.old, change.new, change.packed)
    if batch:
        record_store.add_up(unit, snapshot.account_id, ((change.old, change.new) for change in batch))
        # One entry for all of them: which records they are stands in the records themselves.
        unit.audit("fic.stored", snapshot.account_id, (snapshot.resource,), records=str(len(batch)))


def _count(counts: UpsertCounts, batch: Sequence[_Change]) -> None:
    for change in batch:
        if change.new.deleted_at is not None:
            counts.deleted += change.old is not None
            continue
        counts.written += 1
        if _may_be_somebodys(change):
            counts.unlinked.append(change.new.id)


def _may_be_somebodys(change: _Change) -> bool:
    new, old = change.new, change.old
    if new.resource != "clients" or new.linked_by is not None:
        return False
    marks = (new.vat_number, new.tax_code, new.email, new.phone)
    return any(marks) and (old is None or marks != (old.vat_number, old.tax_code, old.email, old.phone))
