"""The simulated Retell account and the calls it plays to our API."""

import json
from dataclasses import replace
from typing import Any

import pytest
import requests

from chalicelib.core.clock import now
from chalicelib.vendors.retell.webhook import (
    delivery_id,
    parse_call_event,
    parse_function_call,
    parse_inbound_call,
    verify_signature,
)
from infra.local.simulators.exchange import Reply, Request
from infra.local.simulators.listener import Listener
from infra.local.simulators.retell.agent import Addresses, RetellAgent, Say, Step, Use, play
from infra.local.simulators.retell.simulator import RetellSimulator

from .conftest import Subscriber

KEY = {"Authorization": "Bearer key_x"}
NUMBERS = {"from_number": "+12137771234", "to_number": "+12137771235"}
SCRIPT: list[Step] = [
    Say("agent", "Hello"),
    Say("user", "Tomorrow, please"),
    Use("check_availability", {"service": "visit"}),
    Use("book_appointment", {"starts_at": "$0.slots.1", "missing": "$0.slots.9.x", "price": "$5"}),
]


def call_simulator(simulator: RetellSimulator, method: str, path: str, status: int = 200, **more: Any) -> Any:
    reply = requests.request(method, simulator.url + path, timeout=2, headers=KEY, **more)
    assert reply.status_code == status, reply.text
    return reply.json()


@pytest.fixture
def listening(retell_sim: RetellSimulator, subscriber: Subscriber) -> Subscriber:
    """Our API, as far as the simulator is concerned."""
    subscriber.reply = Reply(200, {"slots": ["09:00", "10:00"]})
    retell_sim.addresses = Addresses(subscriber.url, subscriber.url + "/{name}")
    return subscriber


def test_a_conversation_is_signed_and_uses_what_it_was_told(retell_sim: RetellSimulator, listening: Subscriber) -> None:
    conversation = play(
        retell_sim.agent(direction="inbound"), [*SCRIPT[:3], Use("book_appointment", {"a": "$0.slots.1"})]
    )
    started, check, book, ended, analyzed = listening.wait_for(5)
    for request in (started, check, book, ended, analyzed):
        verify_signature(request.body, request.headers.get("x-retell-signature"), ["key_x"], now())
    assert [parse_call_event(one.body).event for one in (started, ended, analyzed)] == [
        "call_started",
        "call_ended",
        "call_analyzed",
    ]
    call = parse_function_call(book.body)
    assert (call.name, call.args, book.path) == ("book_appointment", {"a": "10:00"}, "/hook/book_appointment")
    assert call.call.call_status == "ongoing"
    last = parse_call_event(analyzed.body).call
    assert (last.call_id, last.call_status) == (conversation.call_id, "ended")
    assert last.transcript == "Agent: Hello\nUser: Tomorrow, please"
    assert last.call_analysis is not None
    assert last.call_analysis.call_successful is True
    assert all(one.ok for one in [*conversation.functions, *conversation.webhooks.values()])


def test_a_look_up_without_result_is_null() -> None:
    with_prices = Use("f", {"deep": ["$0.slots.9.x", "$0.nothing"], "plain": "$ 5"})
    received: list[Any] = []

    def take(request: Request) -> Reply:
        received.append(json.loads(request.body))
        return Reply(200, {"slots": []})

    listener = Listener(take, "127.0.0.1", 0)
    play(RetellAgent("k", Addresses(listener.url, listener.url)), [Use("a"), with_prices])
    listener.close()
    assert received[2]["args"] == {"deep": [None, None], "plain": "$ 5"}


def test_a_ringing_telephone_asks_for_variables_and_speaks_with_them(
    retell_sim: RetellSimulator, listening: Subscriber
) -> None:
    retell_sim.addresses = replace(retell_sim.addresses, inbound=listening.url + "/inbound")
    context = {"dynamic_variables": {"customer_name": "Ada"}, "override_agent_id": "agent_7", "metadata": {"k": "v"}}
    listening.reply = Reply(200, {"call_inbound": context})
    conversation = play(retell_sim.agent(), [Say("agent", "Hello {{customer_name}}, {{unknown}}")])
    opening_line, started, *_ = listening.wait_for(4)
    verify_signature(opening_line.body, opening_line.headers.get("x-retell-signature"), ["key_x"], now())
    assert opening_line.path == "/hook/inbound"
    call = parse_inbound_call(opening_line.body)
    assert (call.from_number, call.to_number) == (NUMBERS["from_number"], NUMBERS["to_number"])
    assert parse_call_event(started.body).call.retell_llm_dynamic_variables == {"customer_name": "Ada"}
    assert conversation.inbound is not None
    assert conversation.inbound.ok
    ended_call = call_simulator(retell_sim, "GET", f"/v2/get-call/{conversation.call_id}")
    assert (ended_call["transcript"], ended_call["agent_id"]) == ("Agent: Hello Ada, {{unknown}}", "agent_7")


def test_variables_are_texts(retell_sim: RetellSimulator, listening: Subscriber) -> None:
    retell_sim.addresses = replace(retell_sim.addresses, inbound=listening.url)
    listening.reply = Reply(200, {"call_inbound": {"dynamic_variables": {"open_now": True}}})
    with pytest.raises(ValueError, match="open_now"):
        retell_sim.agent().ring()


def test_calls_that_go_out_or_that_nobody_asks_about_do_not_ring(
    retell_sim: RetellSimulator, listening: Subscriber
) -> None:
    assert retell_sim.agent().ring() is None
    retell_sim.addresses = replace(retell_sim.addresses, inbound=listening.url)
    assert retell_sim.agent(direction="outbound").ring() is None
    assert listening.received == []


def test_a_telephone_that_is_refused_an_answer_rings_four_times_and_goes_on(
    retell_sim: RetellSimulator, listening: Subscriber
) -> None:
    retell_sim.addresses = replace(retell_sim.addresses, inbound=listening.url)
    listening.reply = Reply(500, b"oops")
    url = listening.url
    agent = RetellAgent("key_x", Addresses(url, url, url), retell_sim.calls, retry_pause_seconds=0)
    answer = agent.ring()
    assert answer is not None
    assert answer.status == 500
    assert len(listening.wait_for(4)) == 4
    assert agent.call["retell_llm_dynamic_variables"] == {}


def test_the_call_is_then_known_to_the_api(retell_sim: RetellSimulator, listening: Subscriber) -> None:
    conversation = play(retell_sim.agent(), SCRIPT[:2])
    call = call_simulator(retell_sim, "GET", f"/v2/get-call/{conversation.call_id}")
    assert (call["call_status"], call["disconnection_reason"]) == ("ended", "user_hangup")
    assert call_simulator(retell_sim, "GET", "/v2/get-call/nobody", 404) == {
        "status": "error",
        "message": "Item not found",
    }


def test_webhooks_are_tried_four_times_functions_once(retell_sim: RetellSimulator, listening: Subscriber) -> None:
    listening.reply = Reply(500, b"oops")
    agent = RetellAgent("key_x", Addresses(listening.url, listening.url), retell_sim.calls, retry_pause_seconds=0)
    answer = agent.begin()
    assert (answer.status, answer.body, answer.ok) == (500, "oops", False)
    assert len({delivery_id(parse_call_event(one.body)) for one in listening.wait_for(4)}) == 1
    agent.use("f", {})
    assert len(listening.received) == 5


def test_nobody_there_is_an_answer_too() -> None:
    agent = RetellAgent("k", Addresses("http://127.0.0.1:1", "http://127.0.0.1:1"))
    assert agent.use("f", {}).status is None


def test_a_call_that_was_never_connected_ends_all_the_same(retell_sim: RetellSimulator, listening: Subscriber) -> None:
    retell_sim.agent().end("dial_no_answer")
    call = parse_call_event(listening.wait_for(1)[0].body).call
    assert (call.call_status, call.disconnection_reason, call.duration_ms) == ("not_connected", "dial_no_answer", 0)


def test_a_call_is_played_on_order(retell_sim: RetellSimulator, listening: Subscriber) -> None:
    script = [{"say": "Hello", "role": "agent"}, {"use": "check_availability", "args": {"service": "visit"}}]
    body = {"script": script, "call": {"agent_id": "agent_7"}}
    played = call_simulator(retell_sim, "POST", "/_sim/play", json=body)["data"]
    assert played["functions"][0]["body"] == {"slots": ["09:00", "10:00"]}
    assert call_simulator(retell_sim, "GET", "/_sim/calls")["data"][0]["agent_id"] == "agent_7"
    call_simulator(retell_sim, "POST", "/_sim/play", 400, json={"script": [{"dance": 1}]})


def test_an_outbound_call_is_created_once_per_idempotency_key(retell_sim: RetellSimulator) -> None:
    body = {**NUMBERS, "idempotency_key": "apt_1"}
    first = call_simulator(retell_sim, "POST", "/v2/create-phone-call", 201, json=body)
    assert first["call_status"] == "registered"
    assert call_simulator(retell_sim, "POST", "/v2/create-phone-call", 201, json=body)["call_id"] == first["call_id"]
    assert call_simulator(retell_sim, "POST", "/v2/create-phone-call", 201, json=NUMBERS)["call_id"] != first["call_id"]
    call_simulator(retell_sim, "POST", "/v2/create-phone-call", 400, json={**NUMBERS, "colour": "red"})
    call_simulator(retell_sim, "POST", "/v2/create-phone-call", 400, json={"to_number": "555"})


def test_calls_are_listed_in_both_versions(retell_sim: RetellSimulator) -> None:
    made = [retell_sim.calls.register(start_timestamp=i, call_status="ended")["call_id"] for i in (1, 2, 3)]
    first = call_simulator(retell_sim, "POST", "/v3/list-calls", json={"limit": 2, "include_total": True})
    assert [one["call_id"] for one in first["items"]] == [made[2], made[1]]
    assert (first["has_more"], first["total"]) == (True, 3)
    rest = call_simulator(
        retell_sim, "POST", "/v3/list-calls", json={"limit": 2, "pagination_key": first["pagination_key"]}
    )
    assert ([one["call_id"] for one in rest["items"]], rest["has_more"]) == ([made[0]], False)
    typed = {"call_status": {"type": "enum", "op": "in", "value": ["ongoing"]}}
    assert call_simulator(retell_sim, "POST", "/v3/list-calls", json={"filter_criteria": typed})["items"] == []
    plain = {"call_status": ["ended"], "start_timestamp": {"lower_threshold": 2}}
    body = {"filter_criteria": plain, "sort_order": "ascending"}
    assert [one["call_id"] for one in call_simulator(retell_sim, "POST", "/v2/list-calls", json=body)] == made[1:]
    call_simulator(retell_sim, "POST", "/v3/list-calls", 422, json={"limit": 0})


def test_a_wrong_key_is_refused(retell_sim: RetellSimulator) -> None:
    reply = requests.get(f"{retell_sim.url}/v2/get-call/x", headers={"Authorization": "Bearer other"}, timeout=2)
    assert (reply.status_code, reply.json()) == (401, {"status": "error", "message": "Invalid API Key"})
