"""Lists by opaque cursor: one Query a page, and a cursor that cannot be bent to another company's records."""

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from pynamodb.exceptions import QueryError
from pynamodb.expressions.condition import Condition

from chalicelib.core.errors import Invalid, invalid
from chalicelib.core.payloads import Query
from chalicelib.core.tables import Row

T = TypeVar("T")
U = TypeVar("U")
READ_AT_ONCE = 250
"""Rows to a request where a filter leaves some out: fewer would cost a request for each match."""
Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]


class PageQuery(Query):
    """What every list route takes."""

    limit: Limit = 50
    cursor: Annotated[str, msgspec.Meta(max_length=1000)] | None = None


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of a list, and the cursor for what follows (None at the end)."""

    data: list[T]
    next_cursor: str | None

    def map(self, change: Callable[[T], U]) -> "Page[U]":
        """The same page of something else."""
        return Page([change(item) for item in self.data], self.next_cursor)


def page_of_all(records: Iterable[T], name: Callable[[T], str], *, limit: int, cursor: str | None) -> Page[T]:
    """A page of what had to be read as a whole anyway, in order of `name` (ids); raises Invalid for a bad cursor."""
    after = _parts(cursor)[2] if cursor else ""
    left = sorted((record for record in records if name(record) > after), key=name)
    found, more = left[:limit], len(left) > limit
    return Page(found, _cursor("all", "all", name(found[-1])) if more else None)


class Listing(msgspec.Struct, frozen=True):
    """Where to read: the row, its index (None: the table itself) and the attributes that are the index's keys."""

    row: type[Row]
    index: str | None
    hash_key: str
    range_key: str


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of a partition, and from which end of it.

    `between` narrows the range key, `only` filters what was read; after `most_read` rows the page ends, however few
    were found, and its cursor goes on.
    """

    between: Condition | None = None
    only: Condition | None = None
    most_read: int | None = None
    newest_first: bool = False


OLDEST_FIRST, NEWEST_FIRST = Selection(), Selection(newest_first=True)


def page(
    where: Listing, value: str, *, limit: int, cursor: str | None, selection: Selection = OLDEST_FIRST
) -> Page[Any]:
    """Up to `limit` rows of the partition `value`, in range-key order; raises Invalid for a cursor of another list."""
    start, most_read = _start(where, value, cursor), selection.most_read
    found = where.row.query(
        value,
        selection.between,
        selection.only,
        index_name=where.index,
        consistent_read=where.index is None,
        scan_index_forward=not selection.newest_first,
        page_size=limit + 1 if most_read is None else max(limit + 1, READ_AT_ONCE),
        last_evaluated_key=start,
    )
    try:
        rows, stopped_at = _collect(where.row, found.page_iter, limit, most_read)
    except QueryError as error:
        # DynamoDB refuses a place outside what is asked for: a cursor taken along to another range.
        if start is None or error.cause_response_code != "ValidationException":
            raise
        raise _bad_cursor() from None
    if len(rows) > limit:
        last = rows[limit - 1]
        return Page(rows[:limit], _cursor(last.pk, last.sk, getattr(last, where.range_key)))
    if stopped_at:
        return Page(rows, _cursor(*(stopped_at[name]["S"] for name in ("pk", "sk", where.range_key))))
    return Page(rows, None)


def _collect(row: type[Row], chunks: Any, limit: int, most_read: int | None) -> tuple[list[Any], dict[str, Any] | None]:
    """One row more than the page wants, if there is one; and where the reading stopped short of that."""
    rows: list[Any] = []
    read = 0
    for chunk in chunks:
        rows += [row.from_raw_data(item) for item in chunk["Items"]]
        read += chunk["ScannedCount"]
        if len(rows) > limit:
            break
        if most_read is not None and read >= most_read:
            return rows, chunk.get("LastEvaluatedKey")
    return rows, None


def _cursor(pk: str, sk: str, position: str) -> str:
    parts = [pk, sk, position]
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def _start(where: Listing, value: str, cursor: str | None) -> dict[str, Any] | None:
    if cursor is None:
        return None
    pk, sk, position = _parts(cursor)
    # The partition is what the request's own company says, whatever the cursor claims.
    company = value.partition("#")[0]
    if pk != company and not pk.startswith(f"{company}#"):
        raise _bad_cursor()
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    if where.index is None:
        return key if pk == value else {"pk": {"S": value}, "sk": {"S": sk}}
    return key | {where.hash_key: {"S": value}, where.range_key: {"S": position}}


def _parts(cursor: str) -> tuple[str, str, str]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        parts = msgspec.json.decode(raw, type=tuple[str, str, str])
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise _bad_cursor() from None
    if not all(parts):  # DynamoDB has no empty keys
        raise _bad_cursor()
    return parts


def _bad_cursor() -> Invalid:
    return invalid("query.cursor", "bad_cursor", "This cursor is not from this list.")
