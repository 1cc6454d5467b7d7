"""Rows: how every table of the house is shaped, read and decoded; the models inside travel as JSON in `data`.

Every table has a text partition key `pk` and sort key `sk`. What a key, an index, a filter or a condition needs is an
attribute of its own; the rest of a model is one JSON document (docs/decisions/0003-rows.md says what that buys).
"""

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any, ClassVar, Self, TypeVar

import msgspec
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.connection.table import TableConnection
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.core import aws
from chalicelib.core.errors import Unavailable
from chalicelib.core.settings import settings

BATCH_GET_LIMIT = 100
T = TypeVar("T")
R = TypeVar("R", bound="Row")


class Table(msgspec.Struct, frozen=True):
    """What the templates need to know of a table beyond its keys. `ttl` is on `expires_at`, seconds since 1970."""

    name: str
    ttl: bool = False
    stream: bool = False


class Row(Model):
    """One item. Subclasses set `table` and declare the attributes and indexes that their access patterns need."""

    table: ClassVar[Table]

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    data = UnicodeAttribute(null=True)
    version = NumberAttribute(null=True)
    expires_at = NumberAttribute(null=True)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        name = settings().table(cls.table.name)
        if cls.Meta.table_name != name:
            cls.Meta = type("Meta", (cls.Meta,), {"table_name": name})
        found = super()._get_connection()
        # One client for all rows: pynamodb would make one per model, 15 ms each.
        found.connection._client = aws.client("dynamodb")
        return found

    @classmethod
    def find(cls, pk: str, sk: str, *, consistent: bool = True) -> Self | None:
        """The row, or None; one GetItem."""
        found: Self | None = fetch_one(Key(cls, pk, sk), consistent=consistent)
        return found

    def model(self, kind: type[T]) -> T:
        """The model in `data`, checked against its type."""
        return msgspec.json.decode(self.data or "{}", type=kind)


def encode(model: Any) -> str:
    """A model as the JSON that `Row.model` reads back."""
    return msgspec.json.encode(model).decode()


def index(name: str, hash_key: str, range_key: str, *, keys_only: bool = False) -> Any:
    """A global secondary index on two text attributes of the row (sparse: rows without them are not in it)."""
    projection = KeysOnlyProjection() if keys_only else AllProjection()
    body = {
        "Meta": type("Meta", (), {"index_name": name, "projection": projection}),
        hash_key: UnicodeAttribute(hash_key=True),
        range_key: UnicodeAttribute(range_key=True),
    }
    return type(name, (GlobalSecondaryIndex,), body)()


class Key(msgspec.Struct, frozen=True):
    """The address of one row."""

    row: type[Row]
    pk: str
    sk: str


overlay: ContextVar[Callable[[Key, Any], Any] | None] = ContextVar("overlay", default=None)
"""What a dry run (core.dry_run) lays over the rows that `fetch` finds."""


def fetch(keys: Sequence[Key], *, consistent: bool = True) -> list[Any]:
    """The rows at `keys`, in that order, None where there is none; one request for up to 100 of them, of any tables.

    One key is a GetItem, more are one BatchGetItem. Raises Unavailable when DynamoDB leaves keys unprocessed thrice.
    """
    rows = _fetch(keys, consistent)
    see = overlay.get()
    return rows if see is None else [see(key, row) for key, row in zip(keys, rows, strict=True)]


def fetch_one(key: Key, *, consistent: bool = True) -> Any:
    """The row at `key`, None where there is none; one GetItem."""
    return fetch([key], consistent=consistent)[0]


def fetch_map(keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Any]:
    """The rows at `keys` by their key, None where there is none; each key once, otherwise as `fetch`."""
    unique = list(dict.fromkeys(keys))
    return dict(zip(unique, fetch(unique, consistent=consistent), strict=True))


def _fetch(keys: Sequence[Key], consistent: bool) -> list[Any]:
    if not keys:
        return []
    if len(keys) == 1:
        return [_get_one(keys[0], consistent)]
    found: dict[Key, Row] = {}
    unique = list(dict.fromkeys(keys))
    for start in range(0, len(unique), BATCH_GET_LIMIT):
        found |= _get_batch(unique[start : start + BATCH_GET_LIMIT], consistent)
    return [found.get(key) for key in keys]


def _get_one(key: Key, consistent: bool) -> Row | None:
    answer = aws.client("dynamodb").get_item(
        TableName=settings().table(key.row.table.name),
        Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
        ConsistentRead=consistent,
    )
    return key.row.from_raw_data(answer["Item"]) if "Item" in answer else None


def version_of(key: Key) -> int | None:
    """The version of the row at `key`, and nothing else of it; None when there is none. One GetItem."""
    answer = aws.client("dynamodb").get_item(
        TableName=settings().table(key.row.table.name),
        Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
        ProjectionExpression="#v",
        ExpressionAttributeNames={"#v": "version"},
        ConsistentRead=True,
    )
    return int(answer["Item"]["version"]["N"]) if answer.get("Item", {}).get("version") else None


def _get_batch(keys: Sequence[Key], consistent: bool) -> dict[Key, Row]:
    by_table: dict[str, list[Key]] = {}
    for key in keys:
        by_table.setdefault(settings().table(key.row.table.name), []).append(key)
    requests: dict[str, Any] = {
        table: {"Keys": [{"pk": {"S": k.pk}, "sk": {"S": k.sk}} for k in mine], "ConsistentRead": consistent}
        for table, mine in by_table.items()
    }
    kinds = {(table, k.pk, k.sk): k for table, mine in by_table.items() for k in mine}
    found: dict[Key, Row] = {}
    for _ in range(3):
        answer = aws.client("dynamodb").batch_get_item(RequestItems=requests)
        for table, items in answer["Responses"].items():
            for item in items:
                key = kinds[table, item["pk"]["S"], item["sk"]["S"]]
                found[key] = key.row.from_raw_data(item)
        requests = answer.get("UnprocessedKeys") or {}
        if not requests:
            return found
    raise Unavailable("storage_busy", "The database is busy; try again in a moment.")


def connection() -> Connection:
    """A pynamodb connection on the process's own client, for transactions."""
    made = Connection(region=settings().region)
    made._client = aws.client("dynamodb")
    return made


def collection(row: type[R], pk: str, condition: Condition | None = None, **options: Any) -> Iterable[R]:
    """The rows of one partition, in sort-key order, read consistently; pages as it goes."""
    return row.query(pk, condition, consistent_read=True, **options)
