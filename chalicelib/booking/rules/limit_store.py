"""What the rules of booking look at, in DynamoDB: counters of limits, the blocklist, consultations that took place."""

from collections import Counter as Counted
from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

from chalicelib.booking.rules.blocklist import Block
from chalicelib.booking.rules.limits import Counter, ends
from chalicelib.booking.tables import KEEP, BookingRow, OccupancyRow
from chalicelib.core.clock import epoch
from chalicelib.core.errors import DomainError, NotFound
from chalicelib.core.pages import Listing, Page, page
from chalicelib.core.records import RecordKind
from chalicelib.core.tables import Key, encode, fetch
from chalicelib.core.unit import Unit

LISTING = Listing(BookingRow, None, "pk", "sk")
BLOCKS = RecordKind(
    BookingRow,
    Block,
    lambda company_id, block_id: (f"{company_id}#blocklist", block_id),
    lambda block_id: NotFound("block_not_found", f"There is no block {block_id}."),
)
find_block, get_block = BLOCKS.find, BLOCKS.get


def counter_key(company_id: str, name: str) -> Key:
    """Where the counter of that name lies."""
    record_id, _, rest = name.partition("#")
    return Key(OccupancyRow, f"{company_id}#{record_id}", f"tally#{rest}")


def counted(row: Any) -> int:
    """How many a counter's row says."""
    return int(row.tally or 0) if row is not None else 0


def count(unit: Unit, counters: Iterable[Counter], *, over_the_limit: bool = False) -> None:
    """Add one for each time that a counter is named, in one update of it.

    The unit ends as Stale when there is no room for all, unless limits do not matter.
    """
    tally = OccupancyRow.tally
    for counter, times in Counted(counters).items():
        room = None if over_the_limit else tally.does_not_exist() | (tally <= counter.most - times)
        _add(unit, counter.name, times, room)


def with_more(key: Key, row: Any, number: int) -> Any:
    """The row of a counter as it would be with so many more."""
    return OccupancyRow(key.pk, key.sk, tally=counted(row) + number)


def uncount(unit: Unit, names: Iterable[str]) -> None:
    """Take one off for each time that a counter is named, in one update of it: it does not take place, or not then."""
    for name, times in Counted(names).items():
        _add(unit, name, -times, None)


def _add(unit: Unit, name: str, number: int, condition: Any) -> None:
    key = counter_key(unit.company_id, name)
    over = datetime.combine(ends(name.split("#", 2)[2]), time(), UTC) + KEEP
    changes = [OccupancyRow.tally.add(number), OccupancyRow.expires_at.set(epoch(over))]
    unit.update(OccupancyRow(key.pk, key.sk), changes, condition)


def done_key(company_id: str, customer_id: str, service_id: str) -> Key:
    """Where it says how often a customer has completed a service."""
    return Key(BookingRow, f"{company_id}#{customer_id}", f"done#{service_id}")


def done(row: Any) -> bool:
    """Whether the row at `done_key` says that they have."""
    return row is not None and int(row.tally or 0) > 0


def note_done(unit: Unit, customer_id: str, service_id: str, times: int) -> None:
    """Note that a customer has completed a service (`times` 1), or has not after all (-1)."""
    key = done_key(unit.company_id, customer_id, service_id)
    unit.update(BookingRow(key.pk, key.sk), [BookingRow.tally.add(times)])


def blocked_key(company_id: str, kind: str, value: str) -> Key:
    """Where it says that a customer, phone or e-mail (`kind`) is blocked."""
    return Key(BookingRow, f"{company_id}#blocked", f"{kind}#{value}")


def save_block(unit: Unit, block: Block) -> None:
    """Add it, under everything by which its customer would be known."""
    unit.add(BookingRow(*BLOCKS.address(unit.company_id, block.id), data=encode(block)))
    for kind, value in block.known_by():
        at = blocked_key(unit.company_id, kind, value)
        unit.add(BookingRow(at.pk, at.sk, data=encode(block.id)))


def remove_block(unit: Unit, block: Block, gone: DomainError) -> None:
    """Remove it; the unit ends as `gone` when someone else did."""
    unit.delete(BookingRow(*BLOCKS.address(unit.company_id, block.id)), BookingRow.pk.exists(), gone)
    for kind, value in block.known_by():
        at = blocked_key(unit.company_id, kind, value)
        # Another block that names the same phone keeps it.
        unit.delete(BookingRow(at.pk, at.sk), BookingRow.pk.does_not_exist() | (BookingRow.data == encode(block.id)))


def blocks_at(company_id: str, known_by: Iterable[tuple[str, str]]) -> set[str]:
    """Ids of the blocks that stand at these keys; one request."""
    rows = fetch([blocked_key(company_id, kind, value) for kind, value in known_by])
    return {row.model(str) for row in rows if row is not None}


def page_blocks(company_id: str, limit: int, cursor: str | None) -> Page[Block]:
    """In the order in which they were added."""
    found = page(LISTING, f"{company_id}#blocklist", limit=limit, cursor=cursor)
    return found.map(lambda row: row.model(Block))
