"""Looking at a session: what it is by the clock, whether or not anybody has written that down."""

from chalicelib.core.clock import Clock
from chalicelib.text_sessions import participants, store
from chalicelib.text_sessions.meter import Meter
from chalicelib.text_sessions.refusals import counted


@counted
def look(company_id: str, user_id: str, appointment_id: str, clock: Clock) -> Meter | None:
    """The session and its account as they are now, None before the start; two requests, and nothing is written.

    Raises NotFound for an appointment unknown or not one's own.
    """
    session = participants.read(company_id, user_id, appointment_id).session
    if session is None:
        return None
    at = clock()
    meter = Meter(session, store.get_account(company_id, session.subscription_id)).run_to(at)
    return Meter(meter.session, meter.account.up_to(at))
