"""Who comes to an appointment: the name, e-mail address and phone number it is kept under, and guests.

A provider is told of a new e-mail address or guest, and of no more: a new name or number stays here. Where it keeps
guests, one that it has cannot be taken off here either.
"""

from typing import Any

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment, Attendee
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.changes.change import change_appointment
from chalicelib.booking.events import AppointmentAttendeesChanged
from chalicelib.booking.jobs import PushBooking
from chalicelib.booking.provider import pending_change, requests
from chalicelib.core.errors import Conflict, invalid
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact


class Attendance(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be changed; None, and empty fields of `contact`, stay. `guests`: all of them, e-mail addresses."""

    contact: Contact
    guests: tuple[str, ...] | None = None
    version: int | None = None
    path: str = "body"


def change_attendees(context: ChangeContext[Appointment], appointment_id: str, attendance: Attendance) -> Appointment:
    """The appointment with who comes; the provider is told by a job. The customer's own record stays.

    Raises Conflict `appointment_over`, `stale_version`, Invalid for a guest who is left out but stays at the provider.
    """

    def stage(unit: Unit, current: Appointment) -> Appointment:
        pending_change.guard_version(current, attendance.version)
        if current.status in OVER:
            detail = f"This appointment is {current.status}; nobody comes to it."
            raise Conflict("appointment_over", detail, current=pending_change.facts(current))
        if current.group:
            raise Conflict("is_group", "Who comes to a group joins and leaves; see its participants.")
        fields = _fields(current, attendance)
        return _write(unit, current.changed(unit.clock(), **fields), tuple(fields)) if fields else current

    return change_appointment(context, appointment_id, stage)


def _fields(current: Appointment, attendance: Attendance) -> dict[str, Any]:
    known, contact = requests.attendee(current), attendance.contact
    attendee = Attendee(
        name=contact.name or known.name, email=contact.email or known.email, phone=contact.phone or known.phone
    )
    fields: dict[str, Any] = {} if attendee == known else {"attendee": attendee}
    if attendance.guests is None:
        return fields
    guests = tuple(sorted({guest.lower() for guest in attendance.guests} - {(attendee.email or "").lower()}))
    if current.external_id and set(current.external.guests) - {*guests, attendee.email}:
        provider = requests.provider_of(current)
        if provider.keeps_guests:
            sentence = f"{provider.title} has further guests and removes none."
            raise invalid(f"{attendance.path}.guests", provider.named("{}_keeps_guests"), sentence)
    return fields if guests == current.guests else {**fields, "guests": guests}


def _write(unit: Unit, new: Appointment, fields: tuple[str, ...]) -> Appointment:
    appointment_store.save_appointment(unit, new)
    unit.publish(AppointmentAttendeesChanged(appointment_id=new.id, fields=fields, version=new.version))
    if new.external_id:
        unit.enqueue(PushBooking(company_id=new.company_id, appointment_id=new.id))
    unit.audit("appointment.attendees_changed", new.id, fields)
    return new
