"""The unit of work: everything one action changes, audits, publishes and guards, committed as one transaction."""

import random
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

import msgspec
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.core.clock import Clock, epoch, now, stamp
from chalicelib.core.correlation import current_id
from chalicelib.core.due_rows import due_row, due_row_at
from chalicelib.core.errors import DomainError, Invalid, Stale, Unavailable
from chalicelib.core.events import Event, Job
from chalicelib.core.idempotency import IdempotencyKey, Replay, guard_row
from chalicelib.core.ids import new_id
from chalicelib.core.rows import AuditRow, GuardRow, OutboxRow
from chalicelib.core.tables import Row, connection, encode

T = TypeVar("T")
MOST_ACTIONS = 90
"""A transaction holds 100; what could exceed this is refused before anything is sent."""
TRIES = 5
OUTBOX_DAYS = 30
PENDING_SHARDS = 4
_ORDER = ("check", "delete", "put", "update")
"""pynamodb sends a transaction in this order, and cancellation reasons come back in it."""
_AGAIN = {
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "TransactionInProgressException",
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "InternalServerError",
}


class Actor(msgspec.Struct, frozen=True):
    """Who acts: a user by token, a vendor by webhook, the system by schedule. `kind` goes into the audit log."""

    kind: Literal["user", "visitor", "vendor", "system"]
    id: str
    token_id: str = ""
    abilities: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


SYSTEM = Actor("system", "pilot")


class _Action(msgspec.Struct, frozen=True):
    kind: str
    row: Row
    condition: Condition | None
    otherwise: DomainError | None
    changes: tuple[Any, ...] = ()


class Unit:
    """Collects writes of one company's action; `commit` sends them as one TransactWriteItems, all or nothing.

    Stores add rows; use cases publish events, enqueue jobs and write the audit entry. A failed condition raises the
    `otherwise` given with it, or Stale. Not to be used again after `commit`. What it writes belongs to the request or
    job that runs now (core/correlation.py), unless another `correlation_id` is given.
    """

    def __init__(
        self,
        company_id: str,
        actor: Actor = SYSTEM,
        *,
        correlation_id: str | None = None,
        idempotency: IdempotencyKey | None = None,
        clock: Clock = now,
    ) -> None:
        self.company_id = company_id
        self.actor = actor
        self.correlation_id = correlation_id or current_id()
        self.idempotency = idempotency
        self.clock = clock
        self.committed = False
        self._keep_key = True
        self._actions: list[_Action] = []

    def put(self, row: Row, condition: Condition | None = None, otherwise: DomainError | None = None) -> None:
        """Write the whole row."""
        self._actions.append(_Action("put", row, condition, otherwise))

    def add(self, row: Row, otherwise: DomainError | None = None) -> None:
        """Write a row that must not exist yet."""
        self.put(row, type(row).pk.does_not_exist(), otherwise)

    def update(
        self, row: Row, changes: list[Any], condition: Condition | None = None, otherwise: DomainError | None = None
    ) -> None:
        """Change attributes of the row (only its keys are looked at)."""
        self._actions.append(_Action("update", row, condition, otherwise, tuple(changes)))

    def delete(self, row: Row, condition: Condition | None = None, otherwise: DomainError | None = None) -> None:
        """Remove the row."""
        self._actions.append(_Action("delete", row, condition, otherwise))

    def check(self, row: Row, condition: Condition, otherwise: DomainError | None = None) -> None:
        """Let the whole transaction depend on a row that it does not write."""
        self._actions.append(_Action("check", row, condition, otherwise))

    def publish(self, event: Event) -> str:
        """Let the relay tell this event's listeners after the commit; returns its id."""
        return self._outbox(event.name(), encode(event), 0)

    def enqueue(self, job: Job, *, delay_seconds: int = 0) -> str:
        """Put the job on its queue after the commit, not before `delay_seconds` (≤ 900) have passed; returns its id."""
        return self._outbox(f"job:{job.name()}", encode(job), delay_seconds)

    def schedule(self, job: Job, at: datetime, key: str) -> str:
        """Do the job at `at`, however far off, unless it is unscheduled before; returns its id.

        `key` is the company's own name for it, such as `reminder#apt_…`: scheduled again under it, the job moves. The
        queue's own delay begins and ends on whole seconds, so it may be a second late and is never early.
        """
        row, seconds = due_row(job, at, key, self)
        self.put(row)
        if seconds is not None:  # too near for a sweep to be sure to see it in time
            self._outbox(f"job:{job.name()}", encode(job), seconds, due=f"{key}#{row.nonce}")
        return str(row.nonce)

    def unschedule(self, key: str) -> None:
        """Let the job scheduled under `key` not be done, also when its queue has it already; none there is no fault."""
        self.delete(due_row_at(self.company_id, key))

    def audit(self, action: str, record_id: str, fields: tuple[str, ...] = (), **ids: str) -> None:
        """Note who did what to which record, and which fields it touched; never their values."""
        self.put(
            AuditRow(
                f"{self.company_id}#{record_id}",
                f"{stamp(self.clock())}#{new_id('aud')}",
                actor=str(self.actor),
                action=action,
                correlation_id=self.correlation_id,
                data=encode({"fields": fields, **ids}),
            )
        )

    def free_key(self) -> None:
        """Let the Idempotency-Key be used again: what it guarded is being undone."""
        if self.idempotency and self.idempotency.continued:
            self.delete(GuardRow(self.idempotency.address(self.company_id), "guard"))
        self._keep_key = False

    def commit(self, answer: Any = None) -> None:
        """Send it, once. `answer` is what the route will answer; an idempotency guard keeps it for 24 hours.

        Raises the `otherwise` of the first failed condition, Stale where none was given, Replay when this
        Idempotency-Key was used before, Unavailable when DynamoDB does not take it in five tries. Never half.
        """
        assert not self.committed, "a unit of work commits once"
        if self.idempotency and self._keep_key:
            self._guard(self.idempotency, answer)
        if not self._actions:
            return
        if len(self._actions) > MOST_ACTIONS:
            raise Invalid("too_much_at_once", f"This would change {len(self._actions)} records at once; split it up.")
        actions = sorted(self._actions, key=lambda action: _ORDER.index(action.kind))
        (dry_run_commit.get() or _send)(actions)
        self.committed = True

    def _guard(self, key: IdempotencyKey, answer: Any) -> None:
        row, condition = guard_row(self.company_id, key, answer, self.clock())
        self._actions.append(_Action("put", row, condition, Replay()))

    def _outbox(self, name: str, data: str, delay_seconds: int, due: str | None = None) -> str:
        event_id = new_id("evt")
        at = self.clock()
        self.add(
            OutboxRow(
                f"{self.company_id}#{event_id}",
                "event",
                company_id=self.company_id,
                event_id=event_id,
                type=name,
                data=data,
                actor=str(self.actor),
                correlation_id=self.correlation_id,
                occurred_at=stamp(at),
                delay_seconds=delay_seconds,
                due=due,
                pending=f"pending#{random.randrange(PENDING_SHARDS)}",
                expires_at=epoch(at + timedelta(days=OUTBOX_DAYS)),
            )
        )
        return event_id


UnitFactory = Callable[[], Unit]
"""Makes the unit of work of one try; a use case that tries again makes another one."""
CompanyUnitFactory = Callable[[str], Unit]
"""The same where the company is found out on the way."""

TransactionHook = Callable[[Unit, T], None]
"""Adds to the transaction in which the T that it is given is written; called again, with a new unit, at each try."""

dry_run_commit: ContextVar[Callable[[list[_Action]], None] | None] = ContextVar("dry_run_commit", default=None)
"""What a dry run (core.dry_run) does with the actions instead of sending them."""
pause: Callable[[float], None] = time.sleep
"""How a contended commit waits before its next try; at most 0.4 s in all. Tests replace it."""


def _send(actions: list[_Action]) -> None:
    token = uuid.uuid4().hex
    for attempt in range(TRIES):
        try:
            _write(actions, token)
            return
        except TransactWriteError as error:
            _raise_unless_retryable(error, actions)
        # Same token again: if the last try did go through after all, this one changes nothing and succeeds.
        pause(random.uniform(0.01, 0.02) * 2**attempt)
    raise Unavailable("storage_busy", "Too much is happening to this record at once; try again in a moment.")


def _write(actions: list[_Action], token: str) -> None:
    with TransactWrite(connection=connection(), client_request_token=token) as transaction:
        for action in actions:
            if action.kind == "put":
                transaction.save(action.row, action.condition)
            elif action.kind == "update":
                transaction.update(action.row, list(action.changes), action.condition)
            elif action.kind == "delete":
                transaction.delete(action.row, action.condition)
            else:
                assert action.condition is not None
                transaction.condition_check(type(action.row), action.row.pk, action.row.sk, action.condition)


def _raise_unless_retryable(error: TransactWriteError, actions: list[_Action]) -> None:
    code = error.cause_response_code
    if code != "TransactionCanceledException":
        if code is None or code in _AGAIN:  # None: no answer at all (timeout, broken connection)
            return
        raise error
    reasons = [reason.code if reason else None for reason in error.cancellation_reasons]
    failed = [action for action, reason in zip(actions, reasons, strict=True) if reason == "ConditionalCheckFailed"]
    if failed:
        # A used Idempotency-Key explains every other failure, so it is looked for first.
        replay = next((action for action in failed if isinstance(action.otherwise, Replay)), failed[0])
        raise (replay.otherwise or Stale()) from None
    if not any(reason in _AGAIN for reason in reasons):
        raise error
