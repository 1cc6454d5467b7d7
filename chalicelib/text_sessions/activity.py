"""Activity in a session: somebody writes. A message joins the same transaction as `Said`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.core import metrics
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Forbidden, Stale
from chalicelib.core.unit import TransactionHook, Unit, UnitFactory
from chalicelib.text_sessions import participants, store, update_meter
from chalicelib.text_sessions.meter import Meter
from chalicelib.text_sessions.participants import Present
from chalicelib.text_sessions.refusals import counted
from chalicelib.text_sessions.session import ChatUser, Session, Side
from chalicelib.text_sessions.update_meter import Change


class Said(msgspec.Struct, frozen=True):
    """A message that is activity: what it adds to the transaction, and what the transaction commits with.

    Both are given the session as it will be stored, whose `messages` is the message's number.
    """

    hook: TransactionHook[Session]
    answer: Callable[[Session], Any]


@counted
def update(new_unit: UnitFactory, who: ChatUser, user_type: Side, clock: Clock) -> Session:
    """Note that the caller is active, and return the session; one read, one transaction.

    Raises NotFound for an appointment unknown or not one's own, Forbidden `not_your_role` when `user_type` is not the
    caller's own side, Conflict `no_session` and `session_ended`.
    """
    present = participants.read(who)
    if present.side != user_type:
        raise Forbidden("not_your_role", f"You are this appointment's {present.side}, not its {user_type}.")
    session = note(new_unit, present, clock)
    metrics.count("TextActivityUpdate", side=user_type)
    return session


def note(new_unit: UnitFactory, present: Present, clock: Clock, said: Said | None = None) -> Session:
    """Mark the side that `present` is on as active, together with the message that was `said`, in one transaction.

    Raises Forbidden for somebody who only looks on, Conflict `no_session` before the start and `session_ended` after
    the end, also when the clock has ended it and nobody has written that down yet. The unit commits with the session.
    """
    side, session = present.side, running(present)

    def active(found: Session, at: datetime) -> Session:
        return found.active(side, at).spoken() if said else found.active(side, at)

    def joined(unit: Unit, changed: Session) -> None:
        if said:
            said.hook(unit, changed)
        else:
            unit.audit("text_session.activity", changed.id, ("last_activity_time",), side=side)

    def answer(changed: Session) -> Any:
        return said.answer(changed) if said else changed

    at = clock()
    if not session.due(at):
        # Nothing to charge: the account need not be read.
        unit = new_unit()
        saved = store.save_session(unit, active(session, at), at)
        joined(unit, saved)
        try:
            unit.commit(answer(saved))
        except Stale:
            pass
        else:
            update_meter.count(session, saved)
            return saved
    change = Change(
        lambda meter, at: Meter(active(meter.session, at), meter.account),
        joined,
        answer=lambda settled: answer(settled.after.session),
    )
    return update_meter.settle(new_unit, session, clock, change).after.session


def running(present: Present) -> Session:
    """The session as it was read; raises Conflict `no_session` or `session_ended`."""
    if present.session is None:
        raise Conflict("no_session", "This appointment's session has not been started.")
    if present.session.is_ended:
        raise update_meter.over(present.session)
    return present.session
