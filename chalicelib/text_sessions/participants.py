"""Who is who in a text appointment: its patient, its doctor, an admin who may look on, or nobody at all."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.core.errors import Forbidden, NotFound
from chalicelib.core.tables import Key, fetch_map
from chalicelib.identity import store as identity
from chalicelib.identity.user import User
from chalicelib.text_sessions import store
from chalicelib.text_sessions.session import ChatUser, Part, Session, Side


class Present(msgspec.Struct, frozen=True):
    """What an appointment's chat is about, and in what part the user asks. `rows`: all that was read, by key."""

    appointment: Appointment
    session: Session | None
    part: Part
    rows: Mapping[Key, Any] = {}

    @property
    def side(self) -> Side:
        """The user's own side; raises Forbidden for somebody who only looks on."""
        if self.part == "reader":
            raise Forbidden("not_a_participant", "Only the appointment's own patient and doctor may do this.")
        return self.part


def read(who: ChatUser, more: Sequence[Key] = ()) -> Present:
    """The appointment, its session, the user's part in it, and the rows of `more`; one request.

    Raises NotFound where there is no such appointment, and where it is not the user's own.
    """
    user_key = identity.user_key(who.company_id, who.user_id)
    appointment_key = appointment_store.appointment_key(who.company_id, who.appointment_id)
    session_key = store.session_key(who.company_id, who.appointment_id)
    rows = fetch_map([user_key, appointment_key, session_key, *more])
    user, appointment = identity.user_of(rows[user_key]), appointment_store.appointment_of(rows[appointment_key])
    part = _part(user, appointment) if user and appointment else None
    if part is None or appointment is None:
        raise NotFound("appointment_not_found", f"There is no appointment {who.appointment_id}.")
    return Present(appointment, store.session_of(rows[session_key]), part, rows)


def _part(user: User, appointment: Appointment) -> Part | None:
    if user.role == "client":
        return "patient" if user.customer_id == appointment.customer_id else None
    # The owner of a practice is often its doctor as well.
    if user.role in ("practitioner", "admin") and user.staff_id is not None and user.staff_id == appointment.staff_id:
        return "doctor"
    return "reader" if user.role == "admin" else None
