"""Appointments for calls that were booked, and of which nobody here knows: each call once, however often it is tried.

The provider has the booking already, so its word stands: a time that someone else holds by now, or that has passed, is
kept and left unassigned or takes no time. A dry run is this same code in a dry run (core.dry_run).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, booked_event
from chalicelib.booking.events import VendorBookingUnassigned
from chalicelib.booking.provider.commit import claim_references
from chalicelib.calls import list_store, store
from chalicelib.calls.analysis import BookingData, read_booking
from chalicelib.calls.backfill_placement import BackfillPlacement, CannotBackfill, Reads, find_placement, references_of
from chalicelib.calls.call import Call, CallLink
from chalicelib.calls.call_owner import Default
from chalicelib.core import directory, reference_store
from chalicelib.core.clock import Clock
from chalicelib.core.errors import DomainError, Stale, Unavailable
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.retry import known_first, until_committed
from chalicelib.core.unit import CompanyUnitFactory, Unit
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.matching import resolve
from chalicelib.crm.matching.resolve import Sighting, Trust


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a call. `lines` say what was done; `code` and `reason` why nothing could be.

    `nothing`: there is nothing to do (any more).
    """

    call_id: str
    company_id: str
    done: Literal["booked", "linked", "nothing", "failed"]
    lines: tuple[str, ...] = ()
    code: str | None = None
    reason: str | None = None


class Backfill:
    """Works through calls in the order given. `new_unit` starts a unit of work of a company."""

    def __init__(self, new_unit: CompanyUnitFactory, clock: Clock, default: Default) -> None:
        self._new_unit = new_unit
        self._clock = clock
        self._default = default
        self._last: dict[Any, BackfillPlacement] = {}

    def all(self, company_ids: Sequence[str]) -> Iterator[Outcome]:
        """Every call in the backlogs of these companies: the index has no others, so ending early loses nothing."""
        for company_id in company_ids:
            for ids in list_store.backlog(company_id):
                for call in store.calls_at(company_id, ids):
                    if call.link.awaits_backfill:  # the index may lag behind
                        yield self.one(call)

    def one(self, call: Call) -> Outcome:
        """This call; reads again when someone else is at it. One read and one transaction where its branch is known."""
        company_id = call.company_id or PLATFORM
        read = known_first([call], lambda: store.calls_at(company_id, [call.id]))

        def attempt() -> Outcome:
            found = read()
            if not found:
                return _nothing(call, "it belongs to a company by now")
            if found[0].link.appointment_id is not None:
                return _nothing(call, "it leads to its appointment already")
            return self._once(found[0])

        try:
            return until_committed(attempt)
        except CannotBackfill as why:
            code, reason = why.code, why.sentence
        except Unavailable:
            code, reason = "busy", "others change it; run this again"
        return Outcome(call_id=call.id, company_id=company_id, done="failed", code=code, reason=reason)

    def _once(self, call: Call) -> Outcome:
        booking = read_booking(call.link.booking_details)
        if not call.link.booking_details:
            raise CannotBackfill("no_booking_details", "the call has no booking_details")
        at = self._clock()
        guess = self._last.get((booking.event_type, call.facts.our_number))
        placed = find_placement(call, booking, self._default, Reads(), guess)
        self._last[booking.event_type, call.facts.our_number] = msgspec.structs.replace(placed, reads=Reads())
        unit = self._new_unit(placed.schedule.branch.company_id)
        existing = _existing(placed, booking)
        if existing:
            lines = self._link_existing(unit, call, existing, at)
        else:
            lines = self._add_appointment(unit, call, booking, placed, at)
        try:
            unit.commit()
        except DomainError as error:
            if isinstance(error, Stale):
                raise
            raise CannotBackfill(error.code, error.detail) from None
        return Outcome(
            call_id=call.id,
            company_id=unit.company_id,
            done="linked" if existing else "booked",
            lines=(*placed.lines, *lines),
        )

    def _link_existing(self, unit: Unit, call: Call, found: Appointment, at: datetime) -> tuple[str, ...]:
        if found.call_id not in (None, call.id):
            raise CannotBackfill("booked_by_another_call", f"its booking belongs to the call {found.call_id}")
        if not found.was_booked() and found.status != "requested":
            raise CannotBackfill("never_booked", f"its booking is {found.status} and was never confirmed")
        if found.call_id is None:
            appointment_store.save_appointment(unit, found.changed(at, call_id=call.id))
        _write_link(unit, call, found)
        return (f"appointment: known by its booking, {found.status}",)

    def _add_appointment(
        self, unit: Unit, call: Call, booking: BookingData, placed: BackfillPlacement, at: datetime
    ) -> tuple[str, ...]:
        customer_id, customer_line = _customer(unit, call, placed, at)
        appointment = placed.appointment(unit.company_id, call.id, customer_id, booking, at)
        if appointment.ends_at <= at:
            note: tuple[str, ...] = ("the time has passed: it takes none",)
        elif appointment.staff_id is None or not placed.take_time(unit, appointment, at):
            why = "someone else has the time" if appointment.staff_id else "nobody is named for it"
            note = (f"{why}: unassigned",)
            appointment = msgspec.structs.replace(appointment, staff_id=None, home_branch_id=None)
            unit.publish(VendorBookingUnassigned(appointment_id=appointment.id, branch_id=appointment.branch_id))
        else:
            note = ()
        appointment_store.add_appointment(unit, appointment)
        claim_references(unit, appointment)
        if appointment.ends_at > at:  # nobody wants to hear that a time of last month is booked
            unit.publish(booked_event(appointment))
        unit.audit("appointment.backfilled", appointment.id, call=call.id)
        _write_link(unit, call, appointment)
        return (customer_line, placed.line(appointment), *note)


def _existing(placed: BackfillPlacement, booking: BookingData) -> Appointment | None:
    keys = [reference_store.key(each) for each in references_of(booking)]
    entries = map(directory.entry, placed.reads(keys).values())
    owners = {(entry.company_id, entry.record) for entry in entries if entry}
    if not owners:
        return None
    if len(owners) > 1:
        raise CannotBackfill(f"{booking.provider}_ids_differ", "its two ids belong to two different appointments")
    company_id, appointment_id = owners.pop()
    if company_id != placed.schedule.branch.company_id:
        raise CannotBackfill("booked_elsewhere", "its booking belongs to another company")
    key = appointment_store.appointment_key(company_id, appointment_id)
    return appointment_store.appointment_of(placed.reads([key])[key])


def _customer(unit: Unit, call: Call, placed: BackfillPlacement, at: datetime) -> tuple[str, str]:
    if call.link.customer_id:
        return call.link.customer_id, "customer: the one linked to the call"
    contact = placed.contact
    rows = placed.reads(contact_points.keys(unit.company_id, contact))
    trust: Trust = "caller" if contact.phone and contact.phone == call.facts.their_number else "stranger"
    found = resolve.resolve(
        unit.company_id, Sighting(contact=contact, trust=trust, source="retell_phone"), rows
    )
    customer_id = resolve.stage(unit, found, at)
    if found.person_id:
        return customer_id, f"customer: known by {contact.phone or contact.email}"
    line = ", ".join(part for part in (contact.name, contact.phone, contact.email) if part)
    return customer_id, f"customer: new, {line}"


def _write_link(unit: Unit, call: Call, appointment: Appointment) -> None:
    link = msgspec.structs.replace(
        call.link,
        branch_id=appointment.branch_id,
        customer_id=appointment.customer_id,
        appointment_id=appointment.id,
        booking_confirmed=True,
    )
    if call.company_id is None:
        adopt_call(unit, call, link)
    else:
        store.save_link(unit, call.id, link, call.link_version)
        unit.audit("call.backfilled", call.id, ("booking_confirmed", "appointment_id"))


def adopt_call(unit: Unit, orphan: Call, link: CallLink) -> None:
    """Stage that a call of nobody's becomes the unit's company's."""
    _, transcript = store.read_call(PLATFORM, orphan.id)
    adopted = msgspec.structs.replace(
        orphan, company_id=unit.company_id, link=link, version=orphan.version + 1, link_version=orphan.link_version + 1
    )
    store.adopt(unit, orphan, adopted, transcript)
    unit.audit("call.adopted", orphan.id)


def adopt_orphan(unit: Unit, orphan: Call, branch_id: str | None) -> None:
    """Give a call of nobody's to the unit's company; Stale if it changes at this moment."""
    adopt_call(unit, orphan, msgspec.structs.replace(orphan.link, branch_id=branch_id))
    unit.commit()


def _nothing(call: Call, why: str) -> Outcome:
    return Outcome(call_id=call.id, company_id=call.company_id or PLATFORM, done="nothing", lines=(why,))
