"""Listing appointments, and reading who they are for."""

from datetime import datetime
from typing import Protocol

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, Source, Status
from chalicelib.booking.appointments.store import AppointmentFilter
from chalicelib.core.errors import Fault, Invalid, invalid
from chalicelib.core.pages import Page
from chalicelib.core.people import clean_email, clean_name
from chalicelib.core.phones import e164
from chalicelib.crm.customer import Contact


class Filter(Protocol):
    """What a list may be narrowed by."""

    branch_id: str | None
    staff_id: str | None
    customer_id: str | None
    status: Status | None
    source: Source | None
    starts_from: datetime | None
    starts_until: datetime | None
    limit: int
    cursor: str | None


def list_by(company_id: str, query: Filter) -> Page[Appointment]:
    """A page of the company's appointments; Invalid when more than one of branch, staff and customer is given."""
    named = (("branch", query.branch_id), ("staff", query.staff_id), ("customer", query.customer_id))
    given = [(name, value) for name, value in named if value is not None]
    if len(given) > 1:
        faults = tuple(Fault(f"query.{name}_id", "one_of", "Give only one of these.") for name, _ in given)
        raise Invalid("invalid_request", "List by branch, by staff or by customer, not by several.", faults=faults)
    if query.starts_from and query.starts_until and query.starts_from >= query.starts_until:
        raise invalid("query.starts_until", "empty_range", "The range ends before it starts.")
    by, record_id = given[0] if given else ("company", "")
    which = AppointmentFilter(
        company_id=company_id,
        by=by,
        record_id=record_id,
        starts_from=query.starts_from,
        starts_until=query.starts_until,
        status=query.status,
        source=query.source,
    )
    return appointment_store.page_appointments(which, query.limit, query.cursor)


def contact_from(name: str | None, phone: str | None, email: str | None, path: str) -> Contact:
    """A contact from what a client sent; raises Invalid with the path of every field that is wrong."""
    faults: list[Fault] = []
    found: dict[str, str] = {}
    checks = {
        "name": lambda: clean_name(name or "", f"{path}.name"),
        "phone": lambda: e164(phone or "", None, f"{path}.phone"),
        "email": lambda: clean_email(email or "", f"{path}.email"),
    }
    for field, given in (("name", name), ("phone", phone), ("email", email)):
        if given is not None:
            try:
                found[field] = checks[field]()
            except Invalid as error:
                faults += error.faults
    if faults:
        raise Invalid("invalid_request", f"{faults[0].path}: {faults[0].message}", faults=tuple(faults))
    return Contact(name=found.get("name", ""), phone=found.get("phone"), email=found.get("email"))
