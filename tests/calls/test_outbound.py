"""Calling out: quiet hours, do-not-call, once, and what becomes of a lost answer."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from chalicelib.booking.practice.phone import CallRouting, QuietHours
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.calls import call_out, phone_store
from chalicelib.calls.jobs import ReconcileOutbound
from chalicelib.core.clock import now
from chalicelib.core.errors import Invalid
from chalicelib.core.jobs import Postpone
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.people.store import get
from infra.local.demo_people import add_person
from infra.local.demo_practice import demo_practice
from infra.local.invoking import Answer, Caller, call
from infra.local.simulators.retell.simulator import RetellSimulator
from infra.local.simulators.twilio.simulator import TwilioSimulator
from tests.calls.telephone import (
    ALWAYS_QUIET,
    COMPANY,
    NEVER_QUIET,
    ROUTING,
    STAFF,
    context,
    open_branch,
    people,
    phone_calls,
    twilio,
)
from tests.draining import drain

__all__ = ["twilio"]
DESK = Caller(COMPANY)
CUSTOMER = "+4915112345678"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def retell(twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[RetellSimulator]:
    simulator = RetellSimulator("key_test")
    monkeypatch.setenv("RETELL_BASE_URL", simulator.start())
    settings.cache_clear()
    yield simulator
    simulator.stop()


def post(kind: str = "staff", key: str | None = None, **fields: Any) -> Answer:
    body = {"kind": kind, "branch_id": demo_practice(COMPANY).branches[0].id, "to": CUSTOMER} | fields
    headers = {"idempotency-key": key} if key else {}
    return call("POST", "/api/calls", caller=DESK, body=body, headers=headers)


def reconcile(phone_call_id: str, later: timedelta = timedelta()) -> str:
    job = ReconcileOutbound(company_id=COMPANY, phone_call_id=phone_call_id)
    call_out.reconcile(job, context(later=later))
    return phone_store.get(COMPANY, phone_call_id).status


def started(twilio: TwilioSimulator) -> list[str]:
    return [leg["to"] for leg in twilio.account.legs.values() if leg["direction"] == "outbound-api"]


def test_staff_are_rung_and_then_connected_with_the_customer(twilio: TwilioSimulator) -> None:
    open_branch()
    made = post(to="01511 2345678")
    assert made.status == 201, made
    shown = made.json
    assert (shown["status"], shown["staff_number"], shown["other"]) == ("queued", STAFF, CUSTOMER)
    who = people("answers")
    steps = twilio.ring(shown["vendor_id"], replace_reactions(who, CUSTOMER))
    assert [(step.verb, step.outcome) for step in steps] == [("Gather", "1"), ("Dial", "completed"), ("Hangup", "over")]
    drain()
    after = call("GET", f"/api/phone-calls/{shown['id']}", caller=DESK).json
    assert (after["status"], after["seconds"]) == ("completed", 42)
    legs = [leg for leg in twilio.account.legs.values() if leg["to"] == CUSTOMER]
    assert [leg["from"] for leg in legs] == ["+493055501000"]


def replace_reactions(who: Any, number: str) -> Any:
    return type(who)({**who.reactions, number: "answers"}, presses=who.presses)


def test_a_mailbox_that_answers_instead_of_staff_is_not_connected(twilio: TwilioSimulator) -> None:
    open_branch()
    made = post().json
    steps = twilio.ring(made["vendor_id"], people("answers", presses=""))
    assert [step.verb for step in steps] == ["Gather", "Hangup"]
    assert [leg for leg in twilio.account.legs.values() if leg["to"] == CUSTOMER] == []


def test_staff_who_do_not_answer(twilio: TwilioSimulator) -> None:
    open_branch()
    made = post().json
    twilio.ring(made["vendor_id"], people("busy"))
    drain()
    assert phone_calls()[0].status == "busy"


def test_the_agent_calls_with_what_it_was_told(retell: RetellSimulator) -> None:
    open_branch(replace(ROUTING, agent_id="agent_out"))
    made = post("agent", variables={"reason": "recall"}).json
    (theirs,) = retell.calls.all.values()
    assert (theirs["to_number"], theirs["from_number"], theirs["agent_id"]) == (CUSTOMER, "+493055501000", "agent_out")
    assert theirs["metadata"] == {"phone_call_id": made["id"]}
    assert theirs["retell_llm_dynamic_variables"] == {"reason": "recall"}
    assert (made["vendor_id"], made["through"]) == (theirs["call_id"], "retell")


def test_the_same_key_calls_once(twilio: TwilioSimulator) -> None:
    open_branch()
    first, again = post(key="k1"), post(key="k1")
    assert (first.status, again.text) == (201, first.text)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert started(twilio) == [STAFF]


@pytest.mark.parametrize("kind", ["staff", "agent"])
@pytest.mark.parametrize("acted", [True, False])
def test_a_lost_answer_is_looked_for_and_never_repeated(
    twilio: TwilioSimulator, retell: RetellSimulator, kind: str, acted: bool
) -> None:
    open_branch()
    vendor = retell if kind == "agent" else twilio
    path = "/v2/create-phone-call" if kind == "agent" else "*/Calls.json"
    vendor.fault(path=path, method="POST", status=500, apply=acted, times=1)
    made = post(kind)
    assert (made.status, made.json["status"], made.json["vendor_id"]) == (201, "held", None)
    if not acted:
        with pytest.raises(Postpone):
            reconcile(made.json["id"])
    assert reconcile(made.json["id"], timedelta(seconds=80)) == ("queued" if acted else "lost")
    found = phone_store.get(COMPANY, made.json["id"])
    assert (found.vendor_id is not None) is acted
    assert len(started(twilio)) + len(retell.calls.all) == int(acted)
    assert reconcile(made.json["id"], timedelta(seconds=90)) == found.status


def test_a_callback_is_an_answer_as_well(twilio: TwilioSimulator) -> None:
    open_branch()
    twilio.fault(path="*/Calls.json", method="POST", status=500, apply=True, times=1)
    made = post().json
    (sid,) = twilio.account.legs
    twilio.ring(sid, people("no-answer"))
    drain()
    found = phone_store.get(COMPANY, made["id"])
    assert (found.vendor_id, found.status) == (sid, "no-answer")
    assert reconcile(made["id"], timedelta(seconds=80)) == "no-answer"


def test_a_refusal_leaves_the_key_free(twilio: TwilioSimulator) -> None:
    open_branch()
    twilio.fault(path="*/Calls.json", method="POST", status=400, message="[21216] not allowed", times=1)
    refused = post(key="k1")
    assert (refused.status, refused.json["code"], refused.json["vendor_code"]) == (502, "twilio_invalid", 21216)
    assert post(key="k1").status == 201
    assert started(twilio) == [STAFF]
    assert sorted(one.status for one in phone_calls()) == ["failed", "queued"]


def test_quiet_hours_are_answered_with_the_next_time(twilio: TwilioSimulator) -> None:
    open_branch(quiet=ALWAYS_QUIET)
    refused = post()
    assert (refused.status, refused.json["code"]) == (409, "quiet_hours")
    allowed = datetime.fromisoformat(refused.json["next_allowed_at"])
    assert allowed > now()
    assert allowed.utcoffset() == allowed.astimezone(BERLIN).utcoffset()
    assert phone_calls() == []
    assert started(twilio) == []


def test_do_not_call_holds_for_the_number_and_for_its_owner(twilio: TwilioSimulator) -> None:
    open_branch()
    unit = Unit(COMPANY)
    owner = add_person(unit, Contact(name="Eve", phone=CUSTOMER), "api", now())
    unit.commit()
    listed = call("PUT", f"/api/do-not-call/{CUSTOMER}", caller=DESK, body={"reason": "asked on the phone"})
    assert listed.json["calls"]
    assert get(COMPANY, owner.id).do_not_call
    for nobody in ({}, {"customer_id": owner.id, "to": None}, {"customer_id": owner.id, "to": "+4915112345679"}):
        refused = post(**nobody)
        assert (refused.status, refused.json["code"]) == (409, "do_not_call"), nobody
    assert [one["number"] for one in call("GET", "/api/do-not-call", caller=DESK).json["data"]] == [CUSTOMER]
    assert call("DELETE", f"/api/do-not-call/{CUSTOMER}", caller=Caller("com_other")).status == 404
    assert call("DELETE", f"/api/do-not-call/{CUSTOMER}", caller=DESK).status == 204
    assert call("DELETE", f"/api/do-not-call/{CUSTOMER}", caller=DESK).json["code"] == "not_on_the_list"
    assert not get(COMPANY, owner.id).do_not_call
    assert post(customer_id=owner.id, to=None).status == 201
    assert started(twilio) == [STAFF]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"to": None}, "body.to"),
        ({"to": "12"}, "body.to"),
        ({"kind": "ghost"}, "body.kind"),
        ({"staff_number": "+4915155501009"}, "body.staff_number"),
        ({"branch_id": demo_practice(COMPANY).branches[1].id}, "body.staff_number"),
    ],
)
def test_what_cannot_be_called_names_its_field(twilio: TwilioSimulator, fields: dict[str, Any], path: str) -> None:
    made = open_branch()
    practice = demo_practice(COMPANY)
    other = replace(practice.branches[1], quiet_hours=NEVER_QUIET)
    save_practice(lambda: Unit(COMPANY), [made, other], practice.services, practice.staff)
    answer = post(**fields)
    assert answer.status == 422, answer
    assert [fault["path"] for fault in answer.json["errors"]] == [path]
    assert started(twilio) == []


def test_another_companys_branch_and_customer_are_not_there(twilio: TwilioSimulator) -> None:
    open_branch()
    body = {"kind": "staff", "branch_id": demo_practice(COMPANY).branches[0].id, "to": CUSTOMER}
    assert call("POST", "/api/calls", caller=Caller("com_other"), body=body).status == 404
    assert post(customer_id="cus_00000000000000000000").status == 404


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-20T20:59", "2026-11-20T20:59"),
        ("2026-11-20T21:00", "2026-11-21T08:00"),
        ("2026-11-21T07:59", "2026-11-21T08:00"),
        ("2026-11-21T21:00", "2026-11-23T08:00"),  # Sunday
        ("2026-12-24T21:30", "2026-12-28T08:00"),  # two holidays and a Sunday
        ("2026-03-28T22:00", "2026-03-30T08:00"),  # the clock goes forward in between
    ],
)
def test_when_people_may_be_called(at: str, expected: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=BERLIN)
    found = QuietHours().next_allowed(moment, BERLIN, "DE")
    assert found.astimezone(BERLIN).replace(tzinfo=None) == datetime.fromisoformat(expected)
    assert found.tzinfo is UTC


def test_quiet_hours_are_the_branchs_own() -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=BERLIN)
    assert QuietHours(weekdays=()).next_allowed(noon, BERLIN, "DE") == noon
    assert QuietHours(weekdays=(), dates=(date(2026, 11, 22),)).next_allowed(noon, BERLIN, "DE") > noon
    siesta = QuietHours(start=12 * 60, end=15 * 60, weekdays=())
    assert siesta.next_allowed(noon, BERLIN, "DE").astimezone(BERLIN).hour == 15
    epiphany = datetime(2027, 1, 6, 12, tzinfo=BERLIN)  # in Bavaria, not in Berlin
    assert QuietHours(region="BE").next_allowed(epiphany, BERLIN, "DE") == epiphany
    assert QuietHours(region="BY").next_allowed(epiphany, BERLIN, "DE") > epiphany
    assert QuietHours().next_allowed(epiphany, BERLIN, "XX") == epiphany


@pytest.mark.parametrize(
    ("routing", "quiet", "path"),
    [
        ({"agent": "nobody"}, {}, "call_routing.agent"),
        ({"staff_numbers": ("0151",)}, {}, "call_routing.staff_numbers[0]"),
        ({"staff_numbers": (STAFF,) * 11}, {}, "call_routing.staff_numbers"),
        ({"ring_seconds": 3}, {}, "call_routing.ring_seconds"),
        ({"text_from": "me"}, {}, "call_routing.text_from"),
        ({"alert_emails": ("x",)}, {}, "call_routing.alert_emails[0]"),
        ({}, {"start": 2000}, "quiet_hours"),
        ({}, {"weekdays": (7,)}, "quiet_hours.weekdays"),
        ({}, {"weekdays": tuple(range(7))}, "quiet_hours"),
        ({}, {"region": "Mars"}, "quiet_hours.region"),
    ],
)
def test_a_telephone_that_makes_no_sense_is_not_saved(
    routing: dict[str, Any], quiet: dict[str, Any], path: str
) -> None:
    made = demo_practice(COMPANY)
    branch = replace(made.branches[0], call_routing=CallRouting(**routing), quiet_hours=QuietHours(**quiet))
    with pytest.raises(Invalid) as refused:
        save_practice(lambda: Unit(COMPANY), [branch], made.services, made.staff)
    assert refused.value.faults[0].path == f"branches.{branch.id}.{path}"
