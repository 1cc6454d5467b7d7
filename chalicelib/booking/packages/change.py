"""Changing a package: all of its parts are moved, given up, confirmed or declined in one transaction, or none."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments import package_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, Status
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.history import moved_ids
from chalicelib.booking.appointments.package import Together
from chalicelib.booking.events import AppointmentCancelled, AppointmentMarked
from chalicelib.booking.rules import cancellation_fees, deposits, limit_store
from chalicelib.core.errors import Conflict
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit

Stage = Callable[[Unit, Together], Together]
CANCELLABLE: frozenset[Status] = frozenset({"requested", "confirmed"})


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Why. `version`: of the package as it was when it was decided on, None: whichever.

    `waive_fee`, `deposit_minor`, `without_deposit`: as for an appointment, of the package.
    """

    reason: str | None = None
    version: int | None = None
    waive_fee: bool = False
    deposit_minor: int | None = None
    without_deposit: bool = False


def cancel(context: ChangeContext[Together], package_id: str, request: Change) -> Together:
    """The package, cancelled with all its parts; one that is over already is returned as it is.

    What that costs is noted on its first part. Raises NotFound, Conflict `stale_version`, or `not_cancellable` when a
    part of it has taken place.
    """

    def stage(unit: Unit, current: Together) -> Together:
        if current.is_over():
            return current
        check(current, CANCELLABLE, "not_cancellable", "a part of it has taken place")
        fee = cancellation_fees.fee_for(current.parts[0], unit.clock())
        due, details = cancellation_fees.noted(fee, waived=request.waive_fee)
        fields = {"status": "cancelled", "cancellation_reason": request.reason}
        return _give_up(unit, current, _changed(unit, current.parts, fields, due), details)

    return change(context, package_id, request.version, stage)


def answer(
    context: ChangeContext[Together], package_id: str, status: Literal["confirmed", "declined"], request: Change
) -> Together:
    """What was only requested, confirmed or declined; one that is so already is returned as it is.

    Raises NotFound, Conflict `stale_version`, `not_requested`, `deposit_required` while less was paid than asked for.
    """

    def stage(unit: Unit, current: Together) -> Together:
        if current.status == status:
            return current
        check(current, frozenset({"requested"}), "not_requested", "there is no request to answer")
        if status == "declined":
            fields = {"status": "declined", "cancellation_reason": request.reason}
            return _give_up(unit, current, _changed(unit, current.parts, fields))
        return _confirm(unit, current, request)

    return change(context, package_id, request.version, stage)


def change(context: ChangeContext[Together], package_id: str, version: int | None, stage: Stage) -> Together:
    """The package as `stage` changes it, which returns it as it is to change nothing; again while others change it."""

    def attempt() -> Together:
        current = package_store.get(context.company_id, package_id)
        if version is not None and version != current.version and not current.is_over():
            raise Conflict("stale_version", "The package has changed meanwhile; see `current`.", current=facts(current))
        unit = context.new_unit()
        staged = stage(unit, current)
        if staged is not current:
            if context.hook:
                context.hook(unit, staged)
            unit.commit(staged)
        return staged

    return until_committed(attempt, "calendar_busy", "Many are changing this package at once; try again in a moment.")


def facts(current: Together) -> dict[str, object]:
    """A package's state in plain values."""
    return {
        "id": current.package.id,
        "version": current.version,
        "status": current.status,
        "starts_at": current.starts_at.isoformat(),
        "ends_at": current.ends_at.isoformat(),
    }


def check(current: Together, allowed: frozenset[Status], code: str, why: str) -> None:
    """Raises Conflict `code` unless all parts have one of these statuses."""
    if not all(part.status in allowed for part in current.parts):
        detail = f"This package is {current.status.replace('_', ' ')}: {why}."
        raise Conflict(code, detail, current=facts(current))


def _changed(
    unit: Unit,
    parts: tuple[Appointment, ...],
    fields: Mapping[str, Any],
    of_first: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Appointment, ...]:
    at = unit.clock()
    return tuple(part.changed(at, **fields, **({} if number else of_first)) for number, part in enumerate(parts))


def _give_up(
    unit: Unit, current: Together, over: tuple[Appointment, ...], details: Mapping[str, str] = MappingProxyType({})
) -> Together:
    """`details`: what the history of the first part says besides."""
    for exchange in time_swap.exchanges(*zip(current.parts, over, strict=True)):
        exchange.stage(unit)
    limit_store.uncount(unit, [name for part in current.parts for name in part.counted])
    for part in over:
        unit.publish(AppointmentCancelled(appointment_id=part.id, status=part.status, version=part.version))
    return _save(unit, current, over, details)


def _confirm(unit: Unit, current: Together, request: Change) -> Together:
    first, details = deposits.paid(
        current.parts[0], request.deposit_minor, without=request.without_deposit, facts=facts(current)
    )
    fields = {"status": "confirmed", "booked_as": "confirmed"}
    confirmed = _changed(unit, (first, *current.parts[1:]), fields)
    for part in confirmed:
        unit.publish(AppointmentMarked(appointment_id=part.id, status=part.status, version=part.version))
    return _save(unit, current, confirmed, details)


def _save(unit: Unit, current: Together, new: tuple[Appointment, ...], details: Mapping[str, str]) -> Together:
    for number, (old, part) in enumerate(zip(current.parts, new, strict=True)):
        appointment_store.save_appointment(unit, part)
        more = {} if number else details
        unit.audit(f"appointment.{part.status}", part.id, ("status",), **moved_ids(old, part), **more)
    return Together(current.package, new)
