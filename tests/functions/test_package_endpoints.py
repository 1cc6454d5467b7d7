"""Packages through the endpoints: offered, held, booked by staff and visitors, shown, moved, cancelled, answered."""

from datetime import datetime, timedelta
from typing import Any

from chalicelib.booking.appointments.store import get_appointment
from chalicelib.booking.calendar.entries import monday_of
from chalicelib.booking.practice.models import Offer
from chalicelib.booking.practice.policy import Policy
from chalicelib.core.clock import now
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.booking.calendars import read_calendar
from tests.booking.spa import MAKEOVER, open_spa
from tests.conftest import EmbeddedAws

ME = Caller("com_test")
DAY = monday_of(now().date()) + timedelta(weeks=2)


def at(hour: int, minute: int = 0) -> str:
    """On a Monday; New York is five or four hours behind, so the hour is not exact, and need not be."""
    return datetime.combine(DAY, datetime.min.time(), now().tzinfo).replace(hour=hour + 5, minute=minute).isoformat()


def book(practice: Practice, starts_at: str, path: str = "/api/appointments", **fields: Any) -> Answer:
    body = {"branch_id": practice.branches[1].id, "service": "Makeover", "starts_at": starts_at} | fields
    caller = Caller() if path.startswith("/public") else ME
    headers = {"Idempotency-Key": "once"} if fields.pop("again", None) else {}
    body.pop("again", None)
    return call("POST", path, caller=caller, body={"customer": {"phone": "+12125550199"}} | body, headers=headers)


def free(practice: Practice, path: str = "/api/availability") -> list[dict[str, Any]]:
    query = {"branch_id": practice.branches[1].id, "service": "Makeover", "from": str(DAY)}
    if path.startswith("/public"):
        answer = call("GET", path, query=query | {"company": "com_test"})
    else:
        answer = call("GET", path, caller=ME, query=query)
    assert answer.status == 200, answer
    slots: list[dict[str, Any]] = answer.json["results"][0]["slots"]
    return slots


def test_what_is_offered_is_booked_until_nothing_is_left(aws: EmbeddedAws) -> None:
    # Chloe at home in Berlin: staff of other branches count with what they do there.
    made = open_spa(chairs=1)
    practice = open_spa(chairs=1, staff={2: {"home_branch_id": made.branches[0].id}})
    booked: list[dict[str, Any]] = []
    while slots := free(practice):
        slot = slots[len(booked) * 7 % len(slots)]
        answer = book(practice, slot["starts_at"], customer={"phone": f"+1212555{len(booked):04}"})
        assert answer.status == 201, (slot, answer)
        booked.append(answer.json)
    assert len(booked) >= 5
    for one in booked:
        shown = one["package"]
        assert (shown["service_id"], shown["parts"][0]["id"]) == (MAKEOVER, one["id"])
        assert [part["service_id"] for part in shown["parts"]] == [practice.services[n].id for n in (2, 0)]
    refused = book(practice, booked[0]["starts_at"], customer={"phone": "+12125559999"})
    assert (refused.status, refused.json["code"]) == (409, "slot_taken")


def test_the_answer_to_a_repeat_has_the_parts_too_and_the_package_is_shown(aws: EmbeddedAws) -> None:
    practice = open_spa()
    made, again = (book(practice, at(10), again=True, metadata={"x": "y"}) for _ in range(2))
    assert made.status == 201, made
    assert made.json == again.json
    package = made.json["package"]
    shown = call("GET", f"/api/packages/{package['id']}", caller=ME).json
    assert [part["id"] for part in shown["parts"]] == [part["id"] for part in package["parts"]]
    assert (shown["status"], shown["version"], shown["service_id"]) == ("confirmed", 1, MAKEOVER)
    assert shown["starts_at"] == made.json["starts_at"]
    assert shown["ends_at"] == package["parts"][1]["ends_at"]
    alone = call("GET", f"/api/appointments/{package['parts'][1]['id']}", caller=ME).json
    assert alone["package"] == {"id": package["id"], "service_id": MAKEOVER, "parts": None}
    listed = call("GET", "/api/appointments", caller=ME, query={"branch_id": practice.branches[1].id}).json["data"]
    assert {one["id"] for one in listed} == {part["id"] for part in package["parts"]}
    history = call("GET", f"/api/appointments/{alone['id']}/history", caller=ME).json["data"]
    assert [(one["action"], one["changes"]["package"]) for one in history] == [("appointment.booked", package["id"])]


def test_a_package_is_moved_and_cancelled_and_its_parts_not_alone(aws: EmbeddedAws) -> None:
    practice = open_spa()
    made = book(practice, at(10)).json
    place, part = f"/api/packages/{made['package']['id']}", made["package"]["parts"][1]["id"]
    for what, body in (("cancel", {}), ("reschedule", {"starts_at": at(12)})):
        alone = call("POST", f"/api/appointments/{part}/{what}", caller=ME, body=body)
        assert (alone.status, alone.json["code"]) == (409, "part_of_package"), alone
        assert alone.json["package_id"] == made["package"]["id"]
    moved = call("POST", f"{place}/reschedule", caller=ME, body={"starts_at": at(12), "version": 1})
    assert (moved.status, moved.json["version"]) == (200, 3), moved
    stale = call("POST", f"{place}/cancel", caller=ME, body={"version": 1})
    assert (stale.status, stale.json["code"], stale.json["current"]["version"]) == (409, "stale_version", 3)
    done = call("POST", f"{place}/cancel", caller=ME, body={"reason": "Ill"})
    assert (done.json["status"], {one["cancellation_reason"] for one in done.json["parts"]}) == ("cancelled", {"Ill"})
    assert len(free(practice)) == len(free(open_spa()))
    late = call("POST", f"{place}/reschedule", caller=ME, body={"starts_at": at(12)})
    assert late.json["code"] == "not_reschedulable"


def test_requests_are_answered(aws: EmbeddedAws) -> None:
    practice = open_spa(package={"policy": Policy(needs_approval=True)})
    first, second = (f"/api/packages/{book(practice, at(hour)).json['package']['id']}" for hour in (10, 13))
    assert call("POST", f"{first}/confirm", caller=ME, body={}).json["status"] == "confirmed"
    assert call("POST", f"{first}/decline", caller=ME, body={}).json["code"] == "not_requested"
    assert call("POST", f"{second}/decline", caller=ME, body={"reason": "Full"}).json["status"] == "declined"


def test_visitors_hold_and_book_what_is_offered_to_them(aws: EmbeddedAws) -> None:
    practice = open_spa(staff={3: {"published": False}})
    slots = free(practice, "/public/availability")
    assert {one for slot in slots for one in slot["staff_ids"]} == {practice.staff[2].id}
    makeover = {"branch_id": practice.branches[1].id, "service": "Makeover", "starts_at": slots[0]["starts_at"]}
    held = call("POST", "/public/holds", body=makeover)
    assert held.status == 201, held
    span = [datetime.fromisoformat(held.json[name]) for name in ("starts_at", "ends_at")]
    assert span == [datetime.fromisoformat(slots[0][name]) for name in ("starts_at", "ends_at")]
    place, secret = f"/public/holds/{held.json['id']}", {"secret": held.json["secret"]}
    assert call("POST", f"{place}/extend", body=secret).status == 200
    offered = [slot["starts_at"] for slot in free(practice, "/public/availability")]
    assert makeover["starts_at"] not in offered
    refused = book(practice, makeover["starts_at"], "/public/appointments")
    assert (refused.status, refused.json["code"]) == (409, "slot_taken")
    assert {one["staff_id"] for one in refused.json["alternatives"]} == {practice.staff[2].id}
    assert book(practice, refused.json["alternatives"][0]["starts_at"], "/public/appointments").status == 201
    proof = {"id": held.json["id"], "secret": held.json["secret"]}
    made = book(practice, makeover["starts_at"], "/public/appointments", hold=proof)
    assert made.status == 201, made
    parts = [get_appointment("com_test", part["id"]) for part in made.json["package"]["parts"]]
    assert [part.starts_at for part in parts] == [span[0], span[1] - timedelta(minutes=30)]
    mine = read_calendar(practice.staff[2], parts[0].entry()).entries()
    assert sorted(part.entry().reference for part in parts) == sorted(
        entry.reference for entry in mine if entry.start in {part.starts_at for part in parts}
    )
    another = {"phone": "+12125559999"}
    spent = book(practice, makeover["starts_at"], "/public/appointments", hold=proof, customer=another)
    assert spent.json["code"] == "hold_not_found"
    left = free(practice, "/public/availability")[0]["starts_at"]
    second = call("POST", "/public/holds", body=makeover | {"starts_at": left})
    before = len(free(practice, "/public/availability"))
    assert call("DELETE", f"/public/holds/{second.json['id']}", body={"secret": second.json["secret"]}).status == 204
    assert len(free(practice, "/public/availability")) > before


SENSELESS: list[tuple[dict[str, Any], str, str]] = [
    ({"staff": "Ada Keller"}, "body.staff", "unknown_staff"),
    ({"length_min": 80}, "body.length_min", "length_not_offered"),
    ({"starts_at": "2020-01-01T09:00:00Z"}, "body.starts_at", "in_the_past"),
    ({"service": "Makeovers"}, "body.service", "unknown_service"),
    ({"override": ["everything"]}, "body.override[0]", ""),
]


def test_what_makes_no_sense_is_named(aws: EmbeddedAws) -> None:
    practice = open_spa()
    for changes, path, code in SENSELESS:
        answer = book(practice, **{"starts_at": at(10)} | changes)
        assert answer.status == 422, answer
        fault = answer.json["errors"][0]
        assert fault["path"] == path
        assert code in ("", fault["code"])


def test_what_cannot_be_done_with_a_package_says_so(aws: EmbeddedAws) -> None:
    practice = open_spa(branch={"books_through": "calcom"})
    answer = book(practice, at(10))
    assert (answer.status, answer.json["errors"][0]["path"]) == (422, "body.service")
    assert answer.json["errors"][0]["code"] == "package_not_at_calcom"
    missing = call("POST", "/api/packages/pkg_00D1ZMFH9MM3HK4Z12GC/cancel", caller=ME, body={})
    assert (missing.status, missing.json["code"]) == (404, "package_not_found")
    practice = open_spa()
    place = f"/api/packages/{book(practice, at(10)).json['package']['id']}"
    for body, path in (
        ({"starts_at": "2020-01-01T09:00:00Z"}, "body.starts_at"),
        ({"starts_at": at(11), "staff": "Ada Keller"}, "body.staff"),
        ({"starts_at": at(11), "version": 0}, "body.version"),
        ({}, "body.starts_at"),
    ):
        wrong = call("POST", f"{place}/reschedule", caller=ME, body=body)
        assert (wrong.status, wrong.json["errors"][0]["path"]) == (422, path), wrong


def test_a_package_shows_how_long_its_parts_take_in_each_branch(aws: EmbeddedAws) -> None:
    made = open_spa()
    offers = {made.services[2].id: Offer(duration_min=60)}
    practice = open_spa(branch={"offers": offers}, package={"duration_min": 10, "price_minor": 9900})
    query = {"company": "com_test", "branch_id": practice.branches[1].id}
    shown = next(s for s in call("GET", "/public/services", query=query).json["data"] if s["id"] == MAKEOVER)
    assert (shown["duration_min"], shown["price_minor"], shown["category"]) == (90, 9900, "package")
    assert set(shown["staff_ids"]) == {practice.staff[2].id, practice.staff[3].id}
    slot = free(practice)[0]
    lasts = datetime.fromisoformat(slot["ends_at"]) - datetime.fromisoformat(slot["starts_at"])
    assert lasts == timedelta(minutes=90)
