"""Mobile services through the endpoints: where the customer is, who gets there in time, and what else there is."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments.store import get_appointment
from chalicelib.booking.practice.models import GeoAddress, Offer, Service
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core import aws as clients
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.booking.calendars import read_calendar

ME = Caller("com_test")
ANOTHER = {"customer": {"name": "Tom", "phone": "+12125559999"}}
"""Whoever asks for the same service at the same time themselves is told their own booking instead."""
SHOP = GeoAddress(40.75, -74.0)
NORTH, SOUTH = {"latitude": 41.05, "longitude": -74.0, "text": "12 Hill Road"}, {"latitude": 40.45, "longitude": -74.0}
"""Each 33 km from the shop: fifty minutes, and a hundred and one from each other."""
EVE = {"name": "Eve", "phone": "+12125550199"}


@pytest.fixture
def mobile(practice: Practice) -> Practice:
    """The demo practice, whose New York staff also cut hair at the customer's."""
    berlin, new_york = practice.branches
    visit = replace(practice.services[2], id="svc_0000000000000000V1S1T", number=9, name="Visit", mobile=True)
    staff = [replace(m, service_ids=(*m.service_ids, visit.id)) for m in practice.staff[2:]]
    made = Practice(
        (berlin, replace(new_york, place=SHOP)),
        (*practice.services, visit),
        (*practice.staff[:2], *staff),
        practice.event_types,
    )
    save(made)
    return made


def save(practice: Practice) -> None:
    save_practice(lambda: Unit("com_test"), practice.branches, practice.services, practice.staff)


def at(hour: int, minute: int = 0) -> str:
    """That hour in New York, on the Monday after next."""
    day = now() + timedelta(days=14 - now().weekday())
    return day.replace(hour=hour + 5, minute=minute, second=0, microsecond=0).isoformat()


def body(practice: Practice, hour: int, minute: int = 0, **fields: Any) -> dict[str, Any]:
    known = {"branch_id": practice.branches[1].id, "service": "Visit", "starts_at": at(hour, minute)}
    return known | {"staff": "Dan Rossi", "customer": EVE} | fields


def book(practice: Practice, hour: int, minute: int = 0, **fields: Any) -> Answer:
    return call("POST", "/api/appointments", caller=ME, body=body(practice, hour, minute, **fields))


def get(practice: Practice, path: str = "/api/availability", **query: Any) -> Answer:
    given: dict[str, Any] = {"branch_id": practice.branches[1].id, "service": "Visit", "from": at(10)[:10]}
    given |= {"staff": practice.staff[3].id} | ({"company": "com_test"} if path.startswith("/public") else {})
    return call("GET", path, caller=Caller() if path.startswith("/public") else ME, query=given | query)


def free(answer: Answer) -> set[datetime]:
    assert answer.status == 200, answer
    slots = answer.json["results"][0]["slots"]
    return {datetime.fromisoformat(slot["starts_at"]).astimezone(UTC) for slot in slots}


def paths(answer: Answer) -> list[str]:
    assert answer.status == 422, answer
    return [error["path"] for error in answer.json["errors"]]


def test_a_mobile_service_takes_an_address_and_bad_ones_are_named(mobile: Practice) -> None:
    assert paths(book(mobile, 10)) == ["body.address"]
    assert paths(book(mobile, 10, address={"latitude": 91, "longitude": 0})) == ["body.address.latitude"]
    assert paths(book(mobile, 10, address={"latitude": 0, "longitude": -181, "street": "x"})) == [
        "body.address.street",
        "body.address.longitude",
    ]
    visitor = body(mobile, 10)
    assert paths(call("POST", "/public/appointments", body=visitor)) == ["body.address"]
    hold = {name: visitor[name] for name in ("branch_id", "service", "starts_at", "staff")}
    assert paths(call("POST", "/public/holds", body=hold)) == ["body.address"]
    for path in ("/api/availability", "/public/availability"):
        assert paths(get(mobile, path)) == ["query.latitude"]
        assert paths(get(mobile, path, latitude="41.05")) == ["query.longitude"]
        assert paths(get(mobile, path, latitude="nan", longitude="1")) == ["query.latitude"]
        assert paths(get(mobile, path, latitude="41.05", longitude="-200")) == ["query.longitude"]
    made = book(mobile, 10, address=NORTH)
    assert (made.status, made.json["address"]) == (201, NORTH)
    inside = book(mobile, 16, service="Haircut", address=NORTH)
    assert (inside.status, inside.json["address"]) == (201, None)  # it takes place at the branch all the same


def test_how_staff_get_about_is_said_by_the_policy_and_nonsense_is_named(mobile: Practice) -> None:
    listed = call("GET", "/public/services", query={"company": "com_test"}).json["data"]
    assert {one["name"] for one in listed if one["mobile"]} == {"Visit"}
    path = f"/api/services/{mobile.services[-1].id}"
    found = call("GET", path, caller=ME).json
    given = {name: value for name, value in found.items() if name not in ("id", "company_id", "number", "deleted_at")}

    def change(**travel: Any) -> Answer:
        return call("PUT", path, caller=ME, body=given | {"policy": given["policy"] | {"travel": travel}})

    assert paths(change(speed_kmh=0)) == ["body.policy.travel.speed_kmh"]
    assert paths(change(fixed_min=-1)) == ["body.policy.travel.fixed_min"]
    assert change(speed_kmh=200, within_hours=True).status == 200
    assert book(mobile, 9, address=NORTH).json["code"] == "slot_taken"  # eleven minutes from the shop, which opens
    assert book(mobile, 9, 15, address=NORTH).status == 201
    assert book(mobile, 10, 30, address=SOUTH).status == 201
    assert min(free(get(mobile, latitude="40.45", longitude="-74"))) == datetime.fromisoformat(at(11, 15))


def test_nobody_is_offered_or_booked_where_they_cannot_get_to_in_time(mobile: Practice) -> None:
    made = book(mobile, 12, address=NORTH).json  # until 12:45
    refused = book(mobile, 14, address=SOUTH)
    assert (refused.status, refused.json["code"]) == (409, "slot_taken")
    dans = [one for one in refused.json["alternatives"] if one["staff"] == "Dan Rossi"]
    others = [one for one in refused.json["alternatives"] if one["staff"] != "Dan Rossi"]
    assert dans
    assert datetime.fromisoformat(others[0]["starts_at"]) == datetime.fromisoformat(at(14))
    again = {name: dans[0][name] for name in ("branch_id", "starts_at")}
    as_given = call("POST", "/api/appointments", caller=ME, body=body(mobile, 14, address=SOUTH) | again)
    assert as_given.status == 201, as_given
    assert call("POST", f"/api/appointments/{as_given.json['id']}/cancel", caller=ME, body={}).status == 200
    offered = free(get(mobile, latitude="40.45", longitude="-74"))
    assert datetime.fromisoformat(at(14)) not in offered
    assert datetime.fromisoformat(at(14, 30)) in offered
    near = free(get(mobile, latitude="41.05", longitude="-74"))
    assert {datetime.fromisoformat(at(11, 15)), datetime.fromisoformat(at(12, 45))} <= near
    at_the_shop = free(get(mobile, service="Haircut"))
    assert datetime.fromisoformat(at(13, 30)) not in at_the_shop
    assert datetime.fromisoformat(at(13, 45)) in at_the_shop
    assert book(mobile, 13, 30, service="Haircut").json["code"] == "slot_taken"
    why = get(mobile, explain="true", at=at(14), latitude="40.45", longitude="-74").json["results"][0]["reasons"]
    assert why == [{"code": "travel", "staff_id": mobile.staff[3].id, "resource_id": None, "by": None}]
    assert book(mobile, 14, 30, address=SOUTH).status == 201
    assert book(mobile, 11, 15, address=NORTH).status == 201
    assert made["status"] == "confirmed"


def test_whatever_is_offered_is_bookable_right_away(mobile: Practice) -> None:
    rng, booked = random.Random(27), 0
    for number in range(8):
        north, west = rng.choice([40.45, 40.75, 41.05]), rng.choice([-74.0, -73.6])
        kind = "Visit" if number % 3 else "Haircut"
        offered = sorted(free(get(mobile, service=kind, latitude=str(north), longitude=str(west))))
        if offered:
            start = rng.choice(offered)
            place = {"latitude": north, "longitude": west}
            made = book(mobile, 10, service=kind, address=place, starts_at=start.isoformat())
            assert made.status == 201, made
            booked += 1
    assert booked >= 3


def test_moving_and_reassigning_look_at_the_way_too(mobile: Practice) -> None:
    book(mobile, 10, address=NORTH)
    mine = book(mobile, 15, address=SOUTH).json
    path = f"/api/appointments/{mine['id']}"
    refused = call("POST", f"{path}/reschedule", caller=ME, body={"starts_at": at(12)})
    assert (refused.status, refused.json["code"]) == (409, "slot_taken")
    moved = call("POST", f"{path}/reschedule", caller=ME, body={"starts_at": at(12, 30)})
    assert (moved.status, moved.json["address"]) == (200, SOUTH | {"text": ""})
    with_chloe = book(mobile, 14, staff="Chloe Park", address=NORTH).json
    reassigned = call("POST", f"/api/appointments/{with_chloe['id']}/reassign", caller=ME, body={"staff": "Dan Rossi"})
    assert (reassigned.status, reassigned.json["code"]) == (409, "slot_taken")
    assert call("POST", f"{path}/reassign", caller=ME, body={"staff": "Chloe Park"}).json["code"] == "slot_taken"
    assert call("POST", f"{path}/cancel", caller=ME, body={}).status == 200
    free_again = call("POST", f"/api/appointments/{with_chloe['id']}/reassign", caller=ME, body={"staff": "Dan Rossi"})
    assert free_again.status == 200, free_again


def test_a_hold_keeps_the_way_free_and_becomes_the_appointment_at_its_address(mobile: Practice) -> None:
    details = {name: value for name, value in body(mobile, 12, address=NORTH).items() if name != "customer"}
    held = call("POST", "/public/holds", body=details)
    assert held.status == 201, held
    assert book(mobile, 13, 15, address=SOUTH).json["code"] == "slot_taken"
    proof = {"id": held.json["id"], "secret": held.json["secret"]}
    given = body(mobile, 12, hold=proof)
    assert paths(call("POST", "/public/appointments", body=given | {"address": SOUTH})) == ["body.address"]
    made = call("POST", "/public/appointments", body=given)
    assert made.status == 201, made
    appointment = get_appointment("com_test", made.json["id"])
    assert appointment.address == GeoAddress(41.05, -74.0, "12 Hill Road")
    calendar = read_calendar(mobile.staff[3], appointment.entry())
    assert [entry.reference for entry in calendar.entries()] == [appointment.entry().reference]
    again = call("POST", "/public/holds", body=details | {"starts_at": at(15)})
    secret = {"secret": again.json["secret"]}
    assert call("POST", f"/public/holds/{again.json['id']}/extend", body=secret).status == 200
    assert book(mobile, 16, service="Haircut").json["code"] == "slot_taken"
    assert call("DELETE", f"/public/holds/{again.json['id']}", body=secret).status == 204
    assert book(mobile, 16, service="Haircut").status == 201


def test_a_mobile_booking_is_still_one_read_and_one_transaction(mobile: Practice) -> None:
    book(mobile, 10, address=NORTH)
    made: list[str] = []
    clients.call_hooks.append(lambda when, name: made.append(name) if when == "before" else None)
    try:
        assert book(mobile, 12, 30, address=SOUTH).status == 201
        assert len(made) == 2, made
        made.clear()
        get(mobile, latitude="40.45", longitude="-74")
        get(mobile, latitude="40.45", longitude="-74")
    finally:
        clients.call_hooks.pop()
    assert made[-3:] == ["dynamodb.GetItem", "dynamodb.Query", "dynamodb.UpdateItem"]


def test_places_that_are_not_known_take_no_time(mobile: Practice) -> None:
    nowhere = replace(mobile.branches[1], place=None)
    save(Practice((mobile.branches[0], nowhere), mobile.services, mobile.staff, ()))
    assert book(mobile, 10, service="Haircut").status == 201
    assert book(mobile, 10, 45, address=NORTH).status == 201
    assert book(mobile, 11, 30, service="Haircut").status == 201
    assert book(mobile, 12, 45, address=SOUTH).json["code"] == "slot_taken"  # but the way between two addresses counts


def test_who_is_at_home_in_another_branch_sets_out_from_there(mobile: Practice) -> None:
    berlin, new_york = mobile.branches
    dan = replace(mobile.staff[3], home_branch_id=berlin.id)
    near = replace(berlin, place=GeoAddress(41.05, -74.0))
    save(Practice((near, new_york), mobile.services, (*mobile.staff[:3], dan), ()))
    assert book(mobile, 10, service="Haircut").status == 201
    assert book(mobile, 11, address=NORTH).status == 201  # what is not mobile counts as being at home, up north
    refused = book(mobile, 12, address=SOUTH)
    assert refused.json["code"] == "slot_taken"
    assert datetime.fromisoformat(at(13, 30)) in free(get(mobile, latitude="40.45", longitude="-74"))
    moved = book(mobile, 15, address=NORTH).json
    path = f"/api/appointments/{moved['id']}/reschedule"
    assert call("POST", path, caller=ME, body={"starts_at": at(11, 45)}).status == 200


def test_a_taken_slot_also_names_a_time_in_another_branch_that_can_be_booked(practice: Practice) -> None:
    berlin, new_york = practice.branches
    # Both at work from noon to five in New York, which is ten at night in Berlin: it opens late there.
    late = tuple(replace(window, end=24 * 60) for window in berlin.hours)
    ada = replace(practice.staff[0], hours={berlin.id: late})
    save(Practice((replace(berlin, hours=late), new_york), practice.services, (ada, *practice.staff[1:]), ()))
    details = body(practice, 10, service="Consultation", staff="Chloe Park")
    assert call("POST", "/api/appointments", caller=ME, body=details).status == 201
    for path in ("/api/appointments", "/public/appointments"):
        caller = ME if path.startswith("/api") else Caller()
        refused = call("POST", path, caller=caller, body=details | ANOTHER)
        assert refused.status == 409, refused
        offered = refused.json["alternatives"]
        assert [one["branch_id"] for one in offered] == [new_york.id] * 3 + [berlin.id]
        assert datetime.fromisoformat(offered[3]["starts_at"]) == datetime.fromisoformat(at(10))
    given = {name: offered[3][name] for name in ("branch_id", "starts_at")}
    taken = details | given | {"service": offered[3]["service_id"], "staff": offered[3]["staff_id"]}
    assert call("POST", "/public/appointments", body=taken).status == 201
    haircut = body(practice, 10, service="Haircut", staff="Chloe Park")
    only_here = call("POST", "/api/appointments", caller=ME, body=haircut).json["alternatives"]
    assert {one["branch_id"] for one in only_here} == {new_york.id}


def test_other_branches_that_are_hidden_do_not_offer_it_or_ask_a_deposit_are_left_out(practice: Practice) -> None:
    berlin, new_york = practice.branches
    consultation = practice.services[0]
    details = body(practice, 10, service="Consultation", staff="Chloe Park")
    assert call("POST", "/api/appointments", caller=ME, body=details).status == 201

    def branches(path: str) -> set[str]:
        caller = ME if path.startswith("/api") else Caller()
        refused = call("POST", path, caller=caller, body=details | ANOTHER)
        return {one["branch_id"] for one in refused.json["alternatives"]}

    save(Practice((replace(berlin, published=False), new_york), practice.services, practice.staff, ()))
    assert branches("/public/appointments") == {new_york.id}
    assert branches("/api/appointments") == {new_york.id, berlin.id}
    for offer in (Offer(offered=False), Offer(policy=Policy(deposit_minor=1000))):
        terms = replace(berlin, offers={consultation.id: offer})
        save(Practice((terms, new_york), practice.services, practice.staff, ()))
        assert branches("/api/appointments") == {new_york.id}


def test_a_search_for_a_customer_knows_their_block_their_limits_and_the_consultation_they_lack(
    practice: Practice,
) -> None:
    consultation = practice.services[0]
    cut: Service = replace(
        practice.services[2], consultation_id=consultation.id, policy=Policy(customer_limits=Limits(per_day=1))
    )
    colour = replace(cut, id="svc_00000000000000C010VR", number=8, name="Colour", consultation_id=None)
    staff = [replace(m, service_ids=(*m.service_ids, colour.id)) for m in practice.staff]
    services = (consultation, practice.services[1], cut, practice.services[3], colour)
    save(Practice(practice.branches, services, tuple(staff), ()))
    made = book(practice, 10, service="Colour").json
    eve = made["customer_id"]
    assert get(practice, service="Haircut", customer_id="cus_nobody").json["code"] == "customer_not_found"
    found = get(practice, service="Haircut", staff="any", customer_id=eve).json["results"]
    assert [(one["service_id"], bool(one["slots"]), one["consultation_first"]) for one in found] == [
        (consultation.id, True, False),
        (cut.id, False, True),
    ]
    assert free(get(practice, service="Haircut"))
    next_day = (datetime.fromisoformat(at(10)) + timedelta(days=1)).date()
    limited: dict[str, Any] = {"service": "Colour", "customer_id": eve, "to": str(next_day)}
    assert {one.date() for one in free(get(practice, **limited))} == {next_day}

    def why(**query: Any) -> list[str]:
        answer = get(practice, explain="true", at=at(15), customer_id=eve, **query)
        return [reason["code"] for reason in answer.json["results"][0]["reasons"]]

    assert why(service="Colour") == ["customer_limit_reached"]
    assert why(service="Haircut") == ["consultation_required", "customer_limit_reached"]
    call("PUT", "/api/blocklist", caller=ME, body={"customer_id": eve})
    assert free(get(practice, **limited)) == set()
    assert why(service="Colour") == ["blocked", "customer_limit_reached"]
    assert get(practice, "/public/availability", customer_id=eve).status == 422
