"""What a browser may ask of the meter: to charge what is due at once, and to end the session. It counts nothing."""

from contextlib import suppress
from typing import Literal

from chalicelib.core import metrics
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict
from chalicelib.core.jobs import JobContext
from chalicelib.core.unit import UnitFactory
from chalicelib.text_sessions import participants, store, update_meter
from chalicelib.text_sessions.activity import running
from chalicelib.text_sessions.jobs import EndCancelled
from chalicelib.text_sessions.refusals import counted
from chalicelib.text_sessions.session import ChatUser
from chalicelib.text_sessions.update_meter import Change, Settled

DeductionReason = Literal["interval", "no_activity", "manual_end"]


@counted
def deduct(new_unit: UnitFactory, who: ChatUser, requested: int, clock: Clock) -> Settled:
    """Charge what the clock says is due, perhaps nothing, however much is requested.

    A session that the clock has ended ends by it. Raises NotFound for an appointment unknown or not one's own,
    Forbidden for an admin, Conflict `no_session` and `session_ended`.
    """
    present = participants.read(who)
    _ = present.side
    settled = update_meter.settle(new_unit, running(present), clock)
    _count_declined(requested, settled.charged)
    return settled


@counted
def end(new_unit: UnitFactory, who: ChatUser, requested: int, clock: Clock) -> Settled:
    """End the session, after charging what the clock says is due; returns it as it was and as it is.

    Where the clock had ended it already, that end stands. Raises as `deduct` does.
    """
    present = participants.read(who)
    side = present.side
    ended = Change(
        lambda meter, at: meter.ended("manual_end", at),
        lambda unit, changed: unit.audit("text_session.ended_by_hand", changed.id, by=side),
        clock_may_end=True,
    )
    settled = update_meter.settle(new_unit, running(present), clock, ended)
    _count_declined(requested, settled.charged)
    return settled


def end_cancelled(job: EndCancelled, context: JobContext) -> None:
    """End the session of an appointment that has been cancelled, if it still runs."""
    session = store.find_current_session(job.company_id, job.appointment_id)
    if session is None or session.is_ended:
        return
    ended = Change(lambda meter, at: meter.ended("cancelled", at), clock_may_end=True)
    with suppress(Conflict):  # somebody else has just ended it
        update_meter.settle(context.unit, session, context.clock, ended)


def _count_declined(requested: int, charged: int) -> None:
    if requested > charged:
        metrics.count("TextSessionDeductionDeclined", why="nothing_due" if charged == 0 else "more_than_due")
