"""Deposits: staff say what was paid, visitors' bookings wait until it was."""

from typing import Any

from msgspec.structs import replace

from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.calls.conftest import next_monday

ME = Caller("com_test")
CLERK = Caller("com_test", "appointments:read appointments:write")


def asking(practice: Practice) -> Practice:
    """Berlin asks for 50 EUR before a consultation."""
    berlin = replace(practice.branches[0], policy=Policy(deposit_minor=5000))
    save_practice(lambda: Unit("com_test"), (berlin, practice.branches[1]), practice.services, practice.staff)
    return practice


def booking_request(practice: Practice, hour: int = 10, **fields: Any) -> dict[str, Any]:
    return {
        "branch_id": practice.branches[0].id,
        "service": "Consultation",
        "starts_at": next_monday(hour).isoformat(),
        "staff": "Ada Keller",
        "customer": {"phone": f"+491511234{hour:04}"},
    } | fields


def book(practice: Practice, caller: Caller = ME, **fields: Any) -> Answer:
    return call("POST", "/api/appointments", caller=caller, body=booking_request(practice, **fields))


def confirm(appointment_id: str, caller: Caller = ME, **body: Any) -> Answer:
    return call("POST", f"/api/appointments/{appointment_id}/confirm", caller=caller, body=body)


def test_staff_say_what_was_paid(practice: Practice) -> None:
    asking(practice)
    refused = book(practice)
    assert (refused.status, refused.json["code"]) == (409, "not_bookable")
    (failure,) = refused.json["failures"]
    assert (failure["rule"], failure["code"], failure["amount_minor"]) == ("deposit", "deposit_required", 5000)
    assert failure["message"] == "A deposit of 50.00 EUR is required first."
    assert book(practice, deposit_minor=4999).status == 409
    made = book(practice, deposit_minor=5000).json
    kept = [made[name] for name in ("status", "deposit_due_minor", "deposit_minor", "currency")]
    assert kept == ["confirmed", 5000, 5000, "EUR"]
    entries = call("GET", f"/api/appointments/{made['id']}/history", caller=ME).json["data"]
    assert entries[0]["changes"]["deposit"] == "5000 EUR"
    over = book(practice, hour=11, override=["deposit"]).json
    assert (over["status"], over["deposit_due_minor"], over["deposit_minor"]) == ("confirmed", 5000, 0)
    assert book(practice, deposit_minor=-1).status == 422


def test_a_visitor_is_told_and_confirmed_once_it_is_paid(practice: Practice) -> None:
    asking(practice)
    query = {"company": "com_test", "branch_id": practice.branches[0].id}
    assert {one["deposit_minor"] for one in call("GET", "/public/services", query=query).json["data"]} == {5000}
    requested = call("POST", "/public/appointments", body=booking_request(practice))
    assert requested.status == 201, requested
    assert (requested.json["status"], requested.json["deposit_due_minor"], requested.json["currency"]) == (
        "requested",
        5000,
        "EUR",
    )
    made = requested.json["id"]
    # It takes its time meanwhile.
    assert book(practice, hour=10, deposit_minor=5000, customer={"phone": "+491511239999"}).json["code"] == "slot_taken"
    for refused in (confirm(made), confirm(made, deposit_minor=4999)):
        assert (refused.status, refused.json["code"], refused.json["amount_minor"]) == (409, "deposit_required", 5000)
    assert confirm(made, CLERK, without_deposit=True).status == 403
    done = confirm(made, CLERK, deposit_minor=5000).json
    assert (done["status"], done["deposit_minor"]) == ("confirmed", 5000)
    other = call("POST", "/public/appointments", body=booking_request(practice, hour=11)).json["id"]
    let = confirm(other, without_deposit=True).json
    assert (let["status"], let["deposit_minor"], let["deposit_due_minor"]) == ("confirmed", 0, 5000)


def test_a_hold_becomes_a_request_where_a_deposit_is_asked_for(practice: Practice) -> None:
    asking(practice)
    requested = {name: value for name, value in booking_request(practice).items() if name != "customer"}
    held = call("POST", "/public/holds", body=requested)
    assert held.status == 201, held
    hold = {"id": held.json["id"], "secret": held.json["secret"]}
    assert call("POST", "/public/appointments", body=booking_request(practice, hold=hold)).json["status"] == "requested"
