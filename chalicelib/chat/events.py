"""What happens in chats; ids only."""

from chalicelib.core.events import Event


class TextAppointmentRated(Event):
    """A patient has rated a text appointment; `stars` from 1 to 5."""

    appointment_id: str
    session_id: str
    stars: int
