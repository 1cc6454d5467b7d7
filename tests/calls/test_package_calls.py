"""A caller books a package: told when, listed as one, moved and cancelled as one."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from chalicelib.booking.appointments import package_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.practice.models import Part, Resource, Service
from chalicelib.booking.practice.policy import Cancellation, Policy, Rescheduling
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.calls import chain
from chalicelib.core.rows import FailedJobRow
from chalicelib.core.unit import Unit
from infra.local.demo_practice import demo_practice
from infra.local.invoking import Caller, call
from tests.calls.conftest import call_function, next_monday
from tests.conftest import EmbeddedAws
from tests.draining import drain


def open_berlin(policy: Policy = Policy()) -> None:
    """The demo practice with a consultation, then a massage in the only room, as one, on these terms."""
    made = demo_practice("com_test", calcom=False)
    room = Resource(
        id="res_00000000000000000001", company_id="com_test", branch_id=made.branches[0].id, kind="room", name="1"
    )
    massage = replace(made.services[1], resources=("room",))
    package = Service(
        id="svc_0000000000000MAKE0VR",
        company_id="com_test",
        number=5,
        name="Back programme",
        duration_min=90,
        category="package",
        policy=policy,
        parts=(Part(made.services[0].id), Part(massage.id, gap_min=30)),
    )
    services = [made.services[0], massage, *made.services[2:], package]
    save_practice(lambda: Unit("com_test"), made.branches, services, made.staff, [room])


def booking_request(hour: int, **fields: Any) -> dict[str, Any]:
    starts_at = next_monday(hour).replace(tzinfo=None).isoformat()
    return {"service": "Back programme", "starts_at": starts_at, "name": "Eve Stone", "email": None} | fields


def test_a_caller_books_moves_and_cancels_a_package_as_one(aws: EmbeddedAws) -> None:
    open_berlin()
    day = next_monday(10).date().isoformat()
    free = call_function("check_availability", {"service": "Back programme", "date": day}).json
    assert free["status"] == "free", free
    said, again = (call_function("book_appointment", booking_request(10)).json for _ in range(2))
    assert (said["status"], said) == ("booked", again)
    assert "Back programme" in said["message"]
    first = appointment_store.get_appointment("com_test", said["appointment_id"])
    assert first.package
    package = package_store.get("com_test", first.package.id)
    assert package.starts_at == next_monday(10)
    assert said["ends_at"] == package.ends_at.astimezone(next_monday(10).tzinfo).isoformat()
    assert [part.call_id for part in package.parts] == [first.call_id] * 2
    assert first.call_id
    judged = chain.judge(chain.links_of("com_test", first.call_id))
    assert judged.valid, judged
    drain()
    assert list(FailedJobRow.scan()) == []
    counted = call("GET", "/api/analytics/services", caller=Caller("com_test"), query={"from": day, "to": day}).json
    assert [one["appointments"] for one in counted["services"]] == [1, 1]
    other = call_function("book_appointment", booking_request(10, phone="+4915112345679"), call_id="retell-2").json
    assert (other["status"], len(other["alternatives"])) == ("unavailable", 3)
    listed = call_function("list_my_appointments", {}).json["appointments"]
    assert [(one["appointment_id"], one["service"]) for one in listed] == [(first.id, "Back programme")]
    later = next_monday(14).replace(tzinfo=None).isoformat()
    moved = call_function("reschedule_appointment", {"starts_at": later}).json
    assert moved["status"] == "moved", moved
    assert package_store.get("com_test", first.package.id).starts_at == package.starts_at + timedelta(hours=4)
    gone = call_function("cancel_appointment", {"reason": "Ill"}).json
    assert gone["status"] == "cancelled", gone
    assert package_store.get("com_test", first.package.id).status == "cancelled"


def test_a_caller_hears_the_terms_of_a_package(aws: EmbeddedAws) -> None:
    late = Cancellation(notice_min=525_600, fee_minor=2050)
    open_berlin(Policy(cancellation=late, rescheduling=Rescheduling(by=("staff",))))
    assert call_function("book_appointment", booking_request(10)).json["status"] == "booked"
    later = next_monday(14).replace(tzinfo=None).isoformat()
    kept = call_function("reschedule_appointment", {"starts_at": later}).json
    assert (kept["status"], kept["code"]) == ("refused", "reschedule_not_allowed"), kept
    gone, again = (call_function("cancel_appointment", {}).json for _ in range(2))
    assert (gone["status"], gone["fee_minor"], gone["currency"]) == ("cancelled", 2050, "EUR"), gone
    assert "20" in gone["message"]
    assert gone == again
