"""Calls through the API: what is kept of each, lists by key and filter, notes, tags, and links by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.calls import call_notes, list_store, record_call, store
from chalicelib.calls.tables import CallRow
from chalicelib.calls.transcript import Transcript, Turn, transcript_from
from chalicelib.core import aws as aws_clients
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_people import add_person
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.calls.backlog import COMPANY, recorded, rung
from tests.calls.conftest import booking_request, call_function, signed
from tests.draining import drain

STAFF = Caller(COMPANY)
SAID: list[Any] = [
    {"role": "agent", "content": "Hello", "words": [{"word": "Hello", "start": 0.7, "end": 1.3}]},
    {"role": "user", "content": "Tomorrow?", "words": []},
    {"role": "tool_call_invocation", "tool_call_id": "t1", "name": "check", "arguments": '{"date": "2026-12-01"}'},
    {"role": "tool_call_result", "tool_call_id": "t1", "content": '{"slots": []}', "successful": True},
    {"role": "dtmf", "digit": "1"},
    "no turn",
]  # fmt: skip


def get(**query: Any) -> Any:
    return call("GET", "/api/calls", caller=STAFF, query={name: str(value) for name, value in query.items()}).json


def patch(call_id: str, **body: Any) -> Answer:
    return call("PATCH", f"/api/calls/{call_id}", caller=STAFF, body=body)


def link(call_id: str, customer_id: str) -> Answer:
    return call("PUT", f"/api/calls/{call_id}/link", caller=STAFF, body={"customer_id": customer_id})


def customer() -> str:
    unit = Unit(COMPANY)
    added = add_person(unit, Contact(name="Eve", phone="+4915100000077"), "api", now())
    unit.commit()
    return added.id


def test_everything_retell_tells_is_kept(practice: Practice) -> None:
    body = {
        "call_id": "retell-9", "to_number": "+493055501000", "direction": "inbound", "call_status": "ended",
        "start_timestamp": 1795171633490, "disconnection_reason": "user_hangup", "recording_url": "https://r.invalid/9.wav",
        "call_cost": {"combined_cost": 70.5}, "transcript": "Agent: Hello\nUser: Tomorrow?",
        "transcript_with_tool_calls": SAID,
        "latency": {"e2e": {"p50": 800, "p99": 1200.5, "values": [800, 1200], "num": 2}, "llm": "odd"},
        "call_analysis": {"call_summary": "Asked.", "user_sentiment": "Neutral", "custom_analysis_data": {"mood": 1}},
    }  # fmt: skip
    assert signed("/webhooks/retell", {"event": "call_analyzed", "call": body}).status == 204
    drain()
    shown = call("GET", "/api/calls/retell-9", caller=STAFF).json
    assert {
        name: shown[name] for name in ("direction", "disconnection_reason", "cost", "sentiment", "recording_url")
    } == {
        "direction": "inbound",
        "disconnection_reason": "user_hangup",
        "cost": 70.5,
        "sentiment": "Neutral",
        "recording_url": "https://r.invalid/9.wav",
    }
    assert shown["latency"] == {"e2e": {"p50": 800.0, "p99": 1200.5}}
    assert shown["turns"][0] == {"role": "agent", "content": "Hello", "at_seconds": 0.7}
    assert shown["turns"][2]["arguments"] == {"date": "2026-12-01"}
    assert shown["turns"][3]["successful"]
    assert [turn["role"] for turn in shown["turns"]][4:] == ["dtmf"]
    assert shown["booking_details"] == {}
    row = CallRow.get(f"{COMPANY}#{shown['id']}", "transcript")
    assert b"Tomorrow" not in row.packed


def test_a_transcript_without_text_is_its_turns() -> None:
    assert transcript_from(None, SAID[:2]) == Transcript(
        text="Agent: Hello\nUser: Tomorrow?",
        turns=(Turn(role="agent", content="Hello", at_seconds=0.7), Turn(role="user", content="Tomorrow?")),
    )
    assert transcript_from("", []) is None


def test_a_transcript_that_does_not_fit_is_cut(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LARGEST_TRANSCRIPT", 600)
    said = [{"role": "user", "content": f"{number * 7919 % 104729:06}"} for number in range(400)]
    call_id = record_call.record(rung(1, {}, transcript="x", transcript_with_tool_calls=said), Unit)
    shown = call("GET", f"/api/calls/{call_id}", caller=STAFF).json
    assert shown["transcript_cut"]
    assert 0 < len(shown["turns"]) < 400


def test_lists_by_key_and_filter(practice: Practice) -> None:
    one = recorded(1, {}, direction="outbound", from_number="+493055501000", to_number="+4915112345678")
    two = recorded(2, {"calcom_uid": "u"}, call_status="error")
    three = recorded(3, {}, to_number="+12125550100")
    whose = customer()
    assert link(one.id, whose).status == 200
    assert patch(two.id, notes_version=0, tags=["Call  Back"]).status == 200

    def ids(**query: Any) -> list[str]:
        return [found["id"] for found in get(**query)["data"]]

    assert ids() == [three.id, two.id, one.id]
    assert ids(direction="outbound") == ids(customer_id=whose) == [one.id]
    assert ids(status="error") == ids(tag="call back") == [two.id]
    assert ids(branch_id=practice.branches[1].id) == [three.id]
    assert ids(sentiment="Positive") == [three.id, two.id, one.id]
    assert ids(has_appointment="true") == []
    assert ids(has_appointment="false", status="ended") == [three.id, one.id]
    assert ids(started_from=two.created_at.isoformat(), started_until=three.created_at.isoformat()) == [two.id]
    assert ids(customer_id=whose, started_from=two.created_at.isoformat()) == []
    backwards = {"started_from": "2026-12-02T00:00:00Z", "started_until": "2026-12-01T00:00:00Z"}
    assert get(**backwards)["errors"][0]["path"] == "query.started_until"


def test_pages_of_a_filtered_list_read_only_so_much(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.core import pages

    monkeypatch.setattr(pages, "READ_AT_ONCE", 3)
    monkeypatch.setattr(list_store, "MOST_READ", 3)
    directions = ["outbound" if number in (1, 6) else "inbound" for number in range(1, 10)]
    expected = [
        recorded(number, {}, direction=direction, from_number="+493055501000").id
        for number, direction in enumerate(directions, 1)
    ]
    names: list[str] = []
    aws_clients.call_hooks.append(lambda when, name: names.append(name) if when == "before" else None)
    try:
        page, found, rounds = get(direction="outbound", limit=2), [], 1
        while page["next_cursor"]:
            found += page["data"]
            page, rounds = get(direction="outbound", limit=2, cursor=page["next_cursor"]), rounds + 1
    finally:
        aws_clients.call_hooks.clear()
    assert [one["id"] for one in found + page["data"]] == [expected[5], expected[0]]
    assert len(names) == rounds  # one request a page, whatever the filter leaves out


def test_notes_and_tags_are_versioned(practice: Practice) -> None:
    made = recorded(1, {})
    first = patch(made.id, notes_version=0, notes="Wants a morning.", tags=["VIP", "vip", " Call back "])
    assert (first.status, first.json["notes"], first.json["tags"]) == (200, "Wants a morning.", ["vip", "call back"])
    late = patch(made.id, notes_version=0, notes="Something else")
    assert (late.status, late.json["code"]) == (409, "stale")
    second = patch("retell-1", notes_version=1, tags=[])
    assert (second.json["notes"], second.json["tags"], second.json["notes_version"]) == ("Wants a morning.", [], 2)
    assert get(tag="vip")["data"] == []
    recorded(1, {}, duration_ms=9)  # Retell's news leaves them alone
    assert call("GET", f"/api/calls/{made.id}", caller=STAFF).json["notes"] == "Wants a morning."
    for body, path in (({"notes_version": 2, "tags": [""]}, "body.tags[0]"), ({"notes": "x"}, "body.notes_version")):
        assert patch(made.id, **body).json["errors"][0]["path"] == path
    assert patch("nobody", notes_version=0).status == 404


def test_too_many_tags_are_refused() -> None:
    from chalicelib.core.errors import Invalid

    with pytest.raises(Invalid):
        call_notes.clean_tags([str(number) for number in range(21)], "body.tags")


def test_a_call_is_linked_and_unlinked_by_hand(practice: Practice) -> None:
    made, whose = recorded(1, {}), customer()
    assert link(made.id, "cus_none").json["code"] == "customer_not_found"
    assert link("none", whose).json["code"] == "call_not_found"
    assert link(made.id, whose).json["customer_id"] == whose
    assert link("retell-1", whose).status == 200
    assert call("GET", f"/api/calls/{made.id}", caller=STAFF).json["customer"]["name"] == "Eve"
    gone = call("DELETE", f"/api/calls/{made.id}/link", caller=STAFF)
    assert gone.status == 204
    assert call("GET", f"/api/calls/{made.id}", caller=STAFF).json["customer"] is None
    assert get(customer_id=whose)["data"] == []


def test_a_call_that_led_to_an_appointment_stays_its_customers(practice: Practice) -> None:
    assert call_function("book_appointment", booking_request()).json["status"] == "booked"
    refused = link("retell-1", customer())
    assert (refused.status, refused.json["code"]) == (409, "call_has_appointment")
    assert get(has_appointment="true")["data"][0]["retell_call_id"] == "retell-1"


def test_a_number_of_an_older_system_leads_to_the_call(practice: Practice) -> None:
    made, other = recorded(1, {}), recorded(2, {})
    call_notes.give_number(Unit(COMPANY), made.id, "559")
    shown = call("GET", "/api/calls/559", caller=STAFF).json
    assert (shown["id"], shown["legacy_id"]) == (made.id, "559")
    assert call("GET", "/api/calls/559", caller=Caller("com_other")).status == 404
    from chalicelib.core.errors import Conflict

    with pytest.raises(Conflict):
        call_notes.give_number(Unit(COMPANY), other.id, "559")


def test_a_booking_in_the_analysis_never_covers_our_own(practice: Practice) -> None:
    said = call_function("book_appointment", booking_request()).json
    recorded(1, {"calcom_uid": "other", "calcom_booking_id": 9})
    found = store.get_call(COMPANY, "retell-1")
    assert found.link.appointment_id == said["appointment_id"]
    assert "calcom_uid" not in found.link.booking_details
    assert list_store.count_backlog(COMPANY) == 0


def test_a_list_between_two_dates_costs_the_same_whatever_came_before(practice: Practice) -> None:
    def cost() -> int:
        names: list[str] = []
        aws_clients.call_hooks.append(lambda when, name: names.append(name) if when == "before" else None)
        try:
            get(started_from=(datetime.now().astimezone() - timedelta(minutes=5)).isoformat(), status="ended")
        finally:
            aws_clients.call_hooks.clear()
        return len(names)

    before = cost()
    for number in range(20):
        recorded(number, {})
    assert cost() == before == 1
