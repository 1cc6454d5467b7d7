"""Idempotency-Key: the guard item that lies in the action's own transaction, and the answer it keeps for a repeat."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from pynamodb.expressions.condition import Condition

from chalicelib.core.clock import epoch
from chalicelib.core.errors import Conflict, Invalid
from chalicelib.core.rows import GuardRow

KEEP = timedelta(hours=24)
LONGEST_KEY = 255


class Replay(Conflict):
    """This key was used before; the endpoint answers from the guard, or refuses when the body differs."""

    def __init__(self) -> None:
        super().__init__("idempotency_key_used", "This Idempotency-Key was used before.")


class IdempotencyKey(msgspec.Struct, frozen=True):
    """A client's key for one route. `render` makes the client's answer from what a use case commits with.

    `continued`: an earlier unit of the same request holds the guard, and this one brings its answer up to date.
    """

    route: str
    key: str
    body_hash: str
    status: int
    render: Callable[[Any], Any]
    continued: bool = False

    def address(self, company_id: str) -> str:
        """The partition key of the guard; scoped to company and route."""
        return f"{company_id}#idempotency#{self.route}#{self.key}"


def key_of(route: str, header: str, body: bytes, path: dict[str, str], status: int) -> IdempotencyKey:
    """Reads the header; raises Invalid when it is empty, too long or not printable. The hash covers path and body."""
    if not 0 < len(header) <= LONGEST_KEY or not header.isprintable():
        raise Invalid("bad_idempotency_key", f"Idempotency-Key must be 1 to {LONGEST_KEY} printable characters.")
    digest = hashlib.sha256(msgspec.json.encode(sorted(path.items())) + b"\n" + body).hexdigest()
    return IdempotencyKey(route, header, digest, status, lambda answer: answer)


def guard_row(company_id: str, key: IdempotencyKey, answer: Any, at: datetime) -> tuple[GuardRow, Condition]:
    """The guard to put, and the condition under which it may be: no such key in the last 24 hours."""
    row = GuardRow(
        key.address(company_id),
        "guard",
        body_hash=key.body_hash,
        status=key.status,
        data=msgspec.json.encode(key.render(answer)).decode(),
        expires_at=epoch(at + KEEP),
    )
    if key.continued:
        return row, GuardRow.body_hash == key.body_hash
    return row, GuardRow.pk.does_not_exist() | (GuardRow.expires_at < epoch(at))


def kept_answer(company_id: str, key: IdempotencyKey, at: datetime) -> tuple[int, bytes] | None:
    """Status and body given before under this key, None when it is new.

    Raises Invalid when the key was used with another body.
    """
    row = GuardRow.find(key.address(company_id), "guard")
    if row is None or (row.expires_at or 0) < epoch(at):
        return None
    if row.body_hash != key.body_hash:
        raise Invalid(
            "idempotency_key_reused", "This Idempotency-Key was used with another request; take a new key for this one."
        )
    return int(row.status or 200), (row.data or "null").encode()
