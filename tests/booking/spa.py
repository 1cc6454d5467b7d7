"""A practice with a package: in New York a haircut in a chair, then, within half an hour, a consultation."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.package import FirstPart
from chalicelib.booking.creation.book import book
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.practice.models import Part, Resource, Service
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_practice import Practice, demo_practice

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEN = datetime(2026, 11, 23, 15, tzinfo=UTC)
"""Monday, 10:00 in New York."""
QUARTER = timedelta(minutes=15)
EVE = Contact(name="Eve", phone="+12125550199")
MAKEOVER = "svc_0000000000000MAKE0VR"


def clock() -> datetime:
    return NOW


def open_spa(
    company: str = "com_test",
    *,
    chairs: int = 2,
    package: dict[str, Any] | None = None,
    branch: dict[str, Any] | None = None,
    staff: dict[int, dict[str, Any]] | None = None,
    services: dict[int, dict[str, Any]] | None = None,
) -> Practice:
    """The demo practice with it; what differs of the package, of New York, of staff and services by their place."""
    made = demo_practice(company, calcom=False)
    offered: list[Service] = [replace(s, **(services or {}).get(n, {})) for n, s in enumerate(made.services)]
    offered[2] = replace(offered[2], resources=("chair",))
    makeover = Service(
        id=MAKEOVER,
        company_id=company,
        number=5,
        name="Makeover",
        duration_min=75,
        category="package",
        parts=(Part(made.services[2].id), Part(made.services[0].id, gap_min=30)),
    )
    branches = [made.branches[0], replace(made.branches[1], **(branch or {}))]
    members = [replace(m, **(staff or {}).get(n, {})) for n, m in enumerate(made.staff)]
    rooms = [
        Resource(
            id=f"res_0000000000000000000{n}", company_id=company, branch_id=branches[1].id, kind="chair", name=f"{n}"
        )
        for n in range(chairs)
    ]
    everything = [*offered, replace(makeover, **(package or {}))]
    save_practice(lambda: Unit(company), branches, everything, members, rooms)
    return Practice(tuple(branches), tuple(everything), tuple(members), made.event_types)


def booking_request(practice: Practice, at: datetime = TEN, **fields: Any) -> BookingRequest:
    known: dict[str, Any] = {"branch_id": practice.branches[1].id, "service": "Makeover", "starts_at": at}
    return BookingRequest(**(known | {"source": "api", "contact": EVE} | fields))


def new_unit(company: str = "com_test") -> Unit:
    return Unit(company, clock=clock)


def booked(practice: Practice, at: datetime = TEN, **fields: Any) -> Appointment:
    company = practice.branches[0].company_id
    return book(lambda: new_unit(company), company, booking_request(practice, at, **fields), clock).appointment


def packaged(practice: Practice, at: datetime = TEN, **fields: Any) -> FirstPart:
    found = booked(practice, at, **fields)
    assert isinstance(found, FirstPart)
    return found
