"""Rating a text appointment, once, by its patient, when it is over."""

from chalicelib.chat import store
from chalicelib.chat.events import TextAppointmentRated
from chalicelib.chat.rating import Rating
from chalicelib.core import metrics
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Forbidden, NotFound
from chalicelib.core.unit import UnitFactory
from chalicelib.text_sessions import participants
from chalicelib.text_sessions import store as sessions
from chalicelib.text_sessions.meter import Meter
from chalicelib.text_sessions.refusals import counted
from chalicelib.text_sessions.session import ChatUser, Session


@counted
def rate(new_unit: UnitFactory, who: ChatUser, stars: int, text: str, clock: Clock) -> Rating:
    """Keep what the patient thought of it; one read, one transaction.

    Raises NotFound for an appointment unknown or not one's own, Forbidden `not_the_patient`, Conflict `no_session`,
    `session_running`, `already_rated`.
    """
    present = participants.read(who)
    if present.part != "patient":
        raise Forbidden("not_the_patient", "Only the appointment's own patient may rate it.")
    session, at = present.session, clock()
    if session is None:
        raise Conflict("no_session", "This appointment's session has not been started.")
    if not _is_over(session, clock):
        raise Conflict("session_running", "Rate it when it is over.")
    rating = Rating(session.id, stars, text, at)
    unit = new_unit()
    store.add_rating(unit, who.appointment_id, rating)
    unit.publish(TextAppointmentRated(appointment_id=who.appointment_id, session_id=session.id, stars=stars))
    unit.audit("chat.rated", session.id, ("rating",))
    unit.commit(rating)
    metrics.count("TextSessionRating", stars=str(stars))
    return rating


def look(who: ChatUser) -> Rating:
    """The rating; one request. Raises NotFound `no_rating`, and for an appointment unknown or not one's own."""
    key = store.rating_key(who.company_id, who.appointment_id)
    rating = store.rating_of(participants.read(who, [key]).rows[key])
    if rating is None:
        raise NotFound("no_rating", "This appointment has not been rated.")
    return rating


def _is_over(session: Session, clock: Clock) -> bool:
    if session.is_ended or not session.due(clock()):
        return session.is_ended
    # The clock may have ended it, and nobody has written that down.
    account = sessions.get_account(session.company_id, session.subscription_id)
    return Meter(session, account).run_to(clock()).session.is_ended
