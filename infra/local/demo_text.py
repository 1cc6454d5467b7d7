"""A patient with a subscription and a doctor, whose text appointment has just begun."""

from datetime import timedelta

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, booked_event
from chalicelib.booking.appointments.store import AppointmentFilter
from chalicelib.booking.practice_admin import link_users
from chalicelib.core.clock import Clock
from chalicelib.core.ids import new_id
from chalicelib.core.tables import fetch_map
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.matching import resolve
from chalicelib.crm.matching.resolve import Sighting
from chalicelib.identity import store as identity
from chalicelib.identity.create_company import Person
from chalicelib.text_sessions import manage_subscription, plans, store
from chalicelib.text_sessions.plan import Terms
from chalicelib.text_sessions.plans import PlanDetails
from infra.local.demo_practice import Practice

PASSWORD = "correct horse battery"
DOCTOR = Person("Chloe Park", "chloe@demo.example", PASSWORD)
PATIENT = Person("Eve Stone", "eve@demo.example", PASSWORD)
PHONE = "+12125550177"


def load(company_id: str, practice: Practice, clock: Clock) -> str:
    """Create what is missing; returns the id of a text appointment whose time it is."""
    doctor = next(member for member in practice.staff if member.name == DOCTOR.name)
    patient_id = _patient(company_id, clock)
    _link(company_id, PATIENT, patient_id, None, clock)
    _link(company_id, DOCTOR, None, doctor.id, clock)
    if store.find_current(company_id, patient_id) is None:
        terms = Terms(sessions=10, period="month", zone="America/New_York")
        plan = plans.create(Unit(company_id), PlanDetails("Ten a month", terms, 4900, "USD"), clock)
        manage_subscription.subscribe(Unit(company_id), patient_id, plan.id, renews=True, clock=clock)
    return _open_appointment(company_id, patient_id, clock) or _appointment(company_id, practice, patient_id, clock)


def _patient(company_id: str, clock: Clock) -> str:
    contact = Contact(name=PATIENT.name, phone=PHONE, email=PATIENT.email)
    rows = fetch_map(contact_points.keys(company_id, contact))
    unit = Unit(company_id, clock=clock)
    found = resolve.resolve(company_id, Sighting(contact=contact, trust="staff", source="demo"), rows)
    patient_id = resolve.stage(unit, found, clock())
    unit.commit()
    return patient_id


def _link(company_id: str, person: Person, customer_id: str | None, staff_id: str | None, clock: Clock) -> None:
    login = identity.find_login(person.email)
    assert login, "the demo's users are loaded first"
    user = identity.get_user(company_id, login.user_id)
    if (user.customer_id, user.staff_id) != (customer_id, staff_id):
        link_users.link_user(Unit(company_id, clock=clock), user.id, customer_id, staff_id, clock)


def _open_appointment(company_id: str, patient_id: str, clock: Clock) -> str | None:
    at = clock()
    now_on = AppointmentFilter(
        company_id=company_id,
        by="customer",
        record_id=patient_id,
        starts_from=at - timedelta(hours=1),
        starts_until=at,
        status="confirmed",
    )
    for appointment in appointment_store.each_appointment(now_on):
        session = store.find_current_session(company_id, appointment.id)
        if appointment.channel == "text" and (session is None or session.is_active):
            return appointment.id
    return None


def _appointment(company_id: str, practice: Practice, patient_id: str, clock: Clock) -> str:
    # Not through `book`: the demo may run at any hour, and the doctor's hours are those of the practice.
    at = clock()
    service = next(one for one in practice.services if one.channel == "text")
    member = next(one for one in practice.staff if service.id in one.service_ids)
    starts_at = at.replace(second=0, microsecond=0)
    unit = Unit(company_id, clock=clock)
    made = Appointment(
        id=new_id("apt"), company_id=company_id, branch_id=member.home_branch_id, service_id=service.id,
        staff_id=member.id, home_branch_id=member.home_branch_id, customer_id=patient_id, starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=service.duration_min), service_number=service.number,
        channel=service.channel, status="confirmed", booked_as="confirmed", source="api", created_at=at, updated_at=at,
    )  # fmt: skip
    time_swap.change_time(unit, made.changed(at, status="cancelled"), made)
    appointment_store.add_appointment(unit, made)
    unit.publish(booked_event(made))
    unit.audit("appointment.booked", made.id)
    unit.commit()
    return made.id
