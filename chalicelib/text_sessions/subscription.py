"""A patient's subscription, and the account that moves its balance: no unit without its ledger entry."""

from datetime import date, datetime
from typing import Literal

import msgspec

from chalicelib.core.clock import stamp
from chalicelib.core.errors import Conflict
from chalicelib.text_sessions.plan import Terms

Reason = Literal["grant", "renewal", "lapse", "reservation", "interval", "given_back", "adjustment"]


class Subscription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`sessions_total` were granted for the current period, `sessions_remaining` are left. Instants in UTC.

    Its period is the `period`-th (from 0) since `first_day`; `period_ends_at` None: without end. `renews`: another
    period follows, else it expires. `entries` counts the ledger's.
    """

    id: str
    company_id: str
    patient_id: str
    plan_id: str
    terms: Terms
    first_day: date
    period: int = 0
    period_starts_at: datetime
    period_ends_at: datetime | None
    renews: bool = True
    status: Literal["active", "expired"] = "active"
    sessions_total: int = 0
    sessions_remaining: int = 0
    entries: int = 0
    created_at: datetime
    updated_at: datetime
    version: int = 1


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One movement. `cause` is its key within the subscription: what has moved the balance once cannot do so again.

    `number` counts from 1; the sum of all amounts is the last `balance_after`. `interval` of which session, where it
    is about one. `note`: what a person said about it; it may be personal and goes nowhere else.
    """

    subscription_id: str
    number: int
    cause: str
    amount: int
    reason: Reason
    balance_after: int
    at: datetime
    session_id: str | None = None
    interval: int | None = None
    note: str = ""


class Movement(msgspec.Struct, frozen=True):
    """What moves a balance, as in LedgerEntry; `granted`: by how much it also raises the period's total."""

    cause: str
    amount: int
    reason: Reason
    at: datetime
    session_id: str | None = None
    interval: int | None = None
    note: str = ""
    granted: int = 0


class Account(msgspec.Struct, frozen=True):
    """A subscription, and the entries that have moved it since it was read; both are written together."""

    subscription: Subscription
    entries: tuple[LedgerEntry, ...] = ()

    @property
    def left(self) -> int:
        """How many sessions may still begin; none of an expired subscription."""
        return self.subscription.sessions_remaining if self.subscription.status == "active" else 0

    def up_to(self, at: datetime) -> "Account":
        """With every period closed that is over at `at`: renewed, or expired."""
        account = self
        while True:
            subscription = account.subscription
            ends = subscription.period_ends_at
            if subscription.status != "active" or ends is None or ends > at:
                return account
            account = account._closed(ends)

    def granted(self, sessions: int, cause: str, at: datetime, note: str = "") -> "Account":
        """More sessions for this period."""
        return self.moved(Movement(cause, sessions, "grant", at, note=note, granted=sessions))

    def adjusted(self, amount: int, cause: str, at: datetime, note: str) -> "Account":
        """Corrected by hand; raises Conflict where the balance would go below zero."""
        if self.subscription.sessions_remaining + amount < 0:
            left = self.subscription.sessions_remaining
            raise Conflict("below_zero", f"Only {left} sessions are left to take.", sessions_remaining=left)
        return self.moved(Movement(cause, amount, "adjustment", at, note=note, granted=max(amount, 0)))

    def charged(self, session_id: str, interval: int, at: datetime) -> "Account":
        """Pay for an interval of a session; the first is a reservation. The caller has looked at `left`."""
        assert self.left > 0, "nobody goes below zero"
        reason: Reason = "reservation" if interval == 1 else "interval"
        cause = f"{session_id}#{interval:04}"
        return self.moved(Movement(cause, -1, reason, at, session_id=session_id, interval=interval))

    def given_back(self, session_id: str, at: datetime) -> "Account":
        """Return what was reserved for a session that never took place."""
        cause = f"{session_id}#0001#back"
        return self.moved(Movement(cause, 1, "given_back", at, session_id=session_id, interval=1))

    def _closed(self, ends: datetime) -> "Account":
        left = self.subscription.sessions_remaining
        kept = left if self.subscription.renews and self.subscription.terms.carries_over else 0
        account = self
        if left > kept:
            account = account.moved(Movement(f"lapse#{stamp(ends)}", kept - left, "lapse", ends))
        if not self.subscription.renews:
            return Account(msgspec.structs.replace(account.subscription, status="expired"), account.entries)
        terms, number = self.subscription.terms, self.subscription.period + 1
        renewed = msgspec.structs.replace(
            account.subscription,
            period=number,
            period_starts_at=ends,
            period_ends_at=terms.end_of(self.subscription.first_day, number),
            sessions_total=kept,
        )
        renewal = Movement(f"period#{stamp(ends)}", terms.sessions, "renewal", ends, granted=terms.sessions)
        return Account(renewed, account.entries).moved(renewal)

    def moved(self, by: Movement) -> "Account":
        """With the balance moved, and the entry that says so."""
        before = self.subscription
        after = msgspec.structs.replace(
            before,
            sessions_remaining=before.sessions_remaining + by.amount,
            sessions_total=before.sessions_total + by.granted,
            entries=before.entries + 1,
        )
        entry = LedgerEntry(
            subscription_id=before.id,
            number=after.entries,
            cause=by.cause,
            amount=by.amount,
            reason=by.reason,
            balance_after=after.sessions_remaining,
            at=by.at,
            session_id=by.session_id,
            interval=by.interval,
            note=by.note,
        )
        return Account(after, (*self.entries, entry))
