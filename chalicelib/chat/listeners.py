"""What chats do when sessions near their end and end."""

from collections.abc import Callable
from typing import Any

from chalicelib.chat.jobs import Tell
from chalicelib.core.events import Event, Job
from chalicelib.text_sessions.events import SessionEnded, SessionEndingSoon


def _soon(event: SessionEndingSoon, company_id: str) -> Job:
    return Tell(
        company_id=company_id,
        appointment_id=event.appointment_id,
        session_id=event.session_id,
        code="ending_soon",
        ends_at=event.ends_at,
    )


def _ended(event: SessionEnded, company_id: str) -> Job:
    return Tell(
        company_id=company_id,
        appointment_id=event.appointment_id,
        session_id=event.session_id,
        code="ended",
        reason=event.reason,
        sessions_used=event.sessions_used,
    )


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {
    SessionEndingSoon: (_soon,),
    SessionEnded: (_ended,),
}
