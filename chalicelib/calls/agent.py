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
from chalicelib.vendors.retell import FunctionCall

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

    wish: AvailabilityArgs = read_args(args, AvailabilityArgs)
    return free_times.offer(caller.company_id, _branch(caller, wish.branch_id), wish, tools.clock())


def book_appointment(caller: Caller, args: Args, tools: Tools) -> Answer:
    """Book the wished time; see `PhoneBooking`."""
    from chalicelib.calls.phone_booking import PhoneBooking

    wish: BookingArgs = read_args(args, BookingArgs)
    branch_id = _branch(caller, wish.branch_id)
    return PhoneBooking(caller, branch_id, wish, args, tools.new_unit, tools.clock).run(tools.calcom)


def list_my_appointments(caller: Caller, args: Args, tools: Tools) -> Answer:
    """The caller's coming appointments."""
    from chalicelib.calls.appointment_answers import listed
    from chalicelib.calls.own_appointments import find

    which: WhichArgs = read_args(args, WhichArgs)
    asked = _ask("list_my_appointments", caller, args, which.branch_id, tools)
    return listed(asked, find(asked, which, lambda: tools.new_unit(caller.company_id)))


def reschedule_appointment(caller: Caller, args: Args, tools: Tools) -> Answer:
    """Move one of the caller's appointments."""
    from chalicelib.calls import change_appointment

    wish: RescheduleArgs = read_args(args, RescheduleArgs)
    return change_appointment.move(_ask("reschedule_appointment", caller, args, wish.branch_id, tools), wish, tools)


def cancel_appointment(caller: Caller, args: Args, tools: Tools) -> Answer:
    """Cancel one of the caller's appointments."""
    from chalicelib.calls import change_appointment

    wish: CancelArgs = read_args(args, CancelArgs)
    return change_appointment.call_off(_ask("cancel_appointment", caller, args, wish.branch_id, tools), wish, tools)


def take_message(caller: Caller, args: Args, tools: Tools) -> Answer:
    """Write down what the caller wants staff to know."""
    from chalicelib.calls import messages

    wish: MessageArgs = read_args(args, MessageArgs)
    asked = _ask("take_message", caller, args, wish.branch_id, tools)
    return once(asked, lambda: until_recorded(asked, lambda each: messages.take(each, wish, tools), tools.clock))


def transfer_to_staff(caller: Caller, args: Args, tools: Tools) -> Answer:
    """The number to transfer the caller to, while the branch is open."""
    from chalicelib.calls import transfer_call

    wish: TransferArgs = read_args(args, TransferArgs)
    asked = _ask("transfer_to_staff", caller, args, wish.branch_id, tools)
    return once(
        asked, lambda: until_recorded(asked, lambda each: transfer_call.transfer(each, wish, tools), tools.clock)
    )


def _ask(name: str, caller: Caller, args: Args, branch_id: str | None, tools: Tools) -> FunctionContext:
    return read(name, args, caller, _branch(caller, branch_id), tools.clock)


def _branch(caller: Caller, wanted: str | None) -> str:
    branch_id = wanted or caller.branch_id
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
