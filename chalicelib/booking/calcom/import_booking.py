"""Bookings made at Cal.com itself: they become appointments here, once."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment, Status, booked_event
from chalicelib.booking.calcom.commit import UID, claim_ids
from chalicelib.booking.calcom.state import attendee_of, who_comes, whole_minute
from chalicelib.booking.events import VendorBookingUnassigned
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.directory import CALCOM_EVENT_TYPE
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core import directory
from chalicelib.core.clock import Clock
from chalicelib.core.directory import Claim
from chalicelib.core.errors import Stale
from chalicelib.core.ids import new_id
from chalicelib.core.tables import fetch_map
from chalicelib.core.unit import CompanyUnitFactory, Unit
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.contact_points.contact import Contact, RawContact, read_what_can_be
from chalicelib.crm.matching import resolve
from chalicelib.crm.matching.resolve import Sighting
from chalicelib.vendors.calcom_webhook import BookingPayload, CalComEvent, Person


def import_booking(
    event: CalComEvent, status_after: Mapping[str, Status], new_unit: CompanyUnitFactory, clock: Clock
) -> str:
    """Add the appointment behind a booking we have never heard of; returns what was done.

    One that has been cancelled is added as cancelled, so that the news of its creation, coming later, finds it so.
    Nothing is added when its event type belongs to no branch of ours, or its times or ids are missing.
    """
    payload = event.payload
    place = directory.find(CALCOM_EVENT_TYPE, str(payload.event_type_id))
    if place is None:
        return "unknown event type"
    if event.trigger not in status_after or not _complete(payload):
        return "incomplete"
    unit = new_unit(place.company_id)
    schedule = practice_store.get_schedule(place.company_id, str(place.data["branch_id"]))
    service = schedule.service(str(place.data["service_id"]), "service")
    member = _host(schedule, service, payload, place.data.get("staff_id"))
    customer_id = _customer(unit, schedule, payload, clock())
    imported = _Imported(event, status_after[event.trigger], schedule, service, member)
    appointment = imported.appointment(customer_id, unit.clock())
    if not time_swap.change_time(unit, _nowhere(appointment), appointment) and appointment.staff_id:
        appointment = appointment.changed(appointment.updated_at, staff_id=None, version=1)
        unit.publish(VendorBookingUnassigned(appointment_id=appointment.id, branch_id=appointment.branch_id))
    appointment_store.add_appointment(unit, appointment)
    claim_ids(unit, appointment)
    if payload.reschedule_uid:
        # Should news of the booking it replaces come later, it is about this appointment.
        directory.claim(unit, Claim(UID, payload.reschedule_uid, appointment.id), Stale())
    if appointment.status not in OVER:
        unit.publish(booked_event(appointment))
    unit.audit("appointment.imported", appointment.id)
    unit.commit()
    return "imported"


class _Imported(msgspec.Struct, frozen=True):
    """A booking of Cal.com's, the status it gives the appointment, and what of ours it is about."""

    event: CalComEvent
    status: Status
    schedule: Schedule
    service: Service
    member: Staff | None

    def appointment(self, customer_id: str, at: datetime) -> Appointment:
        """The appointment that it becomes."""
        payload, service, member = self.event.payload, self.service, self.member
        assert payload.start_time
        assert payload.end_time
        return Appointment(
            id=new_id("apt"),
            company_id=self.schedule.branch.company_id,
            branch_id=self.schedule.branch.id,
            service_id=service.id,
            staff_id=member.id if member else None,
            home_branch_id=member.home_branch_id if member else None,
            customer_id=customer_id,
            starts_at=whole_minute(payload.start_time),
            ends_at=whole_minute(payload.end_time),
            before_min=service.buffer_before_min,
            after_min=service.buffer_after_min,
            service_number=service.number,
            channel=service.channel,
            status=self.status,
            booked_as="confirmed" if self.status == "confirmed" else None,
            source="calcom",
            calcom_booking_id=payload.booking_id,
            external_id=payload.uid,
            calcom_seen_at=self.event.created_at,
            **who_comes(payload),  # type: ignore[arg-type]
            created_at=at,
            updated_at=at,
        )


def _complete(payload: BookingPayload) -> bool:
    times = payload.start_time, payload.end_time
    return bool(payload.uid and all(times) and payload.end_time > payload.start_time)  # type: ignore[operator]


def _nowhere(appointment: Appointment) -> Appointment:
    return appointment.changed(appointment.updated_at, status="cancelled")


def _host(schedule: Schedule, service: Service, payload: BookingPayload, fixed: object) -> Staff | None:
    organizer = payload.organizer or Person()
    able = schedule.able(service, None, "service")
    for member in able:
        if (
            member.id == fixed
            or (organizer.id is not None and member.calcom_user_id == organizer.id)
            or (organizer.email and member.email and member.email.lower() == organizer.email.lower())
        ):
            return member
    return able[0] if len(able) == 1 else None


def _customer(unit: Unit, schedule: Schedule, payload: BookingPayload, at: datetime) -> str:
    contact = _contact(payload, schedule.branch.country)
    rows = fetch_map(contact_points.keys(unit.company_id, contact))
    # Whoever books at Cal.com types what they like there.
    sighting = Sighting(contact=contact, trust="stranger", source="calcom")
    return resolve.stage(unit, resolve.resolve(unit.company_id, sighting, rows), at)


def _contact(payload: BookingPayload, country: str) -> Contact:
    attendee = attendee_of(payload)
    return read_what_can_be(RawContact(name=attendee.name, phone=attendee.phone, email=attendee.email), country)
