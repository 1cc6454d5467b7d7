"""Listing appointments."""

from datetime import datetime
from typing import Protocol

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, Source, Status
from chalicelib.booking.appointments.store import AppointmentFilter
from chalicelib.core.errors import Fault, Invalid, invalid
from chalicelib.core.pages import Page


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
