"""Packages that were booked, in DynamoDB."""

from chalicelib.booking.appointments.package import Package, Together
from chalicelib.booking.appointments.store import appointment_key, appointment_of
from chalicelib.booking.tables import BookingRow
from chalicelib.core.errors import NotFound
from chalicelib.core.tables import encode, fetch
from chalicelib.core.unit import Unit


def add(unit: Unit, package: Package) -> None:
    """Add it; it is never written again."""
    unit.add(BookingRow(f"{package.company_id}#{package.id}", "package", data=encode(package)))


def get(company_id: str, package_id: str) -> Together:
    """A package with its parts; two requests. Raises NotFound, also for another company's."""
    row = BookingRow.find(f"{company_id}#{package_id}", "package")
    if row is None:
        raise NotFound("package_not_found", f"There is no package {package_id}.")
    package = row.model(Package)
    found = [
        appointment_of(row) for row in fetch([appointment_key(company_id, one) for one in package.appointment_ids])
    ]
    return Together(package, tuple(part for part in found if part is not None))
