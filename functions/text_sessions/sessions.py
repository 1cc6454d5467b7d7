"""Text appointments: the metered session. Whose appointment it is not finds nothing; admins may look on."""

from typing import Annotated, Literal

import msgspec

from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Body, Id
from chalicelib.core.requests import Request
from chalicelib.text_sessions.session import ChatUser
from functions.text_sessions.answers import (
    DeductionAnswer,
    EndAnswer,
    RunningAnswer,
    SessionAnswer,
    StatusAnswer,
    show_deduction,
    show_end,
    show_running,
    show_session,
    show_status,
)

function = Function(__name__)
READS = ("identity", "booking")
WRITES = Needs(reads=READS, writes=("text_sessions",))
Sessions = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
APPOINTMENT = {"appointment_id": "apt_00D1ZMFH9MM3HK4Z12GC"}
NOT_RUNNING = ("appointment_not_found 404", "not_a_participant 403", "no_session 409", "session_ended 409")


class StartBody(Body):
    """Which appointment."""

    appointment_id: Id


class ActivityBody(Body):
    """`user_type` is the caller's own side."""

    appointment_id: Id
    user_type: Literal["patient", "doctor"]


class DeductionBody(Body):
    """What the browser counted. It is a hint: the clock decides what is due."""

    appointment_id: Id
    sessions_to_deduct: Sessions
    reason: Literal["interval", "no_activity", "manual_end"]


class EndBody(Body):
    """What the browser counted, if anything; the clock decides what is due."""

    appointment_id: Id
    sessions_to_deduct: Sessions = 0


@function.route(
    "POST",
    "/api/text-appointments/start-session",
    ability="text_sessions:write",
    needs=WRITES,
    errors=(
        "appointment_not_found 404", "not_a_participant 403", "not_a_text_appointment 409", "not_confirmed 409",
        "too_early 409", "too_late 409", "session_ended 409", "no_subscription 402", "no_sessions_left 402",
    ),
    example=APPOINTMENT,
)  # fmt: skip
def start_session(request: Request, body: StartBody) -> RunningAnswer:
    """Start the session of an appointment whose time has come; while one runs, that one is answered."""
    from chalicelib.text_sessions.start_session import start

    found = start(lambda: request.unit(show_running), _who(request, body.appointment_id), request.clock)
    return show_running(found)


@function.route(
    "POST",
    "/api/text-appointments/update-activity",
    ability="text_sessions:write",
    needs=WRITES,
    errors=(*NOT_RUNNING, "not_your_role 403"),
    example={**APPOINTMENT, "user_type": "patient"},
)
def update_activity(request: Request, body: ActivityBody) -> SessionAnswer:
    """Say that one is there; the first time either side does, the first interval counts as used."""
    from chalicelib.text_sessions.activity import update

    who = _who(request, body.appointment_id)
    return show_session(update(lambda: request.unit(show_session), who, body.user_type, request.clock))


@function.route(
    "POST",
    "/api/text-appointments/process-deduction",
    ability="text_sessions:write",
    needs=WRITES,
    errors=NOT_RUNNING,
    example={**APPOINTMENT, "sessions_to_deduct": 1, "reason": "interval"},
)
def process_deduction(request: Request, body: DeductionBody) -> DeductionAnswer:
    """Have what is due charged at once instead of with the next tick.

    Early, repeated, or for more than is due: what the clock says is due is charged, perhaps nothing, and the answer
    says so.
    """
    from chalicelib.text_sessions.deduction import deduct

    who, requested = _who(request, body.appointment_id), body.sessions_to_deduct
    new_unit = lambda: request.unit(lambda found: show_deduction(found, requested))  # noqa: E731
    return show_deduction(deduct(new_unit, who, requested, request.clock), requested)


@function.route(
    "POST",
    "/api/text-appointments/end-session",
    ability="text_sessions:write",
    needs=WRITES,
    errors=NOT_RUNNING,
    example={**APPOINTMENT, "sessions_to_deduct": 0},
)
def end_session(request: Request, body: EndBody) -> EndAnswer:
    """End the session after a last deduction of what is due; what was reserved for nothing goes back."""
    from chalicelib.text_sessions.deduction import end

    who = _who(request, body.appointment_id)
    return show_end(end(lambda: request.unit(show_end), who, body.sessions_to_deduct, request.clock))


@function.route(
    "GET",
    "/api/text-appointments/{appointment_id}/session-status",
    ability="text_sessions:read",
    needs=Needs(reads=(*READS, "text_sessions")),
    errors=("appointment_not_found 404",),
)
def show_session_status(request: Request, appointment_id: str) -> StatusAnswer:
    """The session as the clock has it now, and how many more the patient has; or that nothing runs."""
    from chalicelib.text_sessions.session_status import look

    return show_status(look(_who(request, appointment_id), request.clock))


def _who(request: Request, appointment_id: str) -> ChatUser:
    return ChatUser(request.company_id, request.actor.id, appointment_id)
