"""What is kept beside a group for each who takes part, in DynamoDB: it puts the group into their list."""

from collections.abc import Sequence
from typing import Any

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.group import Membership
from chalicelib.booking.tables import BookingRow
from chalicelib.core.clock import stamp
from chalicelib.core.tables import Key, collection, encode, fetch
from chalicelib.core.unit import Unit

PREFIX = "participant#"


def key(company_id: str, appointment_id: str, customer_id: str) -> Key:
    """Where it lies, for a fetch together with other records."""
    return Key(BookingRow, f"{company_id}#{appointment_id}", f"{PREFIX}{customer_id}")


def membership_of(row: Any) -> Membership | None:
    """What a fetched row says."""
    return row.model(Membership) if row is not None else None


def memberships(company_id: str, appointment_id: str) -> dict[str, Membership]:
    """Of everyone who takes part in a group, by customer; one Query."""
    rows = collection(BookingRow, f"{company_id}#{appointment_id}", BookingRow.sk.startswith(PREFIX))
    return {one.customer_id: one for one in (row.model(Membership) for row in rows)}


def add(unit: Unit, membership: Membership) -> None:
    """Add it; the unit ends as Stale when it is there."""
    unit.add(_row(unit.company_id, membership))


def save(unit: Unit, membership: Membership) -> None:
    """Write its next version; the unit ends as Stale when it changed, or they left, since it was read."""
    unit.put(_row(unit.company_id, membership), BookingRow.version == membership.version - 1)


def remove(unit: Unit, appointment_id: str, customer_id: str, was: Membership | None) -> None:
    """Remove it; the unit ends as Stale when it is no longer as it was read (None: it was not there yet)."""
    at = key(unit.company_id, appointment_id, customer_id)
    unchanged = BookingRow.version == was.version if was else BookingRow.pk.does_not_exist()
    unit.delete(BookingRow(at.pk, at.sk), unchanged)


def check_group(unit: Unit, group: Appointment) -> None:
    """Let the unit end as Stale when anything about the group changed since it was read."""
    unit.check(
        BookingRow(f"{group.company_id}#{group.id}", "appointment"), condition=BookingRow.version == group.version
    )


def resolved(company_id: str, customer_id: str, rows: Sequence[Any]) -> list[Appointment]:
    """The appointments in rows of a customer's list, groups as they see them; one request more if there are any."""
    ids = {row.model(Membership).appointment_id for row in rows if row.sk.startswith(PREFIX)}
    keys = [Key(BookingRow, f"{company_id}#{each}", "appointment") for each in sorted(ids)]
    groups = {group.id: group for row in fetch(keys) if row is not None for group in [row.model(Appointment)]}
    found = []
    for row in rows:
        if not row.sk.startswith(PREFIX):
            found.append(row.model(Appointment))
            continue
        group = groups.get(row.model(Membership).appointment_id)
        # The index may be behind someone who left.
        if group is not None and group.is_for(customer_id):
            found.append(group.seen_by(customer_id))
    return found


def _row(company_id: str, membership: Membership) -> BookingRow:
    at = key(company_id, membership.appointment_id, membership.customer_id)
    # Neither status nor source: a list that asks for them looks at the group itself.
    return BookingRow(
        at.pk,
        at.sk,
        customer=f"{company_id}#{membership.customer_id}",
        starts_at=f"{stamp(membership.starts_at)}#{membership.appointment_id}",
        version=membership.version,
        data=encode(membership),
    )
