"""The same booking asked for again: the same person, service and instant are the booking that stands.

Calendars say what begins then, so nothing is read where nothing of the service does; where a member of staff is asked
for, the calendars of the others are read along, as the first time it may have gone to one of them.
"""

from collections.abc import Sequence

from chalicelib.booking.appointments import package_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, Attendee
from chalicelib.booking.appointments.package import FirstPart
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Kind, unpack, weeks_between
from chalicelib.booking.calendar.owner import CalendarOwner, owner_of
from chalicelib.booking.creation.context import BookingContext
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.events import AppointmentAttendeesChanged
from chalicelib.booking.jobs import MailCustomer
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.ids import id_from_bytes
from chalicelib.core.tables import Key, fetch_map
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points import store as contact_points

STANDS = frozenset({"held", "requested", "confirmed"})


def keys(schedule: Schedule | None, request: BookingRequest) -> list[Key]:
    """The calendars of those who may have been booked instead of the member of staff who is asked for."""
    service = schedule.find_service(request.service) if schedule else None
    if schedule is None or service is None:
        return []
    return calendar_store.keys(_others(schedule, service, request), weeks_between(request.starts_at, request.starts_at))


def find(context: BookingContext) -> Appointment | None:
    """What the customer has then of this service; one request where any calendar has something of it then.

    Of a group, nothing: whoever takes part is told so.
    """
    service = context.schedule.find_service(context.request.service)
    if service is None or service.seats > 1 or context.customer_id is None or not _can_be_named(context, service):
        return None
    calendars = [*context.branch.calendars, *_read_others(context, service)]
    ids = sorted({one for calendar in calendars for one in _beginning(calendar, service, context)})
    found = appointment_store.appointments_of(dict.fromkeys(ids, context.company_id)).values()
    mine = [one for one in found if _is_same(one, context, service)]
    return _whole(mine[0]) if mine else None


def stage(unit: Unit, context: BookingContext, former: Appointment) -> Appointment:
    """Stage what is said now and was not said before, by whoever is believed: of the customer, or in the very call
    that booked it, of who comes. A stranger who asks again changes nothing of what may be somebody else's.
    """
    assert context.comes
    is_new = _first_address(context)
    context.comes.stage(unit, context.now)
    new = _with_attendee(unit, context, former) if _in_same_call(context, former) else former
    if is_new and not new.external_id:
        unit.enqueue(MailCustomer(company_id=new.company_id, appointment_id=new.id, news="booked"))
    return new


def _first_address(context: BookingContext) -> bool:
    """Whether an e-mail address is told that the customer was not known to have."""
    found = context.comes.resolution if context.comes else None
    email = context.request.contact.email
    if found is None or email is None or context.customer_id is None:
        return False
    if found.sighting.trust == "stranger":
        return context.request.call_id is not None
    holders = found.known[contact_points.key(context.company_id, "email", email)]
    return holders.find(context.customer_id) is None


def _in_same_call(context: BookingContext, former: Appointment) -> bool:
    request = context.request
    same = request.call_id is not None and request.call_id == former.call_id
    return same and request.by_stranger and former.status != "held"


def _with_attendee(unit: Unit, context: BookingContext, former: Appointment) -> Appointment:
    before, contact = former.attendee or Attendee(), context.request.contact
    attendee = Attendee(
        name=max(before.name, contact.name, key=len),
        email=before.email or contact.email,
        phone=before.phone or contact.phone,
    )
    fields = tuple(name for name in Attendee.__struct_fields__ if getattr(attendee, name) != getattr(before, name))
    if not fields:
        return former
    new = former.changed(context.now, attendee=attendee)
    appointment_store.save_appointment(unit, new)
    unit.publish(AppointmentAttendeesChanged(appointment_id=new.id, fields=fields, version=new.version))
    unit.audit("appointment.attendees_changed", new.id, fields)
    return new


def _can_be_named(context: BookingContext, service: Service) -> bool:
    """Whether whoever is asked for does any of it; if not, that is what the answer has to say."""
    request, doing = context.request, {service.id, *(part.service_id for part in service.parts)}
    return request.staff is None or any(
        one.is_called(request.staff) and doing.intersection(one.service_ids) and (one.published or not request.visitor)
        for one in context.schedule.staff
    )


def _others(schedule: Schedule, service: Service, request: BookingRequest) -> list[CalendarOwner]:
    if request.staff is None or service.parts:
        return []
    return [
        owner_of(one) for one in schedule.staff if service.id in one.service_ids and not one.is_called(request.staff)
    ]


def _read_others(context: BookingContext, service: Service) -> list[Calendar]:
    mondays = weeks_between(context.request.starts_at, context.request.starts_at)
    owners, rows = _others(context.schedule, service, context.request), context.branch.rows
    missing = calendar_store.keys(owners, mondays)
    rows = {**rows, **fetch_map(key for key in missing if key not in rows)}
    return calendar_store.calendars(owners, mondays, rows)


def _beginning(calendar: Calendar, service: Service, context: BookingContext) -> Sequence[str]:
    """Ids of the appointments of the service that begin at that instant in a calendar."""
    starts_at = context.request.starts_at
    packed = calendar.days.get(starts_at.date())
    entries = unpack(starts_at.date(), packed) if packed else []
    return [
        id_from_bytes("apt", one.reference)
        for one in entries
        if one.kind is Kind.BOOKING and one.service == service.number and one.start == starts_at
    ]


def _is_same(one: Appointment, context: BookingContext, service: Service) -> bool:
    return (
        one.customer_id == context.customer_id
        and one.branch_id == context.request.branch_id
        and one.starts_at == context.request.starts_at
        and one.sold_as == service.id
        and one.status in STANDS
        and one.series_id is None
        and context.request.length_min in (None, one.length_min)
    )


def _whole(one: Appointment) -> Appointment:
    if one.package is None:
        return one
    parts = package_store.get(one.company_id, one.package.id).parts
    fields = {name: getattr(parts[0], name) for name in Appointment.__struct_fields__}
    return FirstPart(**fields, parts=parts)
