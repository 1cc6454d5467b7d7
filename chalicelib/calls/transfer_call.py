"""Putting a caller through to a person: which number the agent should transfer to now, if any."""

from datetime import timedelta

from chalicelib.booking.practice.models import Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls.call import Transfer
from chalicelib.calls.function_args import TransferArgs
from chalicelib.calls.function_context import Answer, FunctionContext, Tools, keep, on_record
from chalicelib.calls.speech import Voice
from chalicelib.core.errors import invalid


def transfer(context: FunctionContext, request: TransferArgs, tools: Tools) -> Answer:
    """The number of whom they ask for, or the branch's; when it is closed, an offer to take a message instead."""
    schedule, now = context.schedule, context.now
    named = _member(schedule, request.staff) if request.staff else None
    member = named if named and named.phone and _works(schedule, named, context) else None
    number = (member.phone if member else None) or schedule.branch.call_routing.transfer_to
    outcome = "closed" if not schedule.is_open(now) else "transfer" if number else "nobody_available"
    done = Transfer(
        asked_at=now,
        outcome=outcome,
        to_number=number if outcome == "transfer" else None,
        staff_id=member.id if member and outcome == "transfer" else None,
    )
    answer = _answer(done, member, context.voice, schedule)
    unit = tools.new_unit(context.company_id)
    call_id = on_record(unit, context, done)
    keep(unit, context, answer, call_id)
    unit.audit("call.transfer_asked", call_id, ("transfer",), outcome=outcome)
    unit.commit()
    return answer


def _answer(done: Transfer, member: Staff | None, voice: Voice, schedule: Schedule) -> Answer:
    said = voice.phrases
    if done.outcome == "transfer":
        message = said.transfer_to.format(staff=member.name) if member else said.transfer
        return {"message": message, "status": "transfer", "transfer_to": done.to_number, "staff_id": done.staff_id}
    if done.outcome == "nobody_available":
        return {"message": said.nobody_available, "status": "nobody_available"}
    opens = schedule.next_opening(voice.now)
    if opens is None:
        return {"message": said.closed_for_long, "status": "closed", "opens_at": None}
    opens_at = opens.astimezone(voice.zone).isoformat()
    return {"message": said.closed.format(moment=voice.on_moment(opens)), "status": "closed", "opens_at": opens_at}


def _member(schedule: Schedule, named: str) -> Staff:
    name = named.strip().casefold()
    for member in schedule.staff:
        if member.id == named or member.name.casefold() == name:
            return member
    raise invalid("args.staff", "unknown_staff", f"Nobody of the name {named!r} works here.")


def _works(schedule: Schedule, member: Staff, context: FunctionContext) -> bool:
    today = context.now.astimezone(schedule.branch.clock()).date()
    days = (today - timedelta(days=1), today)  # a night shift began yesterday
    return any(start <= context.now < end for day in days for start, end in schedule.windows(member, day))
