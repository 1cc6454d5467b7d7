"""The chain from call to appointment: nine criteria, each of which can be looked at by itself."""

from collections.abc import Iterator

import msgspec

from chalicelib.booking import practice_store
from chalicelib.booking import store as booking
from chalicelib.booking.appointment import Appointment
from chalicelib.booking.schedule import Schedule
from chalicelib.calls import store
from chalicelib.calls.call import Call
from chalicelib.core.errors import NotFound
from chalicelib.core.tables import Key, fetch
from chalicelib.crm import store as crm
from chalicelib.crm.customer import Customer


class Criterion(msgspec.Struct, frozen=True):
    """One of the nine; `detail` says what was found."""

    name: str
    passed: bool
    detail: str


class Chain(msgspec.Struct, frozen=True):
    """A call's verdict."""

    call_id: str
    valid: bool
    criteria: tuple[Criterion, ...]


class Links(msgspec.Struct, frozen=True):
    """A call with everything it should lead to, as far as it exists."""

    call: Call
    customer: Customer | None
    appointment: Appointment | None
    schedule: Schedule | None


def judge(links: Links) -> Chain:
    """The verdict on a call; reads nothing."""
    call, link, appointment = links.call, links.call.link, links.appointment
    confirmed = link.booking_confirmed
    through_calcom = links.schedule is not None and links.schedule.branch.books_through == "calcom"

    def when_booked(held: bool) -> bool:
        # What concerns the appointment is asked only of calls that say they have one.
        return held if confirmed or appointment else True

    found = (
        Criterion("call_has_company", call.company_id is not None, call.company_id or "none"),
        Criterion("call_has_customer", link.customer_id is not None, link.customer_id or "none"),
        Criterion("customer_exists", links.customer is not None, links.customer.id if links.customer else "none"),
        Criterion(
            "appointment_exists", not confirmed or appointment is not None, appointment.id if appointment else "none"
        ),
        Criterion(
            "appointment_is_of_this_call",
            when_booked(appointment is not None and appointment.call_id == call.id),
            (appointment and appointment.call_id) or "none",
        ),
        Criterion(
            "same_customer",
            when_booked(appointment is not None and appointment.customer_id == link.customer_id),
            appointment.customer_id if appointment else "none",
        ),
        Criterion(
            "same_company",
            when_booked(appointment is not None and appointment.company_id == call.company_id),
            appointment.company_id if appointment else "none",
        ),
        Criterion(
            "has_calcom_id",
            when_booked(not through_calcom or (appointment is not None and appointment.calcom_booking_id is not None)),
            _calcom_detail(appointment, through_calcom),
        ),
        Criterion(
            "was_booked",
            when_booked(appointment is not None and appointment.was_booked()),
            appointment.status if appointment else "none",
        ),
    )
    return Chain(call.id, all(criterion.passed for criterion in found), found)


def _calcom_detail(appointment: Appointment | None, through_calcom: bool) -> str:
    if not through_calcom:
        return "the branch does not book through Cal.com"
    return str(appointment.calcom_booking_id) if appointment else "none"


def links_of(company_id: str, call_id: str) -> Links:
    """The call, by our id or Retell's, and what it leads to: two requests. Raises NotFound."""
    return follow(store.get_call(company_id, call_id))


def follow(call: Call) -> Links:
    """What the call leads to; one request."""
    company_id = call.company_id or "none"
    link = call.link
    keys: list[Key] = []
    if link.customer_id:
        keys.append(crm.key(company_id, link.customer_id))
    if link.appointment_id:
        keys.append(booking.appointment_key(company_id, link.appointment_id))
    if link.branch_id:
        keys.append(practice_store.schedule_key(company_id, link.branch_id))
    rows = dict(zip(keys, fetch(keys), strict=True))
    customer = crm.customer_of(rows.get(crm.key(company_id, link.customer_id or "")))
    appointment = booking.appointment_of(rows.get(booking.appointment_key(company_id, link.appointment_id or "")))
    schedule_row = rows.get(practice_store.schedule_key(company_id, link.branch_id or ""))
    try:
        schedule = practice_store.schedule_of(schedule_row, link.branch_id or "")
    except NotFound:
        schedule = None
    return Links(call, customer, appointment, schedule)


def validate_all(company_id: str) -> Iterator[Chain]:
    """The verdict on every call that wanted a booking, oldest first."""
    for call in store.calls_that_booked(company_id):
        yield judge(follow(call))
