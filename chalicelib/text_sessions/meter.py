"""The rule of charging, written once: what a session and its account are at an instant. Pure; the store follows it.

Interval n is charged once, at its start. Interval 1 is reserved when the session starts, counts as used with the first
activity, and is given back when the session ends without any. When an interval is over,

- a session in which nobody has written ends with `no_activity` (a plan may keep the reserved interval all the same);
- past its planned end, a session in which nobody wrote during that interval ends with `expired`;
- with none left it ends with `none_left`;
- otherwise the next interval is charged.

All of it follows from the clock and from what was written, not from when somebody looks: a tick that comes late, twice
or never changes when the session is brought up to date, not what it is then.
"""

from datetime import datetime

import msgspec

from chalicelib.text_sessions.session import INTERVAL, NOTICE, EndReason, Session
from chalicelib.text_sessions.subscription import Account

MOST_AT_ONCE = 20
"""Intervals brought up to date in one transaction: an entry each, among the 90 writes it may hold."""


class Meter(msgspec.Struct, frozen=True):
    """A session and the account that pays for it."""

    session: Session
    account: Account

    def run_to(self, at: datetime) -> "Meter":
        """As the clock has it at `at`; at most 20 intervals further, so ask `session.due(at)` again."""
        meter = self
        for _ in range(MOST_AT_ONCE):
            if not meter.session.due(at):
                break
            meter = meter._next_interval()
        return meter

    def ended(self, reason: EndReason, at: datetime) -> "Meter":
        """Over at `at`; what was reserved for a session without activity goes back."""
        session, account = self.session, self.account
        if session.has_activity:
            return Meter(session.ended(reason, at, used=session.sessions_used), account)
        if reason == "no_activity" and session.no_show_charged:
            return Meter(session.ended(reason, at, used=1), account)
        return Meter(session.ended(reason, at, used=0), account.given_back(session.id, at))

    def notice_due(self, at: datetime) -> bool:
        """Whether both should be told at `at` that the interval that runs is the last."""
        session, ends = self.session, self.session.next_charge_at
        notified = session.notified_interval == session.interval
        return session.is_active and not notified and ends - NOTICE <= at < ends and self.account.up_to(ends).left == 0

    def _next_interval(self) -> "Meter":
        begins = self.session.next_charge_at
        meter = Meter(self.session, self.account.up_to(begins))
        if not meter.session.has_activity:
            return meter.ended("no_activity", begins)
        if begins >= meter.session.planned_until and meter.session.idle_since(begins - INTERVAL):
            return meter.ended("expired", begins)
        if meter.account.left == 0:
            return meter.ended("none_left", begins)
        session = meter.session.charged()
        return Meter(session, meter.account.charged(session.id, session.interval, begins))
