"""A run: one resource of one account being read from Fatture in Cloud page by page, and where it stands.

Lists are read from the last page to the first, in the order of creation (of change, for what changed). New records
come behind what has been read, and deleted ones only move others into pages still to be read: none is ever skipped.
Page 1 tells how many there are; it is read once more at the end, unless it is all.
"""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from chalicelib.accounting.account import Account
from chalicelib.accounting.record import Resource
from chalicelib.core.ids import new_id

Kind = Literal["full", "changes"]
KINDS: tuple[Kind, ...] = ("full", "changes")
Status = Literal["running", "done", "failed"]
Stage = Literal["all", "changed", "compare", "verify"]
"""`all`: the whole list. `changed`: what changed since `since`. `compare`: looking for what was not in the list.
`verify`: asking FIC for each of those, since only its own word makes a record deleted."""
Turn = Literal["first", "rest", "again"]
OVERLAP = timedelta(minutes=10)
"""How far what changed reaches back behind what is stored: two clocks never agree."""
STALLED = timedelta(minutes=20)
"""Longer than a job waits for anything: then its message is lost or given up, and asking again takes the run on."""


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`page` is the one to read next, `step` the number of the next step: a job of another step does nothing.

    `done` records of `total` have been read; `written` were new or changed, `deleted` gone. `missing` records are still
    to be verified (`capped`: and more, not noted down yet). A full run starts with `all`, then reads `changed`
    and finds what vanished.
    """

    id: str
    company_id: str
    account_id: str
    resource: Resource
    kind: Kind
    status: Status = "running"
    stage: Stage
    turn: Turn = "first"
    page: int = 1
    last_page: int = 1
    total: int | None = None
    done: int = 0
    written: int = 0
    deleted: int = 0
    missing: int = 0
    capped: bool = False
    since: datetime
    started_at: datetime
    updated_at: datetime
    failure: str | None = None
    step: int = 1
    version: int = 1

    @property
    def active(self) -> bool:
        """Whether it is still going on."""
        return self.status == "running"

    def stalled(self, at: datetime) -> bool:
        """Whether nothing has happened for longer than anything takes."""
        return self.active and self.updated_at + STALLED < at

    def rate(self) -> float:
        """Records a second so far."""
        seconds = (self.updated_at - self.started_at).total_seconds()
        return self.done / seconds if seconds > 0 else 0.0

    def seconds_left(self) -> int | None:
        """At this rate; None while nothing can be said."""
        if not self.active:
            return 0
        rate = self.rate()
        return None if self.total is None or not rate else round(max(self.total - self.done, 0) / rate)

    def after_page(self, read: int, last_page: int, total: int, written: int, at: datetime) -> "Run":
        """After a page of `read` records, of which `written` were new or changed."""
        moved = self._moved(last_page)
        counts = self.stage == "all" or self.kind == "changes"
        return self._next(
            at,
            done=self.done + (read if counts and self.turn != "again" else 0),
            # What was counted twice, or deleted meanwhile, must not make more than all.
            total=max(total, self.total or 0) if counts else self.total,
            written=self.written + written,
            **moved,
        )

    def _moved(self, last_page: int) -> dict[str, object]:
        if self.turn == "first" and last_page > 1:
            return {"turn": "rest", "page": last_page, "last_page": last_page}
        if self.turn == "rest" and self.page > 2:
            return {"page": self.page - 1}
        if self.turn == "rest":
            return {"turn": "again", "page": 1}
        if self.stage == "all":
            return {"stage": "changed", "turn": "first", "page": 1, "last_page": 1}
        return {"stage": "compare"} if self.kind == "full" else {"status": "done"}

    def compared(self, missing: int, capped: bool, at: datetime) -> "Run":
        """With so many records of ours that were not in the list."""
        after = {"stage": "verify"} if missing else {"status": "done"}
        return self._next(at, missing=missing, capped=capped, **after)

    def verified(self, requested: int, written: int, deleted: int, at: datetime) -> "Run":
        """After asking FIC for some of the missing."""
        left = self.missing - requested
        after: dict[str, object] = {} if left else {"stage": "compare"} if self.capped else {"status": "done"}
        return self._next(at, missing=left, written=self.written + written, deleted=self.deleted + deleted, **after)

    def failed(self, reason: str, at: datetime) -> "Run":
        """It cannot go on by itself; its step stays the one to do."""
        return msgspec.structs.replace(
            self, status="failed", failure=reason[:300], updated_at=at, version=self.version + 1
        )

    def taken_on(self, at: datetime) -> "Run":
        """Going on where it stopped."""
        return msgspec.structs.replace(self, status="running", failure=None, updated_at=at, version=self.version + 1)

    def _next(self, at: datetime, **fields: object) -> "Run":
        # A step that was done is a run that goes on, even one that had been given up: somebody retried its job.
        going: dict[str, object] = {"status": "running", "failure": None, "updated_at": at}
        step, version = self.step + 1, self.version + 1
        return msgspec.structs.replace(self, **(going | fields), step=step, version=version)


def begin_run(account: Account, resource: Resource, kind: Kind, since: datetime | None, at: datetime) -> Run:
    """A new run; `since` is until when all is stored, for one that looks for changes only."""
    return Run(
        id=new_id("run"),
        company_id=account.company_id,
        account_id=account.id,
        resource=resource,
        kind=kind,
        stage="all" if kind == "full" else "changed",
        since=(since or at) - OVERLAP,
        started_at=at,
        updated_at=at,
    )
