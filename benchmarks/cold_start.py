"""Cold start of every function: a fresh process on the built package answers one request; ratio to a bare handler.

`python -m benchmarks.cold_start NAME …` measures some of them, on the package that the last `make bench` made.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import system
from chalicelib.core.clock import epoch, now
from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import Endpoint
from chalicelib.vendors import retell
from infra.local.demo_practice import Practice

PACKAGE = Path("out/dev/deployment.zip")
ROUNDS = 5
MOST = 1.5
BARE_NAME, BARE_HANDLER = "bare", "bare.handler"
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
    """One function's cold start in milliseconds of CPU, its own and the kernel's, and as a multiple of the bare one."""

    name: str
    ms: float
    ratio: float
    said: str


Once = Callable[[str, dict[str, Any]], tuple[float, str]]
"""Starts a handler with an event; gives milliseconds, and the last that it said."""


def measure(package: Path, practice: Practice, only: Collection[str] = ()) -> list[Start]:
    """Every function in `deployment.zip`, or those named."""
    endpoints = all_endpoints()
    agent = next(endpoint for endpoint in endpoints if endpoint.name == "call_agent_function")
    events: dict[str, tuple[str, Callable[[int], dict[str, Any]]]] = {
        endpoint.name: (endpoint.handler, partial(_event, endpoint, practice)) for endpoint in endpoints
    }
    events[f"{agent.name}, number dictated"] = (
        agent.handler, lambda number: _request(agent, practice, 50 + number, dictated=True)
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(package).extractall(folder)
        (Path(folder) / "bare.py").write_text(BARE)
        subprocess.run(
            [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", f"{folder}/bare.py"],
            check=True,
        )
        once = partial(_once, folder)
        return [
            in_turn(name, handler, event, once)
            for name, (handler, event) in {BARE_NAME: (BARE_HANDLER, _nothing), **events}.items()
            if not only or name.split(",")[0] in only
        ]


def in_turn(name: str, handler: str, event: Callable[[int], dict[str, Any]], once: Once) -> Start:
    """The bare handler and this one by turns, and the least of each: what else the machine does only ever adds."""
    mine, bare, said = [], [], ""
    for number in range(ROUNDS):
        bare.append(once(BARE_HANDLER, {})[0])
        took, said = once(handler, event(number))
        mine.append(took)
    return Start(name, min(mine), min(mine) / min(bare), said)


def _once(folder: str, handler: str, event: dict[str, Any]) -> tuple[float, str]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-s", "-E", "-c", RUN, folder, handler],
        input=json.dumps(event), capture_output=True, text=True, env=os.environ, check=False,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{handler} failed:\n{done.stderr[-2000:]}")
    seconds = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return seconds * 1000, done.stderr.strip().splitlines()[-1]


def _nothing(number: int) -> dict[str, Any]:
    return {}


def _event(endpoint: Endpoint, practice: Practice, number: int) -> dict[str, Any]:
    if endpoint.kind == "route":
        return _request(endpoint, practice, number)
    if endpoint.kind == "queue":
        attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": str(epoch(now()) * 1000)}
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
        from chalicelib.vendors.calcom import webhook as calcom_webhook

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


def main(only: list[str]) -> None:
    """Print the cold starts of the functions named."""
    with system.running() as practice:
        for start in measure(PACKAGE, practice, only):
            print(f"{start.name:<40} {start.ms:6.0f} ms {start.ratio:5.2f}  {start.said[:80]}")


if __name__ == "__main__":
    main(sys.argv[1:])
