"""The functions that the voice agent calls during a call. Each imports what it needs: a cold start waits for one."""

from collections.abc import Callable
from typing import Any

from chalicelib.calls.caller import Caller
from chalicelib.calls.function_args import (
    AvailabilityArgs,
    BookingArgs,
    CancelArgs,
    MessageArgs,
    RescheduleArgs,
    TransferArgs,
    WhichArgs,
    read_args,
)
from chalicelib.calls.function_context import Answer, FunctionContext, Tools, once, read, until_recorded
from chalicelib.calls.language import language
from chalicelib.calls.record_call import facts_of, locate
from chalicelib.core.errors import NotFound, invalid
from chalicelib.vendors.retell.webhook import FunctionCall

__all__ = ["FUNCTIONS", "Tools", "call_function"]
Args = dict[str, Any]


def call_function(call: FunctionCall, tools: Tools) -> Answer:
    """Do what the agent asks; returns prose in `message` and data beside it.

    Raises Invalid for arguments that make no sense and for functions that do not exist, naming each.
    """
    if call.name not in FUNCTIONS:
        raise invalid("name", "unknown_function", f"There is no function {call.name}; there are {sorted(FUNCTIONS)}.")
    facts, _ = facts_of(call.call)
    caller = Caller(*locate(facts), facts)
    if not caller.is_known_company:
        return {"message": language(None).phrases.unknown_number, "status": "unknown_number"}
    return FUNCTIONS[call.name](caller, call.args, tools)


def check_availability(caller: Caller, args: Args, tools: Tools) -> Answer:
    """The next free times for a service: on a day, or within a week."""
    from chalicelib.calls import free_times

    request: AvailabilityArgs = read_args(args, AvailabilityArgs)
    return free_times.offer(caller, _branch(caller, request.branch_id), request, tools.clock())


def book_appointment(caller: Caller, args: Args, tools: Tools) -> Answer:
    """Book the time asked for; see `PhoneBooking`."""
    from chalicelib.calls.phone_booking import PhoneBooking

    request: BookingArgs = read_args(args, BookingArgs)
    branch_id = _branch(caller, request.branch_id)
    return PhoneBooking(caller, branch_id, request, args, tools).run()


def list_my_appointments(caller: Caller, args: Args, tools: Tools) -> Answer:
    """The caller's coming appointments."""
    from chalicelib.calls.appointment_answers import listed
    from chalicelib.calls.own_appointments import find

    which: WhichArgs = read_args(args, WhichArgs)
    context = _context("list_my_appointments", caller, args, which.branch_id, tools)
    return listed(context, find(context, which, lambda: tools.new_unit(caller.company_id)))


def reschedule_appointment(caller: Caller, args: Args, tools: Tools) -> Answer:
    """Move one of the caller's appointments."""
    from chalicelib.calls import change_appointment

    request: RescheduleArgs = read_args(args, RescheduleArgs)
    context = _context("reschedule_appointment", caller, args, request.branch_id, tools)
    return change_appointment.move(context, request, tools)


def cancel_appointment(caller: Caller, args: Args, tools: Tools) -> Answer:
    """Cancel one of the caller's appointments."""
    from chalicelib.calls import change_appointment

    request: CancelArgs = read_args(args, CancelArgs)
    context = _context("cancel_appointment", caller, args, request.branch_id, tools)
    return change_appointment.call_off(context, request, tools)


def take_message(caller: Caller, args: Args, tools: Tools) -> Answer:
    """Write down what the caller wants staff to know."""
    from chalicelib.calls import messages

    request: MessageArgs = read_args(args, MessageArgs)
    context = _context("take_message", caller, args, request.branch_id, tools)
    return once(context, lambda: until_recorded(context, lambda current: messages.take(current, request, tools), tools))


def transfer_to_staff(caller: Caller, args: Args, tools: Tools) -> Answer:
    """The number to transfer the caller to, while the branch is open."""
    from chalicelib.calls import transfer_call

    request: TransferArgs = read_args(args, TransferArgs)
    context = _context("transfer_to_staff", caller, args, request.branch_id, tools)
    return once(
        context, lambda: until_recorded(context, lambda current: transfer_call.transfer(current, request, tools), tools)
    )


def _context(name: str, caller: Caller, args: Args, branch_id: str | None, tools: Tools) -> FunctionContext:
    return read(name, args, caller, _branch(caller, branch_id), tools.clock)


def _branch(caller: Caller, named: str | None) -> str:
    branch_id = named or caller.branch_id
    if branch_id is None:
        raise NotFound("branch_not_found", "The number called belongs to no branch, and the function names none.")
    return branch_id


FUNCTIONS: dict[str, Callable[[Caller, Args, Tools], Answer]] = {
    "check_availability": check_availability,
    "book_appointment": book_appointment,
    "list_my_appointments": list_my_appointments,
    "reschedule_appointment": reschedule_appointment,
    "cancel_appointment": cancel_appointment,
    "take_message": take_message,
    "transfer_to_staff": transfer_to_staff,
}
