"""Visitors' holds: a time is kept for ten minutes, once for ten more, given back, or becomes an appointment."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.booking.allocation import context as booking_context
from chalicelib.booking.allocation.context import BookingContext
from chalicelib.booking.appointments import hold_store
from chalicelib.booking.appointments.hold import (
    LASTS,
    MOST_OF_A_BRANCH,
    MOST_OF_A_VISITOR,
    HeldPart,
    Hold,
    HoldProof,
    lapses_at,
)
from chalicelib.booking.appointments.hold_token import new_secret, proven
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.calendar import CalendarOwner
from chalicelib.booking.calendar.entries import reference_of, weeks_between
from chalicelib.booking.creation import book, group_seat
from chalicelib.booking.creation.decision import Asked, Decision, decide, expected, service_of
from chalicelib.booking.engine.clocks import MINUTE
from chalicelib.booking.practice.models import PUBLIC_BRANCH
from chalicelib.core import directory
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.errors import Conflict, NotFound, RateLimited, Stale, Unavailable
from chalicelib.core.ids import new_id
from chalicelib.core.tables import Key, fetch
from chalicelib.core.throttle import digest
from chalicelib.core.unit import CompanyUnitFactory, Unit
from chalicelib.crm.customer import Contact

if TYPE_CHECKING:
    from chalicelib.booking.creation.package_decision import Placement

HOLD = "hold"
"""The kind of directory key under which a hold's id leads to its company."""


def company_of(branch_id: str) -> str:
    """The company of a branch that a visitor names; raises NotFound."""
    found = directory.find(PUBLIC_BRANCH, branch_id)
    if found is None:
        raise NotFound("branch_not_found", f"There is no branch {branch_id}.")
    return found.company_id


def hold(new_unit: CompanyUnitFactory, address: str, asked: Asked, clock: Clock) -> tuple[Hold, str]:
    """The hold and its secret: what `booking.book` would take is kept for ten minutes. One read, one transaction.

    Raises what `book` raises (no customer is looked at), RateLimited `too_many_holds` above two of an address or fifty
    of a branch.
    """
    company_id = company_of(asked.branch_id)
    book.check_time(asked.starts_at, clock(), asked.path)
    lists = [hold_store.list_key(company_id, digest(address)), hold_store.list_key(company_id, asked.branch_id)]
    for attempt in range(book.TRIES):
        now = clock()
        around = expected(company_id, booking_context.seen(company_id, asked.branch_id), asked, None)
        keys = [*lists, *around]
        found = booking_context.read(
            company_id, asked.branch_id, asked.starts_at, asked.starts_at, keys, asked.staff, asked.service
        )
        if not found.schedule.branch.published:
            raise NotFound("branch_not_found", f"There is no branch {asked.branch_id}.")
        group_seat.refuse_hold(found.schedule, asked)
        rows = dict(zip(keys, found.extra, strict=True))
        hold_id = new_id("hld")
        secret, kept = new_secret()
        made = _decided(company_id, asked, found, rows, hold_id, kept, now)
        unit = new_unit(company_id)
        _list(unit, company_id, lists, rows, made)
        known = found.by_owner()
        for (_, owner), entries in made.lies().items():
            calendar_store.take(unit, known[owner], entries, now)
        hold_store.add(unit, made)
        directory.claim(unit, HOLD, made.id, made.id, Stale(), expires_at=epoch(made.expires_at + 2 * LASTS))
        unit.audit("hold.made", made.id)
        try:
            unit.commit()
            return made, secret
        except Stale:
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
    raise Unavailable("calendar_busy", "Many are booking this day at once; try again in a moment.")


def extend(new_unit: CompanyUnitFactory, proof: HoldProof, clock: Clock) -> Hold:
    """The hold, for ten minutes more than before; once. Raises NotFound, Conflict `hold_expired`, `extended_before`."""

    def stage(unit: Unit, old: Hold) -> Hold:
        if old.extended:
            raise Conflict("extended_before", "A hold is extended once; book, or hold anew once it has lapsed.")
        later = old.expires_at + LASTS
        new = msgspec.structs.replace(old, expires_at=later, extended=True, version=old.version + 1)
        _exchange(unit, old, [new])
        hold_store.save(unit, new)
        unit.audit("hold.extended", new.id)
        return new

    return _change(new_unit, proof, clock, stage)


def release(new_unit: CompanyUnitFactory, proof: HoldProof, clock: Clock) -> None:
    """Give the time back. Raises NotFound, also for what was used or released, Conflict `hold_expired`."""

    def stage(unit: Unit, old: Hold) -> Hold:
        _exchange(unit, old, [])
        hold_store.remove(unit, old)
        directory.release(unit, HOLD, old.id)
        unit.audit("hold.released", old.id)
        return old

    _change(new_unit, proof, clock, stage)


def _change(new_unit: CompanyUnitFactory, proof: HoldProof, clock: Clock, stage: Callable[[Unit, Hold], Hold]) -> Hold:
    known = directory.find(HOLD, proof.id)
    for attempt in range(book.TRIES):
        current = hold_store.find(known.company_id, proof.id) if known else None
        old = proven(current, proof, clock())
        unit = new_unit(old.company_id)
        changed = stage(unit, old)
        try:
            unit.commit()
            return changed
        except Stale:
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
    raise Unavailable("calendar_busy", "Many are booking this day at once; try again in a moment.")


def _exchange(unit: Unit, old: Hold, after: Sequence[Hold]) -> None:
    lies = old.lies()
    reaches = [entry.reach() for mine in lies.values() for entry in mine]
    owners = [CalendarOwner(old.company_id, *owner) for owner in lies]
    mondays = weeks_between(min(first for first, _ in reaches), max(last for _, last in reaches) - MINUTE)
    for (owner, mine), calendar in zip(lies.items(), calendar_store.read(owners, mondays), strict=True):
        later = [entry for new in after for entry in new.lies()[owner]]
        calendar_store.exchange(unit, calendar, mine, later, unit.clock())


def _list(unit: Unit, company_id: str, lists: Sequence[Key], rows: dict[Key, Any], made: Hold) -> None:
    for place, most in zip(lists, (MOST_OF_A_VISITOR, MOST_OF_A_BRANCH), strict=True):
        row = rows[place]
        ids = hold_store.listed(row)
        if len(ids) >= most:
            # Some were used, released or have lapsed meanwhile: only who has many pays for looking.
            ids = _standing(company_id, ids, unit.clock)
        if len(ids) >= most:
            wait = int(LASTS.total_seconds())
            raise RateLimited("too_many_holds", "Too many times are held; book or release one.", retry_after=wait)
        hold_store.save_list(unit, place, row, [*ids, made.id], epoch(made.expires_at + 2 * LASTS))


def _standing(company_id: str, ids: Sequence[str], clock: Clock) -> list[str]:
    found = (hold_store.hold_of(row) for row in fetch([hold_store.key(company_id, hold_id) for hold_id in ids]))
    return [one.id for one in found if one and one.expires_at > clock()]


def _decided(
    company_id: str, asked: Asked, found: BookingContext, rows: dict[Key, Any], hold_id: str, kept: str, now: datetime
) -> Hold:
    # A visitor has no customer yet; whether one is blocked, or was consulted, shows when he says who he is.
    package = service_of(found.schedule, asked)
    if package.parts:
        from chalicelib.booking.creation.package_decision import decide_package

        placement = decide_package(company_id, asked, package, found, rows, None, Contact(), now, somebody=False)
        return _made_of_package(company_id, asked, placement, hold_id, kept, lapses_at(now))
    decision = decide(company_id, asked, found, rows, None, Contact(), reference_of(hold_id), now, somebody=False)
    return hold_for(company_id, asked, decision, hold_id, kept, lapses_at(now))


def _made_of_package(
    company_id: str, asked: Asked, placement: "Placement", hold_id: str, kept: str, expires_at: datetime
) -> Hold:
    first = placement.parts[0]
    return Hold(
        id=hold_id,
        company_id=company_id,
        branch_id=asked.branch_id,
        service_id=placement.package.id,
        staff_id=first.staff.id,
        home_branch_id=first.staff.home_branch_id,
        starts_at=asked.starts_at,
        ends_at=placement.parts[-1].ends_at,
        service_number=placement.package.number,
        expires_at=expires_at,
        digest=kept,
        parts=tuple(
            HeldPart(
                staff_id=part.staff.id,
                home_branch_id=part.staff.home_branch_id,
                resource_ids=part.room_ids,
                starts_at=part.starts_at,
                ends_at=part.ends_at,
                before_min=part.service.buffer_before_min,
                after_min=part.service.buffer_after_min,
            )
            for part in placement.parts
        ),
    )


def hold_for(company_id: str, asked: Asked, decision: Decision, hold_id: str, kept: str, expires_at: datetime) -> Hold:
    """What would keep the time that was decided on."""
    service, staff = decision.service, decision.choice.staff
    return Hold(
        id=hold_id,
        company_id=company_id,
        branch_id=asked.branch_id,
        service_id=service.id,
        staff_id=staff.id,
        home_branch_id=staff.home_branch_id,
        resource_ids=tuple(room.owner.id for room in decision.choice.rooms),
        starts_at=asked.starts_at,
        ends_at=asked.starts_at + timedelta(minutes=service.duration_min),
        before_min=service.buffer_before_min,
        after_min=service.buffer_after_min,
        service_number=service.number,
        expires_at=expires_at,
        digest=kept,
        address=decision.address,
    )


def give_back(unit: Unit, old: Hold) -> None:
    """Stage that the time is free again and the hold gone; Stale when it was used or released meanwhile."""
    _exchange(unit, old, [])
    hold_store.remove(unit, old)
