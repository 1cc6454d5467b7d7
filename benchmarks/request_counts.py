"""Counts DynamoDB requests and capacity units, and the time spent in them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chalicelib.core import aws

READS = {"GetItem", "BatchGetItem", "Query", "TransactGetItems"}


@dataclass
class Count:
    """What an operation cost. Times in milliseconds, units as DynamoDB bills them (a transaction twice)."""

    reads: int = 0
    transactions: int = 0
    writes: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    aws_ms: float = 0.0
    vendor_ms: float = 0.0
    names: list[str] = field(default_factory=list)


@contextmanager
def counted() -> Iterator[Count]:
    """Count everything that this process asks of DynamoDB inside the block."""
    count = Count()
    client = aws.client("dynamodb")
    began: list[float] = []
    requests: list[dict[str, Any]] = []

    def request_units(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"
        requests.append(params)

    def before(**_: Any) -> None:
        began.append(time.perf_counter())

    def after(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        count.aws_ms += (time.perf_counter() - began.pop()) * 1000
        _note(count, model.name, requests.pop(), parsed)

    events = client.meta.events
    events.register("provide-client-params.dynamodb.*", request_units, unique_id="count-params")
    events.register("before-call.dynamodb.*", before, unique_id="count-before")
    events.register("after-call.dynamodb.*", after, unique_id="count-after")
    try:
        yield count
    finally:
        for name, call, key in (
            ("provide-client-params", request_units, "count-params"),
            ("before-call", before, "count-before"),
            ("after-call", after, "count-after"),
        ):
            events.unregister(f"{name}.dynamodb.*", call, unique_id=key)


def _note(count: Count, name: str, params: dict[str, Any], answer: dict[str, Any]) -> None:
    count.names.append(name)
    if name in READS:
        count.reads += 1
        count.read_units += _read_units(name, params, answer)
        return
    used = answer.get("ConsumedCapacity", [])
    count.transactions += name == "TransactWriteItems"
    count.writes += name != "TransactWriteItems"
    count.write_units += sum(part.get("CapacityUnits", 0.0) for part in (used if isinstance(used, list) else [used]))


def _read_units(name: str, params: dict[str, Any], answer: dict[str, Any]) -> float:
    # The emulator does not count batches; by DynamoDB's rule each item costs a unit per 4 kB, a missing one a unit.
    if name == "BatchGetItem":
        found = [item for items in answer["Responses"].values() for item in items]
        keys = sum(len(table["Keys"]) for table in params["RequestItems"].values())
        return sum(_fours(_size(item)) for item in found) + keys - len(found)
    if name == "GetItem":
        units = _fours(_size(answer.get("Item", {})))
    else:
        units = _fours(sum(_size(item) for item in answer.get("Items", [])))
    return units if params.get("ConsistentRead") else units / 2


def _fours(size: int) -> int:
    return max(1, -(-size // 4096))


def _size(item: dict[str, dict[str, Any]]) -> int:
    return sum(len(name) + len(next(iter(value.values()))) for name, value in item.items())
