"""Appointments in DynamoDB."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec
from pynamodb.expressions.condition import Condition

from chalicelib.booking.appointments import membership_store
from chalicelib.booking.appointments.appointment import TAKES_TIME, Appointment
from chalicelib.booking.tables import BookingRow
from chalicelib.core.clock import stamp
from chalicelib.core.errors import DomainError, NotFound
from chalicelib.core.ids import id_bytes
from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.records import RecordKind
from chalicelib.core.tables import encode, fetch
from chalicelib.core.unit import Unit

ENDING_SHARDS = 4
"""Over which those that stand are spread by when they end, since they are of all companies."""
LISTINGS = {
    "company": Listing(BookingRow, "by_company", "company_id", "starts_at"),
    "branch": Listing(BookingRow, "by_branch", "branch", "starts_at"),
    "staff": Listing(BookingRow, "by_staff", "staff", "starts_at"),
    "customer": Listing(BookingRow, "by_customer", "customer", "starts_at"),
}
APPOINTMENTS = RecordKind(
    BookingRow,
    Appointment,
    lambda company_id, appointment_id: (f"{company_id}#{appointment_id}", "appointment"),
    lambda appointment_id: NotFound("appointment_not_found", f"There is no appointment {appointment_id}."),
)
appointment_key, appointment_of = APPOINTMENTS.key, APPOINTMENTS.of
find_appointment, get_appointment = APPOINTMENTS.find, APPOINTMENTS.get


def add_appointment(unit: Unit, appointment: Appointment) -> None:
    """Add it."""
    unit.add(_row(appointment))


def save_appointment(unit: Unit, appointment: Appointment, otherwise: DomainError | None = None) -> None:
    """Write its next version, if the one before is still the newest; the unit ends as Stale (or `otherwise`) if not."""
    unit.put(_row(appointment), BookingRow.version == appointment.version - 1, otherwise)


def appointments_of(company_ids: Mapping[str, str]) -> dict[str, Appointment]:
    """Appointments by their ids, each with the company it belongs to; one request for up to 100."""
    keys = [appointment_key(company_id, appointment_id) for appointment_id, company_id in company_ids.items()]
    found = (appointment_of(row) for row in fetch(keys))
    return {appointment.id: appointment for appointment in found if appointment}


class AppointmentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which appointments: of a company, or of one of its branches, staff or customers (`by` and `record_id`).

    Those that start from `starts_from` until before `starts_until`. Of a customer also the groups in which they take
    part, as they see them.
    """

    company_id: str
    by: str = "company"
    record_id: str = ""
    starts_from: datetime | None = None
    starts_until: datetime | None = None
    status: str | None = None
    source: str | None = None

    def selection(self) -> Selection:
        """The same for the index."""
        at, only = BookingRow.starts_at, None
        first, last = (stamp(one) if one else None for one in (self.starts_from, self.starts_until))
        between: Condition | None = at >= first if first else at < last if last else None
        for attribute, value in ((BookingRow.status, self.status), (BookingRow.source, self.source)):
            if value:
                only = attribute == value if only is None else only & (attribute == value)
        if only is not None and self.by == "customer":
            only |= BookingRow.status.does_not_exist()  # of a group, the index knows neither
        return Selection(between=at.between(first, last) if first and last else between, only=only)


def page_appointments(which: AppointmentFilter, limit: int, cursor: str | None = None) -> Page[Appointment]:
    """A page of them in order of time; of a customer's it may be shorter than asked."""
    whose = which.company_id if which.by == "company" else f"{which.company_id}#{which.record_id}"
    rows = page(LISTINGS[which.by], whose, limit=limit, cursor=cursor, selection=which.selection())
    if which.by != "customer":
        return rows.map(lambda row: row.model(Appointment))
    found = membership_store.resolved(which.company_id, which.record_id, rows.data)
    suited = [one for one in found if which.status in (None, one.status) and which.source in (None, one.source)]
    return Page(suited, rows.next_cursor)


def each_appointment(which: AppointmentFilter) -> Iterator[Appointment]:
    """All of them in order of time, read a hundred at a time as they are asked for."""
    cursor: str | None = None
    while True:
        found = page_appointments(which, 100, cursor)
        yield from found.data
        cursor = found.next_cursor
        if cursor is None:
            return


def save_feed(unit: Unit, whose: str, record_id: str, digest: str) -> None:
    """Keep the digest of the secret of someone's calendar feed."""
    unit.put(BookingRow(f"{unit.company_id}#{record_id}", f"feed#{whose}", data=encode(digest)))


def remove_feed(unit: Unit, whose: str, record_id: str) -> None:
    """Forget someone's calendar feed."""
    unit.delete(BookingRow(f"{unit.company_id}#{record_id}", f"feed#{whose}"))


def find_feed(company_id: str, whose: str, record_id: str) -> str | None:
    """The digest of the secret of someone's calendar feed."""
    row = BookingRow.find(f"{company_id}#{record_id}", f"feed#{whose}")
    return row.model(str) if row else None


def first_ahead(company_id: str, by: str, record_id: str, after: datetime) -> Appointment | None:
    """The next appointment of a branch or member of staff that still takes time and starts after `after`, if any."""
    coming = each_appointment(AppointmentFilter(company_id=company_id, by=by, record_id=record_id, starts_from=after))
    return next((one for one in coming if one.status in TAKES_TIME), None)


def ended(at: datetime, shard: int, limit: int) -> list[tuple[str, str]]:
    """Company and id of appointments that stand and had ended at `at`, those that ended first; one Query of a shard."""
    return _due("ending", at, shard, limit)


def past_deadline(at: datetime, shard: int, limit: int) -> list[tuple[str, str]]:
    """Company and id of groups whose minimum is to be looked at, those due first; one Query of a shard."""
    return _due("deadline", at, shard, limit)


def _due(what: str, at: datetime, shard: int, limit: int) -> list[tuple[str, str]]:
    rows = BookingRow.by_end.query(f"{what}#{shard}", BookingRow.ends_at < stamp(at), limit=limit)
    return [(str(company_id), str(appointment_id)) for company_id, appointment_id in (r.pk.split("#") for r in rows)]


def _awaits(appointment: Appointment) -> tuple[str | None, str | None]:
    """What the minute's sweep has to do next with it, and when, as the index has it."""
    deadline = appointment.deadline()
    # What a change is pending for is left to the change.
    if appointment.pending_change is None and deadline and appointment.status in ("requested", "confirmed"):
        what, at = "deadline", deadline
    elif appointment.pending_change is None and appointment.status == "confirmed":
        what, at = "ending", appointment.ends_at
    else:
        return None, None
    return f"{what}#{id_bytes(appointment.id)[-1] % ENDING_SHARDS}", f"{stamp(at)}#{appointment.id}"


def _row(appointment: Appointment) -> BookingRow:
    company = appointment.company_id
    ending, ends_at = _awaits(appointment)
    return BookingRow(
        *APPOINTMENTS.address(company, appointment.id),
        status=appointment.status,
        source=appointment.source,
        company_id=company,
        branch=f"{company}#{appointment.branch_id}",
        staff=f"{company}#{appointment.staff_id}" if appointment.staff_id else None,
        customer=None if appointment.group else f"{company}#{appointment.customer_id}",
        starts_at=f"{stamp(appointment.starts_at)}#{appointment.id}",
        ending=ending,
        ends_at=ends_at,
        version=appointment.version,
        data=encode(appointment),
    )
