"""Bookings made at a provider itself: they become appointments here, once."""

from datetime import datetime

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import BOOKING, OVER, Appointment, Attendee, booked_event
from chalicelib.booking.appointments.external import ExternalBooking
from chalicelib.booking.events import VendorBookingUnassigned
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import SERVICE, Service, Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.provider.commit import claim_references
from chalicelib.booking.provider.state import is_host, who_comes, whole_minute
from chalicelib.core import reference_store
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Stale
from chalicelib.core.ids import new_id
from chalicelib.core.references import Reference
from chalicelib.core.tables import fetch_map
from chalicelib.core.unit import CompanyUnitFactory, Unit
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.contact_points.contact import RawContact, read_what_can_be
from chalicelib.crm.matching import resolve
from chalicelib.crm.matching.resolve import Sighting


def import_booking(reported: ExternalBooking, new_unit: CompanyUnitFactory, clock: Clock) -> str:
    """Add the appointment behind a booking we have never heard of; returns what was done.

    One that has been cancelled is added as cancelled, so that the news of its creation, coming later, finds it so.
    Nothing is added when what was booked belongs to no branch of ours, or its times or ids are missing.
    """
    place = reference_store.find(Reference(reported.provider, SERVICE, str(reported.service_id)))
    if place is None:
        return "unknown event type"
    if reported.status is None or not _complete(reported):
        return "incomplete"
    unit = new_unit(place.company_id)
    schedule = practice_store.get_schedule(place.company_id, str(place.data["branch_id"]))
    service = schedule.service(str(place.data["service_id"]), "service")
    member = _host(schedule, service, reported, place.data.get("staff_id"))
    at = clock()
    customer_id = _customer(unit, schedule, reported, at)
    appointment = _Imported(reported, schedule, service, member).appointment(customer_id, at)
    if not time_swap.change_time(unit, _nowhere(appointment), appointment) and appointment.staff_id:
        appointment = appointment.changed(appointment.updated_at, staff_id=None, version=1)
        unit.publish(VendorBookingUnassigned(appointment_id=appointment.id, branch_id=appointment.branch_id))
    appointment_store.add_appointment(unit, appointment)
    claim_references(unit, appointment)
    if reported.replaces:
        # Should news of the booking it replaces come later, it is about this appointment.
        reference_store.claim(unit, Reference(reported.provider, BOOKING, reported.replaces), appointment.id, Stale())
    if appointment.status not in OVER:
        unit.publish(booked_event(appointment))
    unit.audit("appointment.imported", appointment.id)
    unit.commit()
    return "imported"


class _Imported(msgspec.Struct, frozen=True):
    """A booking of a provider's, and what of ours it is about."""

    reported: ExternalBooking
    schedule: Schedule
    service: Service
    member: Staff | None

    def appointment(self, customer_id: str, at: datetime) -> Appointment:
        """The appointment that it becomes."""
        reported, service, member = self.reported, self.service, self.member
        assert reported.status
        assert reported.starts_at
        assert reported.ends_at
        return Appointment(
            id=new_id("apt"),
            company_id=self.schedule.branch.company_id,
            branch_id=self.schedule.branch.id,
            service_id=service.id,
            staff_id=member.id if member else None,
            home_branch_id=member.home_branch_id if member else None,
            customer_id=customer_id,
            starts_at=whole_minute(reported.starts_at),
            ends_at=whole_minute(reported.ends_at),
            before_min=service.buffer_before_min,
            after_min=service.buffer_after_min,
            service_number=service.number,
            channel=service.channel,
            status=reported.status,
            booked_as="confirmed" if reported.status == "confirmed" else None,
            source=reported.provider,
            provider=reported.provider,
            references=reported.references,
            external_seen_at=reported.reported_at,
            **who_comes(reported),  # type: ignore[arg-type]
            created_at=at,
            updated_at=at,
        )


def _complete(reported: ExternalBooking) -> bool:
    return bool(reported.id and reported.starts_at and reported.ends_at and reported.ends_at > reported.starts_at)


def _nowhere(appointment: Appointment) -> Appointment:
    return appointment.changed(appointment.updated_at, status="cancelled")


def _host(schedule: Schedule, service: Service, reported: ExternalBooking, fixed: object) -> Staff | None:
    able = schedule.able(service, None, "service")
    for member in able:
        if member.id == fixed or is_host(member, reported.provider, reported.host):
            return member
    return able[0] if len(able) == 1 else None


def _customer(unit: Unit, schedule: Schedule, reported: ExternalBooking, at: datetime) -> str:
    said = reported.attendee or Attendee()
    contact = read_what_can_be(RawContact(name=said.name, phone=said.phone, email=said.email), schedule.branch.country)
    rows = fetch_map(contact_points.keys(unit.company_id, contact))
    # Whoever books at a provider types what they like there.
    sighting = Sighting(contact=contact, trust="stranger", source=reported.provider)
    return resolve.stage(unit, resolve.resolve(unit.company_id, sighting, rows), at)
