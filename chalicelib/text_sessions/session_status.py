"""Looking at a session: what it is by the clock, whether or not anybody has written that down."""

from chalicelib.core.clock import Clock
from chalicelib.text_sessions import participants, store
from chalicelib.text_sessions.meter import Meter
from chalicelib.text_sessions.refusals import counted
from chalicelib.text_sessions.session import ChatUser


@counted
def look(who: ChatUser, clock: Clock) -> Meter | None:
    """The session and its account as they are now, None before the start; two requests, and nothing is written.

    Raises NotFound for an appointment unknown or not one's own.
    """
    session = participants.read(who).session
    if session is None:
        return None
    at = clock()
    meter = Meter(session, store.get_account(who.company_id, session.subscription_id)).run_to(at)
    return Meter(meter.session, meter.account.up_to(at))
