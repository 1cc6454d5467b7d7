"""Changing a package: all of its parts are moved, given up, confirmed or declined in one transaction, or none."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from chalicelib.booking.appointments import package_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, Status
from chalicelib.booking.appointments.package import Together
from chalicelib.booking.calcom.apply import moved_ids
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.calendar import Calendar, CalendarOwner
from chalicelib.booking.calendar.entries import weeks_between
from chalicelib.booking.creation import book
from chalicelib.booking.creation import package as package_creation
from chalicelib.booking.creation.book import TRIES
from chalicelib.booking.events import AppointmentCancelled, AppointmentMarked
from chalicelib.booking.rules import cancellation_fees, deposits, limit_store
from chalicelib.core.errors import Conflict, Stale, Unavailable
from chalicelib.core.tables import Key, fetch_map
from chalicelib.core.unit import Unit, UnitFactory

PackageHook = Callable[[Unit, Together], None]
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


def cancel(
    new_unit: UnitFactory, company_id: str, package_id: str, wanted: Change, hook: PackageHook | None = None
) -> Together:
    """The package, cancelled with all its parts; one that is over already is returned as it is.

    What that costs is noted on its first part. `hook` is added to the transaction. Raises NotFound, Conflict
    `stale_version`, or `not_cancellable` when a part of it has taken place.
    """

    def stage(unit: Unit, current: Together) -> Together:
        if current.is_over():
            return current
        check(current, CANCELLABLE, "not_cancellable", "a part of it has taken place")
        due, told = cancellation_fees.noted(
            cancellation_fees.fee_for(current.parts[0], unit.clock()), waived=wanted.waive_fee
        )
        return _give_up(unit, current, "cancelled", wanted.reason, due, told)

    return change(new_unit, company_id, package_id, wanted.version, stage, hook)


def answer(
    new_unit: UnitFactory, company_id: str, package_id: str, status: Literal["confirmed", "declined"], wanted: Change
) -> Together:
    """What was only requested, confirmed or declined; one that is so already is returned as it is.

    Raises NotFound, Conflict `stale_version`, `not_requested`, `deposit_required` while less was paid than asked for.
    """

    def stage(unit: Unit, current: Together) -> Together:
        if current.status == status:
            return current
        check(current, frozenset({"requested"}), "not_requested", "there is no request to answer")
        if status == "declined":
            return _give_up(unit, current, status, wanted.reason)
        return _confirm(unit, current, wanted)

    return change(new_unit, company_id, package_id, wanted.version, stage)


def change(
    new_unit: UnitFactory,
    company_id: str,
    package_id: str,
    version: int | None,
    stage: Stage,
    hook: PackageHook | None = None,
) -> Together:
    """The package as `stage` changes it, which returns it as it is to change nothing; again while others change it."""
    for attempt in range(TRIES):
        current = package_store.get(company_id, package_id)
        if version is not None and version != current.version and not current.is_over():
            raise Conflict("stale_version", "The package has changed meanwhile; see `current`.", current=facts(current))
        unit = new_unit()
        try:
            staged = stage(unit, current)
            if staged is current:
                return current
            if hook:
                hook(unit, staged)
            unit.commit(staged)
            return staged
        except Stale:
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
    raise Unavailable("calendar_busy", "Many are changing this package at once; try again in a moment.")


def facts(current: Together) -> dict[str, object]:
    """A package's state in plain values."""
    return {
        "id": current.package.id,
        "version": current.version,
        "status": current.status,
        "starts_at": current.starts_at.isoformat(),
        "ends_at": current.ends_at.isoformat(),
    }


class Lying(msgspec.Struct, frozen=True):
    """A calendar in which parts of a package lie, and the weeks they lie in; whoever has left still has theirs."""

    owner: CalendarOwner
    mondays: list[date]

    def places(self) -> list[Key]:
        """Where these weeks lie."""
        return calendar_store.keys([self.owner], self.mondays)


def lying(current: Together) -> list[Lying]:
    """The calendars that its parts take time of."""
    owners: dict[tuple[str, str], set[date]] = {}
    for part in current.parts:
        entry = part.entry()
        weeks = weeks_between(entry.blocks_from, entry.blocks_until)
        home = part.home_branch_id or part.branch_id
        for owner in ((home, str(part.staff_id)), *((part.branch_id, room) for room in part.resource_ids)):
            owners.setdefault(owner, set()).update(weeks)
    company_id = current.package.company_id
    return [Lying(CalendarOwner(company_id, *owner), sorted(weeks)) for owner, weeks in owners.items()]


def read_lying(lies: Sequence[Lying], rows: Mapping[Key, Any]) -> dict[str, Calendar]:
    """The calendars in rows fetched at the keys of each, by whose they are."""
    return {one.owner.id: calendar_store.calendars([one.owner], one.mondays, rows)[0] for one in lies}


def check(current: Together, allowed: frozenset[Status], code: str, why: str) -> None:
    """Raises Conflict `code` unless all parts have one of these statuses."""
    if not all(part.status in allowed for part in current.parts):
        detail = f"This package is {current.status.replace('_', ' ')}: {why}."
        raise Conflict(code, detail, current=facts(current))


def _give_up(
    unit: Unit,
    current: Together,
    status: Literal["cancelled", "declined"],
    reason: str | None,
    due: Mapping[str, Any] = MappingProxyType({}),
    told: Mapping[str, str] = MappingProxyType({}),
) -> Together:
    """`due`: fields of the fee, `told`: what the history says of it; both of the first part."""
    lies = lying(current)
    known = read_lying(lies, fetch_map(key for one in lies for key in one.places()))
    now = unit.clock()
    package_creation.swap(unit, known, package_creation.entries_of(current.parts), {}, now)
    limit_store.uncount(unit, [name for part in current.parts for name in part.counted])
    over = []
    for number, part in enumerate(current.parts):
        new = part.changed(now, status=status, cancellation_reason=reason, **({} if number else due))
        unit.publish(AppointmentCancelled(appointment_id=new.id, status=status, version=new.version))
        over.append(_save(unit, part, new, f"appointment.{status}", {} if number else told))
    return Together(current.package, tuple(over))


def _confirm(unit: Unit, current: Together, wanted: Change) -> Together:
    first, told = deposits.paid(
        current.parts[0], wanted.deposit_minor, without=wanted.without_deposit, facts=facts(current)
    )
    confirmed = []
    for number, part in enumerate((first, *current.parts[1:])):
        new = part.changed(unit.clock(), status="confirmed", booked_as="confirmed")
        unit.publish(AppointmentMarked(appointment_id=new.id, status="confirmed", version=new.version))
        confirmed.append(_save(unit, part, new, "appointment.confirmed", {} if number else told))
    return Together(current.package, tuple(confirmed))


def _save(unit: Unit, old: Appointment, new: Appointment, action: str, told: Mapping[str, str]) -> Appointment:
    appointment_store.save_appointment(unit, new)
    unit.audit(action, new.id, ("status",), **moved_ids(old, new), **told)
    return new
