"""Appointments for calendars: one as a file, a member of staff's or a customer's as a feed."""

from typing import TYPE_CHECKING

from chalice.app import Response

from chalicelib.core.clock import now
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer
from chalicelib.core.requests import Request

if TYPE_CHECKING:
    from chalicelib.booking.appointments.appointment import Appointment

function = Function(__name__)
WRITES = Needs(writes=("booking", "directory"), reads=("crm",))


class FeedAnswer(Answer):
    """The address to subscribe to; whoever knows it can read the feed. It is shown this once."""

    url: str


@function.route(
    "GET",
    "/api/appointments/{appointment_id}/calendar",
    ability="appointments:read",
    needs=Needs(reads=("booking",)),
    errors=("appointment_not_found 404",),
)
def show_appointment_file(request: Request, appointment_id: str) -> Response:
    """The appointment as an `.ics` file."""
    from chalicelib.booking.appointments import store as appointment_store

    appointment = appointment_store.get_appointment(request.company_id, appointment_id)
    return _answer(request.company_id, [appointment], appointment_id)


@function.route(
    "POST",
    "/api/staff/{staff_id}/calendar-feed",
    ability="practice:write",
    status=201,
    idempotent=False,
    needs=WRITES,
    errors=("staff_not_found 404",),
)
def open_staff_feed(request: Request, staff_id: str) -> FeedAnswer:
    """A new secret address for a member of staff's appointments; the one before ends."""
    from chalicelib.booking.customer_notices import feeds

    return FeedAnswer(url=feeds.open_feed(request.unit, request.company_id, "staff", staff_id).url)


@function.route(
    "DELETE",
    "/api/staff/{staff_id}/calendar-feed",
    ability="practice:write",
    status=204,
    needs=WRITES,
    errors=("staff_not_found 404",),
)
def close_staff_feed(request: Request, staff_id: str) -> None:
    """End a member of staff's feed."""
    from chalicelib.booking.customer_notices import feeds

    feeds.close_feed(request.unit, request.company_id, "staff", staff_id)


@function.route(
    "POST",
    "/api/customers/{customer_id}/calendar-feed",
    ability="customers:write",
    status=201,
    idempotent=False,
    needs=WRITES,
    errors=("customer_not_found 404",),
)
def open_customer_feed(request: Request, customer_id: str) -> FeedAnswer:
    """A new secret address for a customer's appointments; the one before ends."""
    from chalicelib.booking.customer_notices import feeds

    return FeedAnswer(url=feeds.open_feed(request.unit, request.company_id, "customer", customer_id).url)


@function.route(
    "DELETE",
    "/api/customers/{customer_id}/calendar-feed",
    ability="customers:write",
    status=204,
    needs=WRITES,
    errors=("customer_not_found 404",),
)
def close_customer_feed(request: Request, customer_id: str) -> None:
    """End a customer's feed."""
    from chalicelib.booking.customer_notices import feeds

    feeds.close_feed(request.unit, request.company_id, "customer", customer_id)


@function.route(
    "GET",
    "/public/calendars/{secret}",
    ability=PUBLIC,
    needs=Needs(reads=("booking", "directory")),
    errors=("feed_not_found 404",),
)
def show_feed(request: Request, secret: str) -> Response:
    """The appointments behind a secret address, from a month ago to a year ahead, as iCalendar."""
    from chalicelib.booking.customer_notices import feeds

    company_id, appointments = feeds.read_feed(secret, now())
    return _answer(company_id, appointments, "appointments")


def _answer(company_id: str, appointments: list["Appointment"], file: str) -> Response:
    from chalicelib.booking.customer_notices import feeds
    from chalicelib.booking.customer_notices.ics import CONTENT_TYPE, calendar_of

    titles, locations = feeds.names(company_id, appointments)
    headers: dict[str, str | list[str]] = {
        "Content-Type": CONTENT_TYPE,
        "Content-Disposition": f'attachment; filename="{file}.ics"',
        "Cache-Control": "private, max-age=300",
    }
    return Response(body=calendar_of(appointments, titles, "Appointments", locations), status_code=200, headers=headers)
