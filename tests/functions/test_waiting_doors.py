"""The waiting list from end to end: somebody cancels, the next hears of it, answers by the link, and stands."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking import enlisting, offers, practice_store, store, time_off, waiting_store
from chalicelib.booking.hours import DayHours, Span
from chalicelib.booking.jobs import OfferOpening
from chalicelib.booking.managing import remove, save_branch, save_staff
from chalicelib.booking.offering import offer_opening
from chalicelib.booking.placing import read_calendar
from chalicelib.booking.policy import Policy
from chalicelib.booking.practice import Branch, Service
from chalicelib.booking.waiting import Waiting
from chalicelib.core import aws as clients
from chalicelib.core.clock import now
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from functions.public import waiting as public_waiting
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from infra.local.simulators.calcom import CalComSimulator
from infra.local.simulators.twilio import TwilioSimulator
from tests.calls.conftest import calcom, next_monday, through_calcom
from tests.calls.telephone import ALWAYS_QUIET, COMPANY, context, open_branch, twilio
from tests.conftest import EmbeddedAws
from tests.draining import drain
from tests.identity.office import Mailbox
from tests.integrations.test_outgoing_webhooks import Receiver, endpoint, receiver
from tests.races.test_waiting_list import link_of

__all__ = ["calcom", "receiver", "through_calcom", "twilio"]
ME = Caller(COMPANY)
ADA = "Ada Keller"
FIRST, SECOND, THIRD = "+4915112345601", "+4915112345602", "+4915112345603"


def wish(branch: Branch, **fields: Any) -> dict[str, Any]:
    """Ada at ten on Monday, and nothing else will do."""
    monday = next_monday(10).date().isoformat()
    asked = {
        "branch_id": branch.id, "services": ["Consultation"], "days": [{"first": monday, "last": monday}],
        "times": [{"start": 600, "end": 630}], "staff": [ADA],
    }  # fmt: skip
    return asked | fields


def waits(branch: Branch, phone: str | None = None, email: str | None = None, **fields: Any) -> str:
    customer = {name: value for name, value in (("phone", phone), ("email", email)) if value}
    answer = call("POST", "/public/waiting-list", body=wish(branch, customer=customer, **fields))
    assert answer.status == 201, answer
    return str(answer.json["id"])


def books(branch: Branch, **fields: Any) -> Answer:
    body = {
        "branch_id": branch.id, "service": "Consultation", "starts_at": next_monday(10).isoformat(), "staff": ADA,
        "customer": {"phone": "+4915112345699"},
    }  # fmt: skip
    return call("POST", "/api/appointments", caller=ME, body=body | fields)


def cancels(appointment_id: str) -> None:
    assert call("POST", f"/api/appointments/{appointment_id}/cancel", caller=ME, body={}).status == 200
    drain(rounds=20)


def texts(twilio: TwilioSimulator, to: str) -> list[str]:
    return [text["body"] for text in twilio.account.texts.values() if text["to"] == to]


def link(words: str) -> str:
    found = re.search(r"(/public/offers/\S+)", words)
    assert found
    return found[1]


def state(waiting_id: str) -> Waiting:
    return waiting_store.get(COMPANY, waiting_id)


def reply(path: str, answer: str) -> Answer:
    return call("POST", path, body={"answer": answer})


def test_a_cancelled_time_goes_to_who_waits_then_to_the_next(twilio: TwilioSimulator) -> None:
    branch = open_branch(language="de")
    taken = books(branch).json["id"]
    first, second = waits(branch, FIRST), waits(branch, SECOND)
    drain()
    assert texts(twilio, FIRST) == []
    cancels(taken)
    (words,) = texts(twilio, FIRST)
    assert "Consultation ist frei am Mo " in words
    assert "10:00 mit Ada Keller" in words
    assert texts(twilio, SECOND) == []
    shown = call("GET", link(words))
    assert (shown.status, shown.json["outcome"], shown.json["staff"]) == (200, "open", ADA)
    assert datetime.fromisoformat(shown.json["starts_at"]) == next_monday(10)
    assert FIRST not in shown.text
    assert books(branch).json["code"] == "slot_taken"

    assert reply(link(words), "decline").json["outcome"] == "declined"
    assert reply(link(words), "decline").status == 200  # as often as he likes
    assert reply(link(words), "accept").json["code"] == "offer_declined"
    drain(rounds=20)
    (to_second,) = texts(twilio, SECOND)
    assert len(texts(twilio, FIRST)) == 1  # not the same time again
    assert state(first).status == "waiting"

    made = reply(link(to_second), "accept")
    assert (made.status, made.json["outcome"], made.json["status"]) == (200, "accepted", "confirmed")
    assert reply(link(to_second), "accept").json == made.json
    assert reply(link(to_second), "decline").json["code"] == "offer_accepted"
    visit = store.get_appointment(COMPANY, made.json["appointment_id"])
    assert (visit.starts_at, visit.status, visit.source) == (next_monday(10), "confirmed", "web")
    calendar = read_calendar(COMPANY, practice_staff(branch), visit.entry()).entries()
    assert calendar == [visit.entry()]
    done = state(second)
    assert (done.status, done.appointment_id, visit.metadata) == ("booked", visit.id, {"waiting_id": second})
    drain(rounds=20)
    assert call("DELETE", f"/api/waiting-list/{second}", caller=ME).json["code"] == "waiting_booked"
    listed = call("GET", "/api/waiting-list", caller=ME, query={"branch_id": branch.id, "status": "waiting"})
    assert [one["id"] for one in listed.json["data"]] == [first]
    his = call("GET", "/api/waiting-list", caller=ME, query={"customer_id": done.customer_id}).json["data"]
    assert [(one["id"], one["status"]) for one in his] == [(second, "booked")]


def practice_staff(branch: Branch) -> Any:
    schedule = practice_store.get_schedule(COMPANY, branch.id)
    return next(one for one in schedule.staff if one.name == ADA)


def test_the_words_with_the_link_are_forgotten_once_they_are_out(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    waits(branch, FIRST)
    drain(rounds=20)  # free already: offered at once
    (words,) = texts(twilio, FIRST)
    token = link(words).rpartition("/")[2]
    assert token not in everything()


def everything() -> str:
    found = []
    client = clients.client("dynamodb")
    for name in ("booking", "messaging", "occupancy", "directory", "outbox", "audit"):
        for item in client.scan(TableName=f"pilot-test-{name}")["Items"]:
            found.append(str(item))
    return "".join(found)


def test_by_mail_where_no_text_arrives(twilio: TwilioSimulator, aws: EmbeddedAws) -> None:
    branch = open_branch()
    offered = waits(branch, "+493012345678", "eve@example.com")  # a landline
    drain(rounds=20)
    (mail,) = [one for one in Mailbox(aws).mails() if "eve@example.com" in str(one)]
    assert state(offered).offers[0].by == "mail"
    assert texts(twilio, "+493012345678") == []
    assert reply(link(mail["BodyText"]), "accept").json["status"] == "confirmed"


def test_at_night_by_mail_or_in_the_morning(twilio: TwilioSimulator, aws: EmbeddedAws) -> None:
    branch = open_branch(quiet=replace(ALWAYS_QUIET, texts=True))
    asleep, mailed = waits(branch, FIRST), waits(branch, SECOND, "eve@example.com")
    drain(rounds=20)
    assert (state(asleep).status, state(mailed).status) == ("waiting", "offered")
    assert texts(twilio, FIRST) == []


def test_an_offer_lapses_and_goes_on(twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    branch = open_branch(policy=Policy(waiting_offer_min=10))
    first, second = waits(branch, FIRST), waits(branch, SECOND)
    drain(rounds=20)
    offer = state(first).offer
    assert offer is not None
    assert offer.until <= now() + timedelta(minutes=10)
    later = now() + timedelta(minutes=11)
    monkeypatch.setattr(public_waiting, "now", lambda: later)
    (words,) = texts(twilio, FIRST)
    assert call("GET", link(words)).json["outcome"] == "lapsed"
    refused = reply(link(words), "accept")
    assert (refused.status, refused.json["code"]) == (409, "offer_expired")
    assert offers.sweep(Unit, now) == 0
    assert offers.sweep(Unit, lambda: later) == 1
    drain(rounds=20)
    assert [state(one).status for one in (first, second)] == ["waiting", "offered"]
    assert state(first).offers[0].outcome == "lapsed"


def test_waiting_ends_with_an_event(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    books(branch)
    one = waits(branch, FIRST, expires_in_days=20)
    drain(rounds=20)
    much_later = now() + timedelta(days=21)
    assert offers.sweep(Unit, lambda: now() + timedelta(days=2)) == 1  # looked at again, and nothing was free
    assert state(one).status == "waiting"
    assert offers.sweep(Unit, lambda: much_later) == 1
    assert state(one).status == "expired"
    assert [row.type for row in OutboxRow.scan()].count("booking.WaitingExpired") == 1
    assert offers.sweep(Unit, lambda: much_later) == 0


def test_time_off_withdrawn_and_new_hours_are_offered(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    ada = practice_staff(branch)
    off, _ = time_off.take(
        lambda: Unit(COMPANY), COMPANY, ada.id, next_monday(8), next_monday(18), "away", now
    )  # fmt: skip
    one = waits(branch, FIRST)
    at_seven = waits(branch, SECOND, times=[{"start": 420, "end": 450}])
    drain(rounds=20)
    assert (state(one).status, state(at_seven).status) == ("waiting", "waiting")
    time_off.withdraw(lambda: Unit(COMPANY), COMPANY, ada.id, off.id)
    drain(rounds=20)
    assert (state(one).status, state(at_seven).status) == ("offered", "waiting")

    day = next_monday(10).date()
    early = DayHours(on=day, spans=(Span(420, 1020),))
    saved = replace(branch, exceptions=(early,), version=branch.version + 1)
    save_branch(lambda: Unit(COMPANY), saved, now)
    hours = replace(ada, exceptions={branch.id: (early,)}, version=ada.version + 1)
    save_staff(lambda: Unit(COMPANY), hours, now)
    drain(rounds=20)
    assert state(at_seven).status == "offered"


def test_a_moved_appointment_frees_its_old_time(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    made = books(branch).json["id"]
    one = waits(branch, FIRST)
    drain(rounds=20)
    body = {"starts_at": next_monday(14).isoformat()}
    assert call("POST", f"/api/appointments/{made}/reschedule", caller=ME, body=body).status == 200
    drain(rounds=20)
    offer = state(one).offer
    assert offer is not None
    assert offer.starts_at == next_monday(10)


def test_the_blocked_and_the_unreachable_get_nothing_and_the_rest_do(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    assert call("PUT", "/api/blocklist", caller=ME, body={"phone": FIRST}).status == 200
    blocked, silent, fine = waits(branch, FIRST), waits(branch, "+493012345678"), waits(branch, THIRD)
    drain(rounds=20)
    assert [state(one).status for one in (blocked, silent, fine)] == ["waiting", "waiting", "offered"]
    assert texts(twilio, FIRST) == []


def test_who_leaves_gives_his_offer_to_the_next(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    first, second = waits(branch, FIRST), waits(branch, SECOND)
    drain(rounds=20)
    assert call("DELETE", f"/api/waiting-list/{first}", caller=ME).status == 204
    assert call("DELETE", f"/api/waiting-list/{first}", caller=ME).status == 204
    drain(rounds=20)
    assert [state(one).status for one in (first, second)] == ["withdrawn", "offered"]
    (words,) = texts(twilio, FIRST)
    assert reply(link(words), "accept").json["code"] == "offer_withdrawn"
    assert reply("/public/offers/guessed", "accept").json["code"] == "offer_not_found"


def test_what_is_not_offered_any_more_is_said(twilio: TwilioSimulator) -> None:
    branch = open_branch()
    one = waits(branch, FIRST)
    drain(rounds=20)
    (words,) = texts(twilio, FIRST)
    assert state(one).offer is not None
    remove(lambda: Unit(COMPANY), Service, state(one).service_ids[0], None, now)
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
    save_branch(lambda: Unit(COMPANY), gone, now)
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


def test_bad_wishes_name_the_field(aws: EmbeddedAws) -> None:
    branch = open_branch()
    for fields, path in BAD:
        answer = call("POST", "/api/waiting-list", caller=ME, body=wish(branch, customer={"phone": FIRST}) | fields)
        assert answer.status == 422, (fields, answer)
        assert path in [one["path"] for one in answer.json["errors"]], answer


def test_what_asks_for_a_deposit_is_not_waited_for(aws: EmbeddedAws) -> None:
    branch = open_branch(policy=Policy(deposit_minor=1000))
    body = wish(branch, customer={"phone": FIRST})
    answer = call("POST", "/api/waiting-list", caller=ME, body=body)
    assert [(one["path"], one["code"]) for one in answer.json["errors"]] == [("body.services[0]", "not_waited_for")]
    open_branch(policy=Policy(deposit_minor=1000, off=("deposit",)))
    assert call("POST", "/api/waiting-list", caller=ME, body=body).status == 201


def through_link(practice: Practice) -> tuple[str, str]:
    """Somebody who waits in a branch that books through Cal.com, and the link he got."""
    one = waits(practice.branches[0], FIRST, "eve@example.com")
    offer_opening(OfferOpening(company_id=COMPANY, branch_ids=(practice.branches[0].id,)), context())
    return one, link_of(FIRST)


def test_at_calcom_too(through_calcom: Practice, calcom: CalComSimulator) -> None:
    one, token = through_link(through_calcom)
    made = reply(f"/public/offers/{token}", "accept")
    assert (made.status, made.json["status"]) == (200, "confirmed"), made
    visit = store.get_appointment(COMPANY, made.json["appointment_id"])
    assert visit.external_id is not None
    assert state(one).status == "booked"


def test_what_calcom_does_not_have_is_waited_for_again(through_calcom: Practice, calcom: CalComSimulator) -> None:
    one, token = through_link(through_calcom)
    calcom.fault(path="/v2/bookings", method="POST", status=409, message="no_available_users_found_error", times=1)
    refused = reply(f"/public/offers/{token}", "accept")
    assert (refused.status, refused.json["code"]) == (409, "slot_taken")
    assert reply(f"/public/offers/{token}", "accept").json["code"] == "offer_withdrawn"
    job = OfferOpening(company_id=COMPANY, appointment_id=str(state(one).appointment_id), reason="calcom_slot_taken")
    for _ in range(2):
        offer_opening(job, context())
    assert (state(one).status, state(one).offers[0].outcome) == ("waiting", "gone")
    assert [row.type for row in OutboxRow.scan()].count("booking.WaitingOfferEnded") == 1


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
    monkeypatch.setattr(enlisting, "MOST_OF_A_CUSTOMER", 1)
    waits(branch, FIRST)
    body = wish(branch, customer={"phone": FIRST})
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
    told = [json.loads(body) for _, body in receiver.got]
    assert sorted(message["type"] for message in told) == ["waiting.added", "waiting.booked", "waiting.offered"]
    assert {message["data"]["id"] for message in told} == {one}
    assert all(link(words).rpartition("/")[2] not in str(message) for message in told)
