"""What cancelling costs: by the policy, and waived by staff."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice.models import Offer
from chalicelib.booking.practice.policy import Cancellation, Policy
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.rules.cancellation_fees import fee_by
from chalicelib.core.money import written
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice, demo_practice
from infra.local.invoking import Answer, Caller, call
from tests.calls.conftest import next_monday

ME = Caller("com_test")
START = datetime(2026, 11, 23, 10, tzinfo=UTC)
DAY = 1440


def schedule(agreed: Cancellation, price: int = 0) -> tuple[Schedule, Appointment]:
    made = demo_practice("com_test", calcom=False)
    service = replace(made.services[0], price_minor=price, policy=Policy(cancellation=agreed))
    appointment = Appointment(
        id="apt_00000000000000000001",
        company_id="com_test",
        branch_id=made.branches[0].id,
        service_id=service.id,
        staff_id=None,
        customer_id="cus_1",
        starts_at=START,
        ends_at=START + timedelta(minutes=30),
        status="confirmed",
        source="api",
        created_at=START,
        updated_at=START,
    )
    return Schedule(branch=made.branches[0], services=(service,), staff=()), appointment


@pytest.mark.parametrize(
    ("agreed", "price", "ahead", "due"),
    [
        (Cancellation(), 5000, 0, 0),
        (Cancellation(notice_min=DAY, fee_minor=2000), 0, DAY, 0),
        (Cancellation(notice_min=DAY, fee_minor=2000), 0, DAY - 1, 2000),
        (Cancellation(notice_min=DAY, fee_percent=50), 4999, 60, 2500),
        (Cancellation(notice_min=DAY, fee_percent=100), 0, 60, 0),
        (Cancellation(fee_minor=2000), 0, 0, 0),
        (Cancellation(fee_minor=2000), 0, -1, 2000),
    ],
)
def test_the_fee(agreed: Cancellation, price: int, ahead: int, due: int) -> None:
    here, appointment = schedule(agreed, price)
    assert fee_by(here, appointment, START - timedelta(minutes=ahead)).minor == due
    assert fee_by(here, replace(appointment, service_id="svc_gone"), START).minor == 0


def test_amounts_are_written_with_the_decimals_of_their_currency() -> None:
    assert [written(2050, "EUR", ","), written(900, "JPY"), written(5, "USD"), written(0, "KWD")] == [
        *("20,50 EUR", "900 JPY", "0.05 USD", "0.000 KWD")
    ]


def charging(practice: Practice) -> None:
    """Berlin's consultation costs 50 EUR, half of it when it is cancelled less than 60 days ahead."""
    service = replace(practice.services[0], policy=Policy(cancellation=Cancellation(notice_min=86_400, fee_percent=50)))
    offer = Offer(price_minor=5000)
    branches = (replace(practice.branches[0], offers={service.id: offer}), practice.branches[1])
    save_practice(lambda: Unit("com_test"), branches, (service, *practice.services[1:]), practice.staff)


def booked(practice: Practice, hour: int = 10) -> str:
    body = {
        "branch_id": practice.branches[0].id,
        "service": "Consultation",
        "starts_at": next_monday(hour).isoformat(),
        "staff": "Ada Keller",
        "customer": {"name": "Eve", "phone": "+4915112345678"},
    }
    made = call("POST", "/api/appointments", caller=ME, body=body)
    assert made.status == 201, made
    return str(made.json["id"])


def cancelled(appointment_id: str, caller: Caller = ME, **body: Any) -> Answer:
    return call("POST", f"/api/appointments/{appointment_id}/cancel", caller=caller, body=body)


def history(appointment_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call("GET", f"/api/appointments/{appointment_id}/history", caller=ME).json["data"]
    return [entry["changes"] for entry in found]


def test_a_late_cancellation_costs_what_was_announced_unless_staff_waive_it(practice: Practice) -> None:
    charging(practice)
    first, second = booked(practice), booked(practice, 11)
    cost = call("GET", f"/api/appointments/{first}/cancellation", caller=ME).json
    assert (cost["fee_minor"], cost["currency"]) == (2500, "EUR")
    assert datetime.fromisoformat(cost["free_until"]) == next_monday(10).astimezone(UTC) - timedelta(days=60)
    answer = cancelled(first, reason="ill").json
    assert (answer["status"], answer["fee_minor"], answer["currency"]) == ("cancelled", 2500, "EUR")
    assert history(first)[-1]["fee"] == "2500 EUR"
    # What is over costs no more.
    assert call("GET", f"/api/appointments/{first}/cancellation", caller=ME).json["fee_minor"] == 0
    assert cancelled(second, Caller("com_test", "appointments:write"), waive_fee=True).status == 403
    waived = cancelled(second, waive_fee=True).json
    assert (waived["fee_minor"], waived["currency"]) == (0, None)
    assert history(second)[-1]["fee_waived"] == "2500 EUR"
