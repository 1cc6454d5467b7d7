"""Where the waiting list refuses, waits or stays silent: what is gone, bad wishes, deposits, too many."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.jobs import OfferOpening
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.practice_admin import manage
from chalicelib.booking.waitlist import join as waitlist_join
from chalicelib.booking.waitlist.make_offers import offer_opening
from chalicelib.core import aws as clients
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import call
from infra.local.simulators.twilio.simulator import TwilioSimulator
from tests.calls.telephone import COMPANY, context, open_branch, twilio
from tests.conftest import EmbeddedAws
from tests.draining import drain
from tests.integrations.test_outgoing_webhooks import Receiver, endpoint, receiver

__all__ = ["receiver", "twilio"]
from tests.functions.waiting import FIRST, ME, SECOND, booking_request, books, link, reply, state, texts, waits


def test_what_is_not_offered_any_more_is_said(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    one = waits(branch, FIRST)
    drain(rounds=20)
    (words,) = texts(twilio, FIRST)
    assert state(one).offer is not None
    manage.remove(lambda: Unit(COMPANY), Service, state(one).service_ids[0], None, now)
    assert reply(link(words), "accept").json["code"] == "offer_withdrawn"
    assert call("GET", link(words)).json["service"] == ""
    assert reply(link(words), "decline").status == 200
    drain(rounds=20)
    assert state(one).status == "waiting"


def test_nothing_is_offered_where_all_is_gone(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    made = books(branch).json["id"]
    one = waits(branch, FIRST)
    drain(rounds=20)
    call("POST", f"/api/appointments/{made}/cancel", caller=ME, body={})
    current = practice_store.get_schedule(COMPANY, branch.id).branch
    gone = replace(current, deleted_at="2026-01-01T00:00:00Z", version=current.version + 1)
    manage.save(lambda: Unit(COMPANY), gone, now)
    drain(rounds=20)
    assert state(one).status == "waiting"
    offer_opening(OfferOpening(company_id=COMPANY, branch_ids=("bra_none",)), context())


BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"services": ["Surgery"]}, "body.services[0]"),
    ({"services": []}, "body.services"),
    ({"staff": ["Nobody"]}, "body.staff[0]"),
    ({"days": [{"first": "2090-01-02", "last": "2090-01-01"}]}, "body.days[0].last"),
    ({"days": [{"first": "2020-01-01", "last": "2020-01-02"}]}, "body.days[0].last"),
    ({"days": [{"first": "2020-01-01", "last": "2090-01-02"}]}, "body.days[0].last"),
    ({"days": [{"first": "2090-01-01", "last": "2090-01-02"}]}, "body.days[0].first"),
    ({"times": [{"start": 600, "end": 600}]}, "body.times[0].end"),
    ({"times": [{"start": 600, "end": 615}]}, "body.times[0].end"),
    ({"times": [{"start": 1430, "end": 1500}]}, "body.times[0].end"),
    ({"length_min": 90}, "body.length_min"),
    ({"prefer": {"gender": "female"}}, "body.prefer"),
    ({"staff": [], "prefer": {"skill": "magic"}}, "body.prefer.skill"),
    ({"weekdays": [5]}, "body.weekdays"),
    ({"weekdays": [7]}, "body.weekdays[0]"),
    ({"expires_in_days": 181}, "body.expires_in_days"),
    ({"customer": {"name": "Eve"}}, "body.customer"),
    ({"customer": {"phone": "12"}}, "body.customer.phone"),
)


def test_bad_requests_name_the_field(aws: EmbeddedAws) -> None:
    branch = open_branch()
    for fields, path in BAD:
        answer = call(
            "POST", "/api/waiting-list", caller=ME, body=booking_request(branch, customer={"phone": FIRST}) | fields
        )
        assert answer.status == 422, (fields, answer)
        assert path in [one["path"] for one in answer.json["errors"]], answer


def test_rules_that_refuse_by_now_are_said(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    one = waits(branch, FIRST)
    drain(rounds=20)
    (words,) = texts(twilio, FIRST)
    assert call("PUT", "/api/blocklist", caller=ME, body={"customer_id": state(one).customer_id}).status == 200
    refused = reply(link(words), "accept")
    assert (refused.status, refused.json["code"], "failures" in refused.json) == (409, "not_bookable", False)
    assert state(one).status == "offered"


def test_nobody_is_on_the_list_too_often_and_a_visitor_is_not_told(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    branch = open_branch()
    monkeypatch.setattr(waitlist_join, "MOST_OF_A_CUSTOMER", 1)
    waits(branch, FIRST)
    body = booking_request(branch, customer={"phone": FIRST}, times=[])
    assert call("POST", "/api/waiting-list", caller=ME, body=body).json["code"] == "waits_already"
    assert call("POST", "/public/waiting-list", body=body).json["code"] == "too_many_requests"


def test_a_cancellation_costs_one_query_where_nobody_waits(practice: Practice) -> None:
    made: list[str] = []
    clients.call_hooks.append(lambda when, name: made.append(name) if when == "before" else None)
    try:
        offer_opening(OfferOpening(company_id=COMPANY, appointment_id="apt_1"), context())
    finally:
        clients.call_hooks.pop()
    assert made == ["dynamodb.Query"]


def test_outgoing_webhooks_tell_of_it(
    twilio: TwilioSimulator, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint(receiver, types=["waiting.added", "waiting.offered", "waiting.booked"])
    branch = open_branch()
    one = waits(branch, FIRST)
    drain(rounds=20)
    (words,) = texts(twilio, FIRST)
    assert reply(link(words), "accept").status == 200
    drain(rounds=20)
    bodies = [json.loads(body) for _, body in receiver.got]
    assert sorted(message["type"] for message in bodies) == ["waiting.added", "waiting.booked", "waiting.offered"]
    assert {message["data"]["id"] for message in bodies} == {one}
    assert all(link(words).rpartition("/")[2] not in str(message) for message in bodies)


def test_what_asks_for_a_deposit_waits_for_it_once_accepted(twilio: TwilioSimulator) -> None:
    branch = open_branch(policy=Policy(deposit_minor=5000))
    waits(branch, FIRST)
    body = booking_request(branch, customer={"phone": SECOND}, times=[{"start": 660, "end": 690}])
    assert call("POST", "/api/waiting-list", caller=ME, body=body).status == 201
    drain(rounds=20)
    for phone in (FIRST, SECOND):
        (words,) = texts(twilio, phone)
        made = reply(link(words), "accept")
        assert (made.status, made.json["status"], made.json["deposit_due_minor"]) == (200, "requested", 5000), made
        place = f"/api/appointments/{made.json['appointment_id']}/confirm"
        assert call("POST", place, caller=ME, body={}).json["code"] == "deposit_required"
        assert call("POST", place, caller=ME, body={"deposit_minor": 5000}).json["status"] == "confirmed"
