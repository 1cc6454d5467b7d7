"""What the agent answers about appointments that exist, in prose and data."""

from collections.abc import Sequence

from chalicelib.calls.function_context import Answer, FunctionContext
from chalicelib.calls.own_appointments import Found, Known


def listed(context: FunctionContext, found: Found) -> Answer:
    """The appointments that the caller may hear of, or what they have to say to hear of any."""
    if not found.known:
        return refused(context, found)
    voice = context.voice
    said = voice.counted(
        voice.phrases.appointments, len(found.known), appointments=voice.both(_said(context, found.known))
    )
    return {"message": said, "status": "listed", "appointments": _data(found.known)}


def refused(context: FunctionContext, found: Found) -> Answer:
    """Nothing to show; the words do not tell whether there is anything."""
    said = context.voice.phrases
    messages = {
        "name_it": f"{said.no_appointments} {said.name_it}",
        "not_found": said.not_found,
        "too_many_attempts": said.too_many_attempts,
    }
    return {"message": messages[found.outcome], "status": found.outcome, "appointments": []}


def which_one(context: FunctionContext, known: Sequence[Known]) -> Answer:
    """There are several, or another one may be meant: the caller chooses, the agent names its id."""
    voice = context.voice
    message = voice.phrases.which_one.format(appointments=voice.either(_said(context, known)))
    return {"message": message, "status": "which_one", "appointments": _data(known)}


def about_one(context: FunctionContext, known: Known, phrase: str, status: str) -> Answer:
    """One appointment as it stands now, in a sentence that has a place for it."""
    return {
        "message": phrase.format(appointment=said_of(context, known)),
        "status": status,
        **_data([known])[0],
    }


def said_of(context: FunctionContext, known: Known) -> str:
    """`Massage with Ada Keller on Tuesday, December 1 at 9:30 AM`, on its own branch's clock."""
    voice = context.voice.on_clock(known.schedule.branch.clock())
    said = voice.appointment(known.service, known.staff, known.appointment.starts_at)
    return f"{known.customer}: {said}" if known.customer else said


def _said(context: FunctionContext, known: Sequence[Known]) -> list[str]:
    return [said_of(context, one) for one in known]


def _data(known: Sequence[Known]) -> list[Answer]:
    found = []
    for one in known:
        zone = one.schedule.branch.clock()
        found.append(
            {
                "appointment_id": one.appointment.id,
                "service": one.service,
                "staff": one.staff,
                "branch": one.schedule.branch.name,
                "starts_at": one.appointment.starts_at.astimezone(zone).isoformat(),
                "ends_at": one.appointment.ends_at.astimezone(zone).isoformat(),
                "appointment_status": one.appointment.status,
                "customer": one.customer or None,
            }
        )
    return found
