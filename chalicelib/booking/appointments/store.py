"""Appointments in DynamoDB."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pynamodb.expressions.condition import Condition

from chalicelib.booking.appointments import membership_store
from chalicelib.booking.appointments.appointment import TAKES_TIME, Appointment
from chalicelib.booking.calcom.cursor import CalComCursor
from chalicelib.booking.tables import BookingRow
from chalicelib.core.clock import stamp
from chalicelib.core.errors import DomainError, NotFound
from chalicelib.core.ids import id_bytes
from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.tables import Key, encode, fetch
from chalicelib.core.unit import Unit

ENDING_SHARDS = 4
"""Over which those that stand are spread by when they end, since they are of all companies."""
LISTINGS = {
    "company": Listing(BookingRow, "by_company", "company_id", "starts_at"),
    "branch": Listing(BookingRow, "by_branch", "branch", "starts_at"),
    "staff": Listing(BookingRow, "by_staff", "staff", "starts_at"),
    "customer": Listing(BookingRow, "by_customer", "customer", "starts_at"),
}


def appointment_key(company_id: str, appointment_id: str) -> Key:
    """The address of an appointment, for a fetch together with other records."""
    return Key(BookingRow, f"{company_id}#{appointment_id}", "appointment")


def appointment_of(row: Any) -> Appointment | None:
    """The appointment in a fetched row."""
    return row.model(Appointment) if row is not None else None


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


def appointments_of(company_ids: Mapping[str, str]) -> dict[str, Appointment]:
    """Appointments by their ids, each with the company it belongs to; one request for up to 100."""
    keys = [appointment_key(company_id, appointment_id) for appointment_id, company_id in company_ids.items()]
    found = (appointment_of(row) for row in fetch(keys))
    return {appointment.id: appointment for appointment in found if appointment}


def find_cursor(company_id: str) -> CalComCursor | None:
    """How far the changes at Cal.com have been followed; one request."""
    row = fetch([_cursor_key(company_id)])[0]
    return row.model(CalComCursor) if row is not None else None


def save_cursor(unit: Unit, cursor: CalComCursor) -> None:
    """Write its next version; the unit ends as Stale when someone else moved it since it was read."""
    place = _cursor_key(unit.company_id)
    before = BookingRow.version == cursor.version - 1
    condition = before if cursor.version > 1 else BookingRow.pk.does_not_exist()
    unit.put(BookingRow(place.pk, place.sk, version=cursor.version, data=encode(cursor)), condition)


def _cursor_key(company_id: str) -> Key:
    return Key(BookingRow, f"{company_id}#calcom", "cursor")


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
    """Appointments of a company, branch, staff member or customer (`by`) in order of time; instants as `stamp`.

    Of a customer also the groups in which he takes part, as he sees them; a page of them may be shorter than asked.
    """
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
    if by == "customer":
        only = only | BookingRow.status.does_not_exist() if only is not None else None
        rows = page(LISTINGS[by], value, limit=limit, cursor=cursor, selection=Selection(between=between, only=only))
        mine = membership_store.resolved(company_id, record_id, rows.data)
        wanted = [one for one in mine if status in (None, one.status) and source in (None, one.source)]
        return Page(wanted, rows.next_cursor)
    found = page(LISTINGS[by], value, limit=limit, cursor=cursor, selection=Selection(between=between, only=only))
    return found.map(lambda row: row.model(Appointment))


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


def first_ahead(company_id: str, by: str, record_id: str, after: str) -> Appointment | None:
    """The next appointment of a branch or member of staff that still takes time and starts after `after`, if any."""
    cursor: str | None = None
    while True:
        found = page_appointments(
            by,
            record_id,
            company_id,
            starts_from=after,
            starts_until=None,
            status=None,
            source=None,
            limit=100,
            cursor=cursor,
        )
        ahead = next((one for one in found.data if one.status in TAKES_TIME), None)
        if ahead or found.next_cursor is None:
            return ahead
        cursor = found.next_cursor


def ended(at: datetime, shard: int, limit: int) -> list[tuple[str, str]]:
    """Company and id of appointments that stand and had ended at `at`, those that ended first; one Query of a shard."""
    return _due("ending", at, shard, limit)


def past_deadline(at: datetime, shard: int, limit: int) -> list[tuple[str, str]]:
    """Company and id of groups whose minimum is to be looked at, those due first; one Query of a shard."""
    return _due("deadline", at, shard, limit)


def _due(what: str, at: datetime, shard: int, limit: int) -> list[tuple[str, str]]:
    rows = BookingRow.by_end.query(f"{what}#{shard}", BookingRow.ends_at < stamp(at), limit=limit)
    return [(str(company_id), str(appointment_id)) for company_id, appointment_id in (r.pk.split("#") for r in rows)]


def page_without_ending(company_id: str, *, limit: int, cursor: str | None) -> Page[Appointment]:
    """Appointments that stand, and that `ended` will not find: stored before there was such a key; in order of time."""
    only = (BookingRow.status == "confirmed") & BookingRow.ending.does_not_exist()
    selection = Selection(only=only, most_read=1000)
    found = page(LISTINGS["company"], company_id, limit=limit, cursor=cursor, selection=selection)
    page_of = found.map(lambda row: row.model(Appointment))
    return Page([one for one in page_of.data if one.pending_change is None], page_of.next_cursor)


def rewrite_keys(unit: Unit, appointment: Appointment) -> None:
    """Store it as it is, with all its keys; the unit ends as Stale when it was changed since it was read."""
    unit.put(_row(appointment), BookingRow.version == appointment.version)


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
    place = appointment_key(company, appointment.id)
    ending, ends_at = _awaits(appointment)
    return BookingRow(
        place.pk,
        place.sk,
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
