"""Moving and cancelling an appointment by telephone: whose it is, which one is meant, and booking's use cases."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.package import Together
from chalicelib.booking.changes.cancel import Cancellation, cancel
from chalicelib.booking.changes.reschedule import reschedule
from chalicelib.booking.groups.leave import Leaver, leave
from chalicelib.booking.packages.change import Change
from chalicelib.booking.packages.change import cancel as cancel_package
from chalicelib.booking.packages.reschedule import reschedule as reschedule_package
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.provider.pending_change import is_under_way
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.calls.appointment_answers import about_one, refused, which_one
from chalicelib.calls.function_args import CancelArgs, RescheduleArgs, WhichArgs
from chalicelib.calls.function_context import Answer, FunctionContext, Tools, forget, keep, once
from chalicelib.calls.own_appointments import COMING, Known, find
from chalicelib.calls.phone_booking import REFUSED_TIMES, answer_taken
from chalicelib.calls.time_parsing import instant
from chalicelib.core.errors import Conflict, DomainError, Invalid
from chalicelib.core.logging import log
from chalicelib.core.unit import Unit

T = TypeVar("T")
AppointmentHook = Callable[[Unit, Appointment], None]
Act = Callable[[Known], Answer]


def move(context: FunctionContext, request: RescheduleArgs, tools: Tools) -> Answer:
    """Move the appointment meant; the same question again gets the same answer while it still stands there.

    Where it was moved on meanwhile, a late repeat moves nothing back: it is told so, and only asking once more does it.
    """
    if context.kept:
        return _moved_before(context, tools)
    return once(context, lambda: _for_one(context, request, tools, lambda known: _move(context, known, request, tools)))


def call_off(context: FunctionContext, request: CancelArgs, tools: Tools) -> Answer:
    """Cancel the appointment meant; the same question again gets the same answer."""
    return once(
        context, lambda: _for_one(context, request, tools, lambda known: _cancel(context, known, request, tools))
    )


def _for_one(context: FunctionContext, which: WhichArgs, tools: Tools, act: Act) -> Answer:
    found = find(context, which, lambda: tools.new_unit(context.company_id))
    if not found.known:
        return refused(context, found)
    if found.uncertain or len(found.known) > 1:
        return which_one(context, found.known)
    return act(found.known[0])


def _move(context: FunctionContext, known: Known, request: RescheduleArgs, tools: Tools) -> Answer:
    if known.appointment.group:
        # One participant does not move the others: they leave this group and book another one.
        return {"message": context.voice.phrases.cannot_change, "status": "refused", "code": "is_group"}
    branch = known.schedule.branch
    starts_at = instant(request.starts_at, branch, context.now, "args.starts_at", known.day)
    said = context.voice.phrases

    def answer(appointment: Appointment) -> Answer:
        return about_one(context, _now(known, appointment), said.moved, "moved")

    def hook(unit: Unit, appointment: Appointment) -> None:
        keep(unit, context, answer(appointment), appointment.id)

    requested = Move(starts_at=starts_at, staff=request.staff, by="customer", path="args")
    try:
        after = _rescheduled(context, known, requested, tools, hook)
    except DomainError as refusal:
        return _not_done(context, known, refusal, said.move_pending, starts_at)
    if after.pending_change:
        return about_one(context, known, said.move_pending, "pending")
    return answer(after)


def _cancel(context: FunctionContext, known: Known, request: CancelArgs, tools: Tools) -> Answer:
    said = context.voice.phrases

    def answer(appointment: Appointment) -> Answer:
        cancelled = about_one(context, _now(known, appointment), said.cancelled, "cancelled")
        return _charged(context, appointment, cancelled) if appointment.fee_minor else cancelled

    def hook(unit: Unit, appointment: Appointment) -> None:
        keep(unit, context, answer(appointment), appointment.id)

    try:
        after = _cancelled(context, known, Cancellation(reason=request.reason, by="customer"), tools, hook)
    except DomainError as refusal:
        return _not_done(context, known, refusal, said.cancel_pending, None)
    if after.pending_change:
        return about_one(context, known, said.cancel_pending, "pending")
    return answer(after)


def _charged(context: FunctionContext, cancelled: Appointment, answer: Answer) -> Answer:
    fee = context.voice.money(cancelled.fee_minor, str(cancelled.currency))
    message = f"{answer['message']} {context.voice.phrases.cancel_fee.format(fee=fee)}"
    return {**answer, "message": message, "fee_minor": cancelled.fee_minor, "currency": cancelled.currency}


def _rescheduled(
    context: FunctionContext, known: Known, move: Move, tools: Tools, hook: AppointmentHook
) -> Appointment:
    package = known.appointment.package
    if package is None:
        return reschedule(_change(context, tools, hook), known.appointment.id, move)
    return reschedule_package(_change(context, tools, _of_first(hook)), package.id, move).parts[0]


def _cancelled(
    context: FunctionContext, known: Known, requested: Cancellation, tools: Tools, hook: AppointmentHook
) -> Appointment:
    appointment = known.appointment
    if appointment.package:
        change = Change(reason=requested.reason)
        return cancel_package(_change(context, tools, _of_first(hook)), appointment.package.id, change).parts[0]
    if appointment.group:
        return leave(_change(context, tools, hook), appointment.id, Leaver(customer_id=appointment.customer_id))
    return cancel(_change(context, tools, hook), appointment.id, requested)


def _change(context: FunctionContext, tools: Tools, hook: Callable[[Unit, T], None]) -> ChangeContext[T]:
    company_id = context.company_id
    return ChangeContext(lambda: tools.new_unit(company_id), company_id, tools.clock, hook, tools.connect)


def _of_first(hook: AppointmentHook) -> Callable[[Unit, Together], None]:
    # A caller hears of a package by its first part.
    return lambda unit, package: hook(unit, package.parts[0])


def _not_done(
    context: FunctionContext, known: Known, refusal: DomainError, pending: str, requested: datetime | None
) -> Answer:
    """What to say when booking refused. Raises what is wrong with the arguments, and a repeat's `asked_before`."""
    if isinstance(refusal, Invalid) or refusal.code == "asked_before":
        raise refusal
    said = context.voice.phrases
    terms = _terms(refusal)
    if terms:
        return {"message": said.cannot_change, "status": "refused", "code": terms}
    if refusal.code in REFUSED_TIMES:
        return answer_taken(context.voice.on_clock(known.schedule.branch.clock()), _conflict(refusal))
    if is_under_way(refusal) and _same_change(context, known, requested):
        return about_one(context, known, pending, "pending")
    log.warning("not changed", extra={"code": refusal.code, "appointment_id": known.appointment.id})
    if isinstance(refusal, Conflict) and not is_under_way(refusal):
        return {"message": said.cannot_change, "status": "refused", "code": refusal.code}
    return {"message": said.trouble, "status": "failed", "code": refusal.code}


def _same_change(context: FunctionContext, known: Known, requested: datetime | None) -> bool:
    """Whether the change that is under way is the one asked for: an earlier answer was lost."""
    current = appointment_store.get_appointment(context.company_id, known.appointment.id)
    change = current.pending_change
    return bool(change and requested and change.slot and change.slot.starts_at == requested)


def _terms(refusal: DomainError) -> str | None:
    """The code of what the practice's terms of rescheduling have against it: no other time would help."""
    failures = refusal.extra.get("failures", ()) if refusal.code == "not_bookable" else ()
    return next((str(one["code"]) for one in failures if one["rule"] == "rescheduling"), None)


def _moved_before(context: FunctionContext, tools: Tools) -> Answer:
    assert context.kept
    current = appointment_store.find_appointment(context.company_id, context.kept.record)
    moved_to = datetime.fromisoformat(context.kept.answer["starts_at"])
    if current is None or current.status not in COMING or current.starts_at == moved_to:
        return context.kept.answer
    unit = tools.new_unit(context.company_id)
    forget(unit, context)
    unit.commit()
    known = Known(current, practice_store.get_schedule(context.company_id, current.branch_id))
    return about_one(context, known, context.voice.phrases.changed_since, "changed_since")


def _now(known: Known, appointment: Appointment) -> Known:
    return msgspec.structs.replace(known, appointment=appointment)


def _conflict(refusal: DomainError) -> Conflict:
    assert isinstance(refusal, Conflict)
    return refusal
