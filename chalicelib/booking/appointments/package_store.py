"""Packages that were booked, in DynamoDB."""

from chalicelib.booking.appointments.package import Package, Together
from chalicelib.booking.appointments.store import appointments_of
from chalicelib.booking.tables import BookingRow
from chalicelib.core.errors import NotFound
from chalicelib.core.tables import encode
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
    found = appointments_of(dict.fromkeys(package.appointment_ids, company_id))
    return Together(package, tuple(found[one] for one in package.appointment_ids if one in found))
