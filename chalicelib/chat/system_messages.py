"""System messages: both sides read in the chat itself that the session nears its end, and that it is over."""

from contextlib import suppress
from datetime import datetime

from chalicelib.chat import store
from chalicelib.chat.jobs import Tell
from chalicelib.chat.message import Message
from chalicelib.chat.store import SaidBefore
from chalicelib.core.clock import stamp
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext
from chalicelib.core.retry import until_committed
from chalicelib.text_sessions import store as sessions
from chalicelib.text_sessions.session import Session

WHY = {
    "manual_end": "it was ended",
    "no_activity": "nobody wrote",
    "none_left": "no session was left",
    "expired": "nobody wrote any longer",
    "cancelled": "the appointment was cancelled",
}


def tell(job: Tell, context: JobContext) -> None:
    """Say it once, under the number that follows; that the end is near is not said when it has come."""

    def attempt() -> None:
        session = sessions.find_current_session(job.company_id, job.appointment_id)
        at = context.clock()
        if session is None or _too_late(job, session, at):
            return
        unit = context.unit()
        following = sessions.save_session(unit, session.spoken(), at)
        message = _message(job, following.messages, at)
        store.add_message(unit, job.appointment_id, message)
        store.mark_said(unit, job.appointment_id, job.session_id, _what(job))
        unit.audit("chat.told", job.session_id, message=message.id, code=job.code)
        with suppress(SaidBefore):
            unit.commit()

    until_committed(attempt, "session_busy", "Too much is happening to this session at once.")


def _too_late(job: Tell, session: Session, at: datetime) -> bool:
    if job.ends_at is None:
        return False
    return at >= job.ends_at or session.id != job.session_id or session.is_ended


def _what(job: Tell) -> str:
    return f"{job.code}#{stamp(job.ends_at)}" if job.ends_at else job.code


def _message(job: Tell, number: int, at: datetime) -> Message:
    facts: dict[str, str | int] = {"reason": job.reason, "sessions_used": job.sessions_used}
    text = f"This session is over: {WHY.get(job.reason, job.reason)}."
    if job.ends_at:
        facts = {"ends_at": stamp(job.ends_at)}
        text = "No further session is left: this one ends in two minutes or less, unless more are bought."
    return Message(
        id=new_id("msg"), number=number, session_id=job.session_id, sender="system", text=text, code=job.code,
        facts=facts, created_at=at,
    )  # fmt: skip
