"""Practice, schedules and appointments in DynamoDB."""

from collections.abc import Iterable
from typing import Any

from pynamodb.expressions.condition import Condition

from chalicelib.booking.appointment import Appointment
from chalicelib.booking.practice import Branch, Schedule, Service, Staff
from chalicelib.booking.tables import BookingRow
from chalicelib.core.clock import stamp
from chalicelib.core.errors import DomainError, NotFound
from chalicelib.core.pages import Listing, Page, page
from chalicelib.core.tables import Key, collection, encode, fetch
from chalicelib.core.unit import Unit

LISTINGS = {
    "company": Listing(BookingRow, "by_company", "company_id", "starts_at"),
    "branch": Listing(BookingRow, "by_branch", "branch", "starts_at"),
    "staff": Listing(BookingRow, "by_staff", "staff", "starts_at"),
    "customer": Listing(BookingRow, "by_customer", "customer", "starts_at"),
}


def schedule_key(company_id: str, branch_id: str) -> Key:
    """The address of a branch's schedule, for a fetch together with other records."""
    return Key(BookingRow, f"{company_id}#{branch_id}", "schedule")


def schedule_of(row: Any, branch_id: str) -> Schedule:
    """The schedule in a fetched row; raises NotFound when there is no such branch in the company."""
    if row is None:
        raise NotFound("branch_not_found", f"There is no branch {branch_id}.")
    found: Schedule = row.noun(Schedule)
    return found


def get_schedule(company_id: str, branch_id: str) -> Schedule:
    """One request; raises NotFound."""
    return schedule_of(fetch([schedule_key(company_id, branch_id)])[0], branch_id)


def save_practice(unit: Unit, records: Iterable[Branch | Service | Staff]) -> None:
    """Write branches, services and staff as they are."""
    for record in records:
        kind = type(record).__name__.lower()
        unit.put(BookingRow(f"{unit.company_id}#practice", f"{kind}#{record.id}", data=encode(record)))


def save_schedule(unit: Unit, schedule: Schedule) -> None:
    """Write the compiled document of a branch."""
    place = schedule_key(unit.company_id, schedule.branch.id)
    unit.put(BookingRow(place.pk, place.sk, data=encode(schedule), version=schedule.version))


def practice(company_id: str) -> tuple[list[Branch], list[Service], list[Staff]]:
    """Everything the company offers; one Query."""
    branches: list[Branch] = []
    services: list[Service] = []
    staff: list[Staff] = []
    for row in collection(BookingRow, f"{company_id}#practice"):
        kind = row.sk.partition("#")[0]
        if kind == "branch":
            branches.append(row.noun(Branch))
        elif kind == "service":
            services.append(row.noun(Service))
        else:
            staff.append(row.noun(Staff))
    return branches, services, staff


def find_staff(company_id: str, staff_id: str) -> Staff | None:
    """One request."""
    row = BookingRow.find(f"{company_id}#practice", f"staff#{staff_id}")
    return row.noun(Staff) if row else None


def appointment_key(company_id: str, appointment_id: str) -> Key:
    """The address of an appointment, for a fetch together with other records."""
    return Key(BookingRow, f"{company_id}#{appointment_id}", "appointment")


def appointment_of(row: Any) -> Appointment | None:
    """The appointment in a fetched row."""
    return row.noun(Appointment) if row is not None else None


def find_appointment(company_id: str, appointment_id: str) -> Appointment | None:
    """One request."""
    return appointment_of(fetch([appointment_key(company_id, appointment_id)])[0])


def get_appointment(company_id: str, appointment_id: str) -> Appointment:
    """One request; raises NotFound, also for another company's."""
    found = find_appointment(company_id, appointment_id)
    if found is None:
        raise NotFound("appointment_not_found", f"There is no appointment {appointment_id}.")
    return found


def add_appointment(unit: Unit, appointment: Appointment) -> None:
    """Add it."""
    unit.add(_row(appointment))


def save_appointment(unit: Unit, appointment: Appointment, otherwise: DomainError | None = None) -> None:
    """Write its next version, if the one before is still the newest; the unit ends as Stale (or `otherwise`) if not."""
    unit.put(_row(appointment), BookingRow.version == appointment.version - 1, otherwise)


def page_appointments(
    by: str,
    record_id: str,
    company_id: str,
    *,
    starts_from: str | None,
    starts_until: str | None,
    status: str | None,
    source: str | None,
    limit: int,
    cursor: str | None,
) -> Page[Appointment]:
    """Appointments of a company, branch, staff member or customer (`by`) in order of time; instants as `stamp`."""
    value = company_id if by == "company" else f"{company_id}#{record_id}"
    at = BookingRow.starts_at
    between: Condition | None = None
    if starts_from and starts_until:
        between = at.between(starts_from, starts_until)
    elif starts_from or starts_until:
        between = at >= starts_from if starts_from else at < starts_until
    only: Condition | None = None
    if status:
        only = BookingRow.status == status
    if source:
        only = (only & (BookingRow.source == source)) if only is not None else BookingRow.source == source
    found = page(LISTINGS[by], value, limit=limit, cursor=cursor, between=between, only=only)
    return found.map(lambda row: row.noun(Appointment))


def _row(appointment: Appointment) -> BookingRow:
    company = appointment.company_id
    place = appointment_key(company, appointment.id)
    return BookingRow(
        place.pk,
        place.sk,
        status=appointment.status,
        source=appointment.source,
        company_id=company,
        branch=f"{company}#{appointment.branch_id}",
        staff=f"{company}#{appointment.staff_id}" if appointment.staff_id else None,
        customer=f"{company}#{appointment.customer_id}",
        starts_at=f"{stamp(appointment.starts_at)}#{appointment.id}",
        version=appointment.version,
        data=encode(appointment),
    )
