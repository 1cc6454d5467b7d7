"""DynamoDB requests and capacity units per operation, and where the time of a booking call goes."""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks import system
from benchmarks.counting import Count, counted
from chalicelib.core.clock import now
from chalicelib.vendors import http, retell
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call

CALLER = Caller(system.COMPANY)
WEEKS = 10
CALLS = 200


def signed(body: dict[str, Any]) -> Answer:
    """Post a function call as Retell would."""
    raw = json.dumps(body).encode()
    headers = {"x-retell-signature": retell.sign(raw, system.KEY, now())}
    return call("POST", "/webhooks/retell/function", raw=raw, headers=headers)


def booking_args(number: int) -> dict[str, Any]:
    """A wish nobody else has."""
    return {
        "service": "Consultation",
        "starts_at": system.monday(number).isoformat(),
        "name": "Eve",
        "staff": "Ada Keller",
    }


def costs(practice: Practice) -> list[tuple[str, Count]]:
    """Every operation once, in a process that has met the branch before."""

    def haircut(number: int) -> dict[str, Any]:
        starts_at = system.monday(number * 2, "America/New_York").isoformat()
        return {"branch_id": practice.branches[1].id, "service": "Haircut", "starts_at": starts_at}

    def post(number: int, **fields: Any) -> Callable[[], Answer]:
        body = haircut(number) | {"customer": {"name": "Eve", "phone": "+12125550199"}}
        return lambda: call("POST", "/api/appointments", caller=CALLER, body=body | fields)

    made = post(0)().json
    said = signed(system.agent_call("book_appointment", booking_args(0), "bench-0")).json
    call_id = call("GET", "/api/calls/bench-0", caller=CALLER).json["id"]
    free = {"service": "Consultation", "date": system.monday(0).date().isoformat()}

    weekly = {"frequency": "weekly", "count": WEEKS}

    def by_phone() -> Answer:
        return signed(system.agent_call("book_appointment", booking_args(1), "bench-1"))

    operations: list[tuple[str, Callable[[], Answer]]] = [
        ("POST /api/appointments, anyone, known customer", post(1)),
        ("POST /api/appointments, named staff", post(2, staff="Chloe Park")),
        ("POST /api/appointments, with Idempotency-Key", lambda: call(
            "POST", "/api/appointments", caller=CALLER, headers={"idempotency-key": "k"},
            body=json.loads(json.dumps({
                "branch_id": practice.branches[1].id, "service": "Haircut",
                "starts_at": system.monday(6, "America/New_York").isoformat(), "customer": {"phone": "+12125550199"},
            })),
        )),
        ("POST /public/holds", lambda: call("POST", "/public/holds", body=haircut(7))),
        (f"POST /api/series/check, {WEEKS} weeks", lambda: call(
            "POST", "/api/series/check", caller=CALLER, body=haircut(8) | {"recurrence": weekly},
        )),
        (f"POST /api/series, {WEEKS} weeks", lambda: call(
            "POST", "/api/series", caller=CALLER,
            body=haircut(8) | {"recurrence": weekly, "customer": {"phone": "+12125550198"}},
        )),
        ("GET /api/appointments/{id}", lambda: call("GET", f"/api/appointments/{made['id']}", caller=CALLER)),
        ("GET /api/appointments, first 50", lambda: call("GET", "/api/appointments", caller=CALLER)),
        ("phone booking through Cal.com", by_phone),
        ("phone booking, asked again", by_phone),
        *_of_agent(said["appointment_id"]),
        ("check_availability, one day", lambda: signed(system.agent_call("check_availability", free, "bench-2"))),
        ("GET /api/calls/{id} with appointment, customer", lambda: call("GET", f"/api/calls/{call_id}", caller=CALLER)),
        ("POST /webhooks/calcom", _of_calcom),
    ]  # fmt: skip
    assert said["status"] == "booked", said
    found = []
    for name, operation in operations:
        with counted() as count:
            answer = operation()
        assert answer.status < 300, (name, answer)
        found.append((name, count))
    return found


def _of_calcom() -> Answer:
    """A webhook of Cal.com's. Its client is loaded here alone, so that the rest runs without Cal.com's folders."""
    from chalicelib.vendors.calcom import webhook as calcom_webhook

    event = {"triggerEvent": "BOOKING_CREATED", "createdAt": now().isoformat(), "payload": {"uid": "u", "bookingId": 1}}
    raw = json.dumps(event).encode()
    headers = {"x-cal-signature-256": calcom_webhook.sign(raw, "whsec_bench")}
    return call("POST", "/webhooks/calcom", raw=raw, headers=headers)


def _of_agent(appointment_id: str) -> list[tuple[str, Callable[[], Answer]]]:
    """What a caller does with an appointment of theirs by telephone, in order."""
    return [
        ("list_my_appointments", lambda: signed(system.agent_call("list_my_appointments", {}, "bench-1"))),
        ("take_message", lambda: signed(system.agent_call("take_message", {"message": "Call me."}, "bench-1"))),
        ("reschedule_appointment through Cal.com", lambda: signed(system.agent_call(
            "reschedule_appointment",
            {"appointment_id": appointment_id, "starts_at": system.monday(2).isoformat()}, "bench-1",
        ))),
        ("cancel_appointment through Cal.com", lambda: signed(system.agent_call(
            "cancel_appointment", {"appointment_id": appointment_id}, "bench-1",
        ))),
    ]  # fmt: skip


def booking_times() -> dict[str, float]:
    """p50 and p99 of the phone booking in milliseconds, and the shares of DynamoDB, Cal.com and our own code."""
    whole: list[float] = []
    dynamo: list[float] = []
    vendor: list[float] = []
    began: list[float] = []
    http.before_request.append(lambda *_: began.append(time.perf_counter()))
    http.after_request.append(lambda *_: vendor.append((time.perf_counter() - began.pop()) * 1000))
    for number in range(CALLS + 10):
        body = system.agent_call("book_appointment", booking_args(100 + number), f"time-{number}")
        start = time.perf_counter()
        with counted() as count:
            answer = signed(body)
        if number >= 10:  # the first ones warm up
            whole.append((time.perf_counter() - start) * 1000)
            dynamo.append(count.aws_ms)
        assert answer.json["status"] == "booked", answer
    vendor = vendor[10:]
    ours = [all_ - theirs for all_, theirs in zip(whole, vendor, strict=True)]
    own = [mine - database for mine, database in zip(ours, dynamo, strict=True)]
    return {
        "calls": CALLS,
        "whole p50": statistics.median(whole),
        "whole p99": statistics.quantiles(whole, n=100)[98],
        "without Cal.com p50": statistics.median(ours),
        "without Cal.com p99": statistics.quantiles(ours, n=100)[98],
        "DynamoDB p50": statistics.median(dynamo),
        "own code p50": statistics.median(own),
    }
