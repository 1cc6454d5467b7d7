"""Visitors' holds: a time is kept for ten minutes, once for ten more, given back, or becomes an appointment."""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import asdict

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.alternatives.add import with_alternatives
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
from chalicelib.booking.creation import context as booking_context
from chalicelib.booking.creation import group_seat
from chalicelib.booking.creation.book import BUSY, check_time
from chalicelib.booking.creation.context import BookingContext
from chalicelib.booking.creation.decided import Decided
from chalicelib.booking.creation.decision import decide
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.practice.models import PUBLIC_BRANCH
from chalicelib.booking.rules.facts import Rows
from chalicelib.core import directory
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.directory import Claim
from chalicelib.core.errors import Conflict, NotFound, RateLimited, Stale
from chalicelib.core.ids import new_id
from chalicelib.core.retry import until_committed
from chalicelib.core.tables import Key, fetch
from chalicelib.core.throttle import digest
from chalicelib.core.unit import CompanyUnitFactory, Unit

HOLD = "hold"
"""The kind of directory key under which a hold's id leads to its company."""


def company_of(branch_id: str) -> str:
    """The company of a branch that a visitor names; raises NotFound."""
    found = directory.find(PUBLIC_BRANCH, branch_id)
    if found is None:
        raise NotFound("branch_not_found", f"There is no branch {branch_id}.")
    return found.company_id


@with_alternatives()
def hold(new_unit: CompanyUnitFactory, address: str, request: BookingRequest, clock: Clock) -> tuple[Hold, str]:
    """The hold and its secret: what `book` would take is kept for ten minutes. One read, one transaction.

    `address`: the visitor's on the net. Raises what `book` raises (no customer is looked at: whether one is blocked, or
    was consulted, shows when they say who they are), RateLimited `too_many_holds` above two of an address or fifty of a
    branch.
    """
    company_id, request = company_of(request.branch_id), request.in_utc()
    check_time(request.starts_at, clock(), request.path)
    lists = [hold_store.list_key(company_id, digest(address)), hold_store.list_key(company_id, request.branch_id)]

    def attempt() -> tuple[Hold, str]:
        now = clock()
        branch = booking_context.read(company_id, request, lists)
        if not branch.schedule.branch.published:
            raise NotFound("branch_not_found", f"There is no branch {request.branch_id}.")
        context = BookingContext(request=request, branch=branch, record_id=new_id("hld"), now=now)
        group_seat.refuse_hold(context)
        secret, token_digest = new_secret()
        made = hold_for(context, decide(context), token_digest, lapses_at(now))
        unit = new_unit(company_id)
        _list(unit, lists, branch.rows, made)
        time_swap.swap(unit, branch.by_owner(), {}, made.lies(), now)
        hold_store.add(unit, made)
        directory.claim(unit, Claim(HOLD, made.id, made.id, expires_at=epoch(made.expires_at + 2 * LASTS)), Stale())
        unit.audit("hold.made", made.id)
        unit.commit()
        return made, secret

    return until_committed(attempt, "calendar_busy", BUSY)


def extend(new_unit: CompanyUnitFactory, proof: HoldProof, clock: Clock) -> Hold:
    """The hold, for ten minutes more than before; once. Raises NotFound, Conflict `hold_expired`, `extended_before`."""

    def stage(unit: Unit, old: Hold) -> Hold:
        if old.extended:
            raise Conflict("extended_before", "A hold is extended once; book, or hold anew once it has lapsed.")
        later = old.expires_at + LASTS
        new = msgspec.structs.replace(old, expires_at=later, extended=True, version=old.version + 1)
        _exchange(unit, old, new.lies())
        hold_store.save(unit, new)
        unit.audit("hold.extended", new.id)
        return new

    return _change(new_unit, proof, clock, stage)


def release(new_unit: CompanyUnitFactory, proof: HoldProof, clock: Clock) -> None:
    """Give the time back. Raises NotFound, also for what was used or released, Conflict `hold_expired`."""

    def stage(unit: Unit, old: Hold) -> Hold:
        give_back(unit, old)
        directory.release(unit, HOLD, old.id)
        unit.audit("hold.released", old.id)
        return old

    _change(new_unit, proof, clock, stage)


def give_back(unit: Unit, old: Hold) -> None:
    """Stage that the time is free again and the hold gone; Stale when it was used or released meanwhile."""
    _exchange(unit, old, {})
    hold_store.remove(unit, old)


def hold_for(context: BookingContext, decided: Decided, token_digest: str, expires_at: datetime) -> Hold:
    """What would keep the time that was decided on."""
    return Hold(
        id=context.record_id,
        company_id=context.company_id,
        branch_id=context.request.branch_id,
        service_id=decided.service.id,
        service_number=decided.service.number,
        expires_at=expires_at,
        digest=token_digest,
        address=decided.address,
        parts=tuple(HeldPart(**asdict(part.slot()), **part.buffers()) for part in decided.parts),
    )


def _change(new_unit: CompanyUnitFactory, proof: HoldProof, clock: Clock, stage: Callable[[Unit, Hold], Hold]) -> Hold:
    known = directory.find(HOLD, proof.id)

    def attempt() -> Hold:
        current = hold_store.find(known.company_id, proof.id) if known else None
        old = proven(current, proof, clock())
        unit = new_unit(old.company_id)
        changed = stage(unit, old)
        unit.commit()
        return changed

    return until_committed(attempt, "calendar_busy", BUSY)


def _exchange(unit: Unit, old: Hold, after: time_swap.Taken) -> None:
    before = old.lies()
    time_swap.swap(unit, time_swap.read_calendars(before), before, after, unit.clock())


def _list(unit: Unit, lists: Sequence[Key], rows: Rows, made: Hold) -> None:
    for key, most in zip(lists, (MOST_OF_A_VISITOR, MOST_OF_A_BRANCH), strict=True):
        ids = hold_store.listed(rows[key])
        if len(ids) >= most:
            # Some were used, released or have lapsed meanwhile: only who has many pays for looking.
            ids = _that_hold(made.company_id, ids, unit.clock())
        if len(ids) >= most:
            wait = int(LASTS.total_seconds())
            raise RateLimited("too_many_holds", "Too many times are held; book or release one.", retry_after=wait)
        hold_store.save_list(unit, key, rows[key], [*ids, made.id], epoch(made.expires_at + 2 * LASTS))


def _that_hold(company_id: str, ids: Sequence[str], now: datetime) -> list[str]:
    found = (hold_store.hold_of(row) for row in fetch([hold_store.key(company_id, hold_id) for hold_id in ids]))
    return [one.id for one in found if one and one.expires_at > now]
