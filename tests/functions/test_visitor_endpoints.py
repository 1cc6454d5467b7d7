"""Visitors hold times and book them, without a token; they learn whether, and not why not."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments.hold import LASTS
from chalicelib.booking.appointments.store import get_appointment
from chalicelib.booking.creation import hold as hold_time
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from functions.booking import bodies, visitors
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.booking.calendars import read_calendar

ME = Caller("com_test")


def haircut(practice: Practice, hour: int = 10, **fields: Any) -> dict[str, Any]:
    day = now() + timedelta(days=14 - now().weekday())
    start = day.replace(hour=hour + 5, minute=0, second=0, microsecond=0)
    known = {"branch_id": practice.branches[1].id, "service": "Haircut", "starts_at": start.isoformat()}
    return known | {"staff": "Dan Rossi"} | fields


def hold(practice: Practice, hour: int = 10, **fields: Any) -> Answer:
    return call("POST", "/public/holds", body=haircut(practice, hour, **fields))


def book(practice: Practice, hour: int = 10, **fields: Any) -> Answer:
    customer = {"name": "Eve", "phone": "+12125550199"}
    return call("POST", "/public/appointments", body=haircut(practice, hour, **({"customer": customer} | fields)))


def proof(held: Answer) -> dict[str, str]:
    return {"id": held.json["id"], "secret": held.json["secret"]}


def test_a_hold_keeps_the_time_for_its_visitor_who_books_it_once(practice: Practice) -> None:
    held = hold(practice)
    assert held.status == 201, held
    assert datetime.fromisoformat(held.json["expires_at"]) >= now() + LASTS - timedelta(seconds=30)
    refused = book(practice)
    assert (refused.status, refused.json["code"]) == (409, "slot_taken")
    assert len(refused.json["alternatives"]) == 3
    assert book(practice, hold=proof(held) | {"secret": "guessed"}).json["code"] == "hold_not_found"
    assert book(practice, 11, hold=proof(held)).json["errors"][0]["path"] == "body.hold"
    made = book(practice, hold=proof(held))
    assert (made.status, made.json["status"]) == (201, "confirmed")
    assert "Eve" not in made.text
    assert book(practice, hold=proof(held)).json["id"] == made.json["id"]
    tom = {"name": "Tom", "phone": "+12125550198"}
    assert book(practice, hold=proof(held), customer=tom).json["code"] == "hold_not_found"
    appointment = get_appointment("com_test", made.json["id"])
    held_now = read_calendar(practice.staff[3], appointment.entry()).entries()
    assert held_now == [appointment.entry()]


def test_visitors_book_at_times_that_are_offered_and_staff_whenever_they_like(practice: Practice) -> None:
    booking_request = haircut(practice)
    booking_request["starts_at"] = (
        datetime.fromisoformat(booking_request["starts_at"]) + timedelta(minutes=7)
    ).isoformat()
    customer = {"customer": {"email": "eve@example.com"}}
    for refused in (
        call("POST", "/public/holds", body=booking_request),
        call("POST", "/public/appointments", body=booking_request | customer),
    ):
        assert (refused.status, refused.json["code"]) == (409, "not_bookable")
        offered = [datetime.fromisoformat(other["starts_at"]) for other in refused.json["alternatives"]]
        assert offered
        assert all(start.minute % 15 == 0 for start in offered)
    assert call("POST", "/api/appointments", caller=ME, body=booking_request | customer).status == 201


def test_a_hold_is_extended_once_and_released(practice: Practice) -> None:
    held = hold(practice)
    place, secret = f"/public/holds/{held.json['id']}", {"secret": held.json["secret"]}
    assert call("POST", f"{place}/extend", body={"secret": "guessed"}).status == 404
    extended = call("POST", f"{place}/extend", body=secret)
    gained = datetime.fromisoformat(extended.json["expires_at"]) - datetime.fromisoformat(held.json["expires_at"])
    assert (gained, extended.json["secret"]) == (LASTS, None)
    assert call("POST", f"{place}/extend", body=secret).json["code"] == "extended_before"
    assert call("DELETE", place, body=secret).status == 204
    assert call("DELETE", place, body=secret).status == 404
    assert book(practice).status == 201


def test_a_lapsed_hold_is_in_nobodys_way(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    held = hold(practice)
    later = now() + LASTS + timedelta(minutes=2)
    monkeypatch.setattr(bodies, "now", lambda: later)
    assert book(practice, hold=proof(held)).json["code"] == "hold_expired"
    assert book(practice).status == 201


def test_two_holds_of_an_address_and_those_used_or_released_do_not_count(practice: Practice) -> None:
    first, second = hold(practice, 10), hold(practice, 11)
    refused = hold(practice, 13)
    assert (refused.status, refused.json["code"]) == (429, "too_many_holds")
    assert call("DELETE", f"/public/holds/{first.json['id']}", body={"secret": first.json["secret"]}).status == 204
    third = hold(practice, 13)
    assert third.status == 201, third
    assert book(practice, 11, hold=proof(second)).status == 201
    assert hold(practice, 14).status == 201
    assert third.json["id"] != first.json["id"]


def test_a_branch_has_only_so_many_holds(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold_time, "MOST_OF_A_BRANCH", 1)
    assert hold(practice).status == 201
    assert hold(practice, 13).json["code"] == "too_many_holds"


def test_a_visitor_learns_whether_and_not_why(practice: Practice) -> None:
    blocked = call("PUT", "/api/blocklist", caller=ME, body={"phone": "+12125550199", "reason": "Rude"})
    assert blocked.status == 200, blocked
    refused = book(practice)
    assert (refused.status, refused.json["code"]) == (409, "not_bookable")
    assert "failures" not in refused.json
    night = hold(practice, 2)
    assert (night.status, night.json["code"], "failures" in night.json) == (409, "not_bookable", False)
    listed = call("GET", "/api/blocklist", caller=ME).json["data"]
    assert [one["id"] for one in listed] == [blocked.json["id"]]
    assert call("PUT", "/api/blocklist", caller=ME, body={"phone": "+12125550199"}).json["id"] == blocked.json["id"]


def test_what_is_not_published_is_not_there(practice: Practice) -> None:
    dan = replace(practice.staff[3], published=False)
    save_practice(lambda: Unit("com_test"), practice.branches, practice.services, [*practice.staff[:3], dan])
    assert book(practice).json["errors"][0]["path"] == "body.staff"
    assert book(practice, staff=None).json["staff_id"] == practice.staff[2].id
    full = book(practice, staff=None, customer={"email": "tom@example.com"})
    assert full.json["code"] == "slot_taken"
    assert {one["staff_id"] for one in full.json["alternatives"]} == {practice.staff[2].id}
    hidden = replace(practice.branches[1], published=False)
    save_practice(lambda: Unit("com_test"), [practice.branches[0], hidden], practice.services, practice.staff)
    assert (hold(practice).status, book(practice).status) == (404, 404)
    assert hold(practice, branch_id="bra_none").json["code"] == "branch_not_found"


def test_one_address_books_so_often_and_no_more(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "BOOKINGS_A_MINUTE", 1)
    answers = [book(practice, hour) for hour in (10, 11, 13)]
    assert [answer.status for answer in answers].count(429) >= 1


def test_overriding_takes_an_ability(practice: Practice) -> None:
    overriding = haircut(
        practice, 3, customer={"phone": "+12125550199"}, override=["business_hours", "staff_availability"]
    )
    writer = Caller("com_test", abilities="appointments:write")
    refused = call("POST", "/api/appointments", caller=writer, body=overriding)
    assert (refused.status, refused.json["ability"]) == (403, "appointments:override")
    both = Caller("com_test", abilities="appointments:write appointments:override")
    assert call("POST", "/api/appointments", caller=both, body=overriding).status == 201
