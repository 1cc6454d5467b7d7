"""Search indexes: kept for a minute in this process, for five in the schedule's own row.

An index is used only while the schedule has the version that it was made from: the row that holds it is the row that
changes, and this process asks for that row's version each time. No booking looks here.
"""

import zlib
from datetime import datetime, timedelta
from typing import Any

import msgspec
from pynamodb.exceptions import UpdateError

from chalicelib.booking.availability.search_index import SearchIndex, compile_search
from chalicelib.booking.practice.store import schedule_key, schedule_of
from chalicelib.booking.tables import BookingRow
from chalicelib.core.clock import epoch
from chalicelib.core.errors import NotFound
from chalicelib.core.logging import log
from chalicelib.core.tables import fetch_one, version_of

IN_MEMORY = timedelta(seconds=60)
IN_TABLE = timedelta(minutes=5)
LARGEST = 390_000
"""Bytes of schedule and index together; DynamoDB takes items of 400 KB."""
_kept: dict[tuple[str, str], tuple[SearchIndex, datetime]] = {}


def read_index(company_id: str, branch_id: str, now: datetime) -> SearchIndex:
    """The branch as a search sees it; one GetItem, and two the first time after it changed. Raises NotFound."""
    key = schedule_key(company_id, branch_id)
    kept, until = _kept.get((company_id, branch_id), (None, now))
    if kept is not None and until > now and version_of(key) == kept.version:
        return kept
    row = fetch_one(key)
    if row is None:
        raise NotFound("branch_not_found", f"There is no branch {branch_id}.")
    found = _in_row(row, now)
    if found is None:
        found = compile_search(schedule_of(row, branch_id))
        _keep_in_row(row, found, now)
    _kept[company_id, branch_id] = (found, now + IN_MEMORY)
    return found


def forget() -> None:
    """Drop what this process keeps (tests)."""
    _kept.clear()


def _in_row(row: BookingRow, now: datetime) -> SearchIndex | None:
    if row.compiled is None or (row.compiled_until or 0) <= epoch(now):
        return None
    try:
        found = msgspec.json.decode(zlib.decompress(row.compiled), type=SearchIndex)
    except (zlib.error, msgspec.MsgspecError):  # another release of the code wrote it
        return None
    return found if found.version == row.version else None


def _keep_in_row(row: BookingRow, found: SearchIndex, now: datetime) -> None:
    # Much of it repeats, and whoever books reads this row too.
    data = zlib.compress(msgspec.json.encode(found), 1)
    if len(data) + len(row.data or "") > LARGEST:
        return
    changes: list[Any] = [BookingRow.compiled.set(data), BookingRow.compiled_until.set(epoch(now + IN_TABLE))]
    until = BookingRow.compiled_until
    same = BookingRow.version == found.version
    try:
        BookingRow(row.pk, row.sk).update(changes, same & (until.does_not_exist() | (until <= epoch(now))))
    except UpdateError as error:
        # The schedule was changed just now, or another process was faster to keep this, or the row is busy.
        log.info("search index not kept", extra={"why": error.cause_response_code})
