"""Cold start of every function: a fresh process on the built package answers one request; ratio to a bare handler."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import system
from chalicelib.core.clock import now
from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import Endpoint
from chalicelib.vendors import calcom_webhook, retell
from infra.local.demo_practice import Practice

ROUNDS = 5
MOST = 1.5
JOBS: dict[str, tuple[str, dict[str, str]]] = {
    "sync": ("booking.ReconcileBooking", {"company_id": system.COMPANY, "appointment_id": "apt_none"}),
    "qa_automation": ("calls.CheckChains", {"company_id": system.COMPANY, "run": "2026-11-23"}),
    "default": ("calls.RecordCall", {"company_id": "platform", "delivery_id": "none"}),
    "workflows": ("analytics.CountAppointment", {"company_id": system.COMPANY, "appointment_id": "apt_none"}),
    "notifications": ("identity.SendPasswordReset", {"company_id": system.COMPANY, "user_id": "usr_none"}),
}
"""A job for each queue that has some; the other queues are sent one that nobody knows, which they put aside."""
BARE = """
from botocore.session import Session
client = Session().create_client("dynamodb")
def handler(event, context):
    return client.get_item(TableName="pilot-bench-booking", Key={"pk": {"S": "x"}, "sk": {"S": "y"}}).get("Item")
"""
RUN = """
import json, sys
sys.path[:] = [path for path in sys.path if "site-packages" not in path]
sys.path.insert(0, sys.argv[1])
from importlib import import_module
module, name = sys.argv[2].rsplit(".", 1)
event = json.loads(sys.stdin.read())
answer = getattr(import_module(module), name)(event, None)
print(json.dumps(answer)[:300], file=sys.stderr)
"""


@dataclass(frozen=True)
class Start:
    """One function's cold start: median in milliseconds, and as a multiple of the bare handler's."""

    name: str
    ms: float
    ratio: float
    said: str


def measure(package: Path, practice: Practice) -> list[Start]:
    """Every function in `deployment.zip`; rounds are interleaved, so that all share the machine's mood."""
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(package).extractall(folder)
        (Path(folder) / "bare.py").write_text(BARE)
        subprocess.run(
            [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", f"{folder}/bare.py"],
            check=True,
        )
        endpoints = all_endpoints()
        agent = next(endpoint for endpoint in endpoints if endpoint.name == "call_agent_function")
        times: dict[str, list[float]] = {}
        said: dict[str, str] = {}
        for number in range(ROUNDS):
            handlers = [
                ("bare", "bare.handler", {}),
                *((d.name, d.handler, _event(d, practice, number)) for d in endpoints),
                (
                    f"{agent.name}, number dictated",
                    agent.handler,
                    _request(agent, practice, 50 + number, dictated=True),
                ),
            ]
            for name, handler, event in handlers:
                took, said[name] = _once(folder, handler, event)
                times.setdefault(name, []).append(took)
    bare = statistics.median(times["bare"])
    return [
        Start(name, statistics.median(all_), statistics.median(all_) / bare, said[name]) for name, all_ in times.items()
    ]


def _once(folder: str, handler: str, event: dict[str, Any]) -> tuple[float, str]:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-s", "-E", "-c", RUN, folder, handler],
        input=json.dumps(event), capture_output=True, text=True, env=os.environ, check=False,
    )  # fmt: skip
    took = (time.perf_counter() - started) * 1000
    if done.returncode:
        raise RuntimeError(f"{handler} failed:\n{done.stderr[-2000:]}")
    return took, done.stderr.strip().splitlines()[-1]


def _event(endpoint: Endpoint, practice: Practice, number: int) -> dict[str, Any]:
    if endpoint.kind == "route":
        return _request(endpoint, practice, number)
    if endpoint.kind == "queue":
        attributes = {"ApproximateReceiveCount": "1"}
        name, payload = JOBS.get(endpoint.queue, ("none.Nothing", {}))
        job = {"job": name, "id": "j", "company_id": system.COMPANY, "correlation_id": "c", "payload": payload}
        record = {"messageId": "m", "receiptHandle": "r", "body": json.dumps(job), "attributes": attributes,
                  "messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": "a:b:c:d:e:f"}  # fmt: skip
        return {"Records": [record]}
    if endpoint.kind == "authorizer":
        return {
            "type": "TOKEN",
            "authorizationToken": f"Bearer {os.environ['BENCH_TOKEN']}",
            "methodArn": "arn:aws:execute-api:r:a:i/s/GET/x",
        }
    if endpoint.kind == "stream":
        return {"Records": []}
    return {"id": "i", "detail-type": "Scheduled Event", "source": "aws.events", "account": "a", "time": "t",
            "region": "r", "resources": [], "detail": {}, "version": "0"}  # fmt: skip


def _request(endpoint: Endpoint, practice: Practice, number: int, *, dictated: bool = False) -> dict[str, Any]:
    route = endpoint.routes[0]
    body = dict(route.example) if route.example else None
    if endpoint.name == "log_in":
        body = {"email": "bench@example.com", "password": "correct horse battery"}
    if endpoint.name == "invite_user":
        body = {"email": f"noor-{time.time_ns()}@example.com", "name": "Noor", "role": "practitioner"}
    headers = {"content-type": "application/json"}
    raw = ""
    if endpoint.name == "book_appointment":
        start = system.monday(400 + 2 * number, "America/New_York").isoformat()
        body = {"branch_id": practice.branches[1].id, "service": "Haircut", "starts_at": start,
                "customer": {"phone": "+12125550199"}}  # fmt: skip
    if endpoint.name == "call_agent_function":
        args = {"service": "Consultation", "starts_at": system.monday(400 + number).isoformat(), "name": "Eve",
                "staff": "Ben Okafor"} | ({"phone": "030 55512345"} if dictated else {})  # fmt: skip
        raw = json.dumps(system.agent_call("book_appointment", args, f"cold-{number}-{time.time_ns()}"))
        headers["x-retell-signature"] = retell.sign(raw.encode(), system.KEY, now())
    if endpoint.name == "receive_retell":
        raw = json.dumps({"event": "call_started", "call": {"call_id": f"cold-{time.time_ns()}"}})
        headers["x-retell-signature"] = retell.sign(raw.encode(), system.KEY, now())
    if endpoint.name == "receive_calcom":
        raw = json.dumps({"triggerEvent": "BOOKING_CREATED", "createdAt": now().isoformat(), "payload": {"uid": "u"}})
        headers["x-cal-signature-256"] = calcom_webhook.sign(raw.encode(), "whsec_bench")
    raw = raw or (json.dumps(body) if body is not None else "")
    return {
        "requestContext": {
            "httpMethod": route.method, "resourcePath": route.path, "path": route.path, "requestId": "bench",
            "identity": {"sourceIp": "203.0.113.7"},
            "authorizer": _context() if route.ability else {},
        },
        "headers": headers,
        "pathParameters": dict.fromkeys(route.path_names(), "none") or None,
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": raw or None,
        "isBase64Encoded": False,
    }  # fmt: skip


def _context() -> dict[str, str]:
    return {"company_id": system.COMPANY, "user_id": os.environ["BENCH_USER"], "token_id": "t", "abilities": "*"}
