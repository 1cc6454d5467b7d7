"""The very package, deployed: the API, consumers, a schedule and the relay as Lambdas, under their policies."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import requests
from rich.console import Console

from chalicelib.booking.allocation import context as branch_context
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core import aws as aws_clients
from chalicelib.core import failed_jobs, secrets
from chalicelib.core.clock import now, stamp
from chalicelib.core.rows import OutboxRow
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from chalicelib.identity.create_company import NewCompany, Person, create_company
from infra.functions import POLICY_NAME
from infra.local import ministack
from infra.local.demo_booking import DemoBooking
from infra.local.demo_practice import BERLIN_PHONE, demo_practice
from infra.local.ministack import Variant
from infra.local.simulators.fattureincloud.simulator import FattureInCloudSimulator
from infra.local.simulators.retell.agent import Addresses, RetellAgent
from tests.accounts import LAUNCHER
from tests.packaging.conftest import Packaged
from tests.packaging.deployed import (
    ADMIN,
    PASSWORD,
    PATIENCE_SECONDS,
    PREFIX,
    REGION,
    Deployed,
    bring_up,
    until,
)

pytestmark = [pytest.mark.slow, pytest.mark.check]
COMPANY = "com_deployed"
RETELL_KEY = "key_deployed"
SCHEDULE_SECONDS = 150.0
"""The emulator looks at its rules every ten seconds, and begins after a minute."""


@pytest.fixture(scope="module")
def house(dev: Packaged, fic_server: FattureInCloudSimulator) -> Iterator[Deployed]:
    """The stage dev, with a company, its admin and its practice."""
    running = ministack.start(variant=Variant(auth=True, launcher=LAUNCHER))
    with pytest.MonkeyPatch.context() as patch:
        try:
            deployed = bring_up(running.url, dev.out, patch, FicBaseUrl=fic_server.url)
            for name, value in _environment(running.url).items():
                patch.setenv(name, value)
            _forget()
            _seed(deployed)
            yield deployed
        finally:
            running.stop()
    _forget()


def _environment(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_ACCOUNT_ID": "000000000000",
        "PILOT_STAGE": "dev",
        "PILOT_PREFIX": PREFIX,
        "PILOT_LOG_LEVEL": "WARNING",
    }


def _forget() -> None:
    settings.cache_clear()
    aws_clients.forget_clients()
    secrets._kept.clear()
    branch_context.forget()


def _seed(deployed: Deployed) -> None:
    deployed.client("ssm").put_parameter(Name=f"/{PREFIX}/retell_api_key", Value=RETELL_KEY, Type="SecureString")
    deployed.client("sesv2").create_email_identity(EmailIdentity="pilotpractice.example")
    create_company(NewCompany("Deployed", id=COMPANY), Person("Ada", ADMIN, PASSWORD), now)
    made = demo_practice(COMPANY, calcom=False)
    save_practice(lambda: Unit(COMPANY), made.branches, made.services, made.staff)
    answer = deployed.call("POST", "/auth/login", token="", json={"email": ADMIN, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    deployed.token = answer.json()["token"]


@pytest.fixture(scope="module")
def stale(house: Deployed) -> OutboxRow:
    """An event that waits since five minutes, of which the stream never told: only the sweep can find it."""
    row = OutboxRow(
        pk=f"{COMPANY}#evt_stale",
        sk="event",
        company_id=COMPANY,
        event_id="evt_stale",
        type="identity.UserJoined",
        actor="system",
        correlation_id="cor_stale",
        occurred_at=stamp(now() - timedelta(minutes=5)),
        data=json.dumps({"user_id": "usr_1"}),
    )
    row.save()
    # An INSERT without `pending` is not for the relay, and a MODIFY does not wake it.
    row.update([OutboxRow.pending.set("pending#0")])
    return row


@pytest.fixture(scope="module")
def agent(house: Deployed) -> RetellAgent:
    """Somebody who calls the Berlin branch."""
    hook = f"{house.url}/webhooks/retell"
    addresses = Addresses(hook, f"{hook}/function", f"{hook}/inbound")
    return RetellAgent(RETELL_KEY, addresses, timeout_seconds=60, from_number="+4915112345678", to_number=BERLIN_PHONE)


def test_the_token_of_a_login_opens_the_api(house: Deployed, stale: OutboxRow) -> None:
    me = house.call("GET", "/auth/me")
    assert (me.status_code, me.json()["email"]) == (200, ADMIN)
    assert me.headers["X-Request-Id"]
    wrong = house.call("POST", "/auth/login", token="", json={"email": ADMIN, "password": "not this one"})
    assert (wrong.status_code, wrong.headers["Content-Type"]) == (401, "application/problem+json")


@pytest.mark.parametrize(
    ("path", "token", "status"), [("/auth/me", "", 401), ("/auth/me", "pt_no", 401), ("/no", "", 404)]
)
def test_the_gateways_own_answers_are_problems(house: Deployed, path: str, token: str, status: int) -> None:
    answer = house.call("GET", path, token=token)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert answer.json()["status"] == status


def test_a_browser_may_ask(house: Deployed) -> None:
    headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    answer = house.call("OPTIONS", "/auth/me", token="", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


def test_the_document_is_served(house: Deployed) -> None:
    assert house.call("GET", "/openapi.json", token="").json()["openapi"].startswith("3.1")


def test_the_apis_answer_the_distribution_alone(house: Deployed) -> None:
    # Asked directly, as the emulator keeps /health of any name for itself.
    health = f"{house.api_url('front')}/health"
    for headers in ({}, {"x-api-key": "of-somebodys-own-making"}):
        refused = requests.get(health, headers=headers, timeout=PATIENCE_SECONDS)
        assert (refused.status_code, refused.json()["code"]) == (403, "access_denied")
    keys = house.origin_keys()
    assert len(set(keys)) == 2
    for key in keys:
        answer = requests.get(health, headers={"x-api-key": key}, timeout=PATIENCE_SECONDS)
        assert answer.json() == {"status": "ok", "stage": "dev"}
    # What a visitor sends under that name does not reach the APIs.
    assert house.call("GET", "/auth/me", headers={"x-api-key": "of-somebodys-own-making"}).status_code == 200


def test_one_address_leads_to_every_api_and_to_the_bucket(house: Deployed, dev: Packaged) -> None:
    one_per_api = {"front": "/auth/me", "a-e": "/api/branches", "f-o": "/api/fic/accounts", "p-t": "/api/staff"}
    paths = {api: set(body["paths"]) for api, body in dev.bodies().items()}
    assert set(one_per_api) == set(paths)
    for api, path in one_per_api.items():
        assert path in paths[api]
        answer = house.call("GET", path)
        assert (answer.status_code, answer.headers["X-Cache"]) == (200, "Miss from cloudfront")
        assert house.call("GET", f"{path}/that/is/none").json()["code"] == "no_such_route"
    bucket = house.outputs["WebBucketName"]
    house.client("s3").put_object(Bucket=bucket, Key="app/index.html", Body=b"<p>hello", ContentType="text/html")
    assert house.call("GET", "/app/index.html", token="").text == "<p>hello"
    assert house.call("GET", "/app/none", token="").status_code == 403
    assert house.call("POST", "/app/index.html").status_code == 403
    direct = requests.get(f"{house.endpoint}/{bucket}/app/index.html", timeout=PATIENCE_SECONDS)
    assert direct.status_code == 403


def test_problems_name_the_path_that_was_asked(house: Deployed) -> None:
    refused = house.call("GET", "/api/staff/none")
    assert (refused.status_code, refused.json()["instance"]) == (404, "/api/staff/none")


def test_a_phone_call_becomes_an_appointment(house: Deployed, agent: RetellAgent) -> None:
    rang = agent.ring()
    assert rang is not None
    assert rang.ok, rang
    assert agent.call["retell_llm_dynamic_variables"]["branch_name"] == "Berlin Mitte"
    assert agent.begin().ok
    free = _free(agent)
    answer = agent.use(
        "book_appointment",
        {"service": "Consultation", "starts_at": free["starts_at"], "staff": free["staff_id"], "name": "Mara Lindner"},
    )
    assert answer.ok, answer
    assert answer.body["status"] == "booked"
    call = house.call("GET", f"/api/calls/{agent.call['call_id']}").json()
    assert call["booking_confirmed"] is True
    assert call["appointment"]["id"] == answer.body["appointment_id"]


def test_the_caller_moves_it_cancels_it_and_leaves_a_message(house: Deployed, agent: RetellAgent) -> None:
    listed = agent.use("list_my_appointments", {})
    assert listed.ok, listed
    (mine,) = listed.body["appointments"]
    facts = {"name": "Mara Lindner", "date": mine["starts_at"][:10]}
    for function, args, status in (
        ("reschedule_appointment", {"starts_at": "at half past three"}, "moved"),
        ("cancel_appointment", facts, "cancelled"),
        ("list_my_appointments", facts, "not_found"),
        ("transfer_to_staff", {}, None),
        ("take_message", {"message": "Please call me back.", "name": "Mara Lindner"}, "taken"),
    ):
        answer = agent.use(function, args)
        assert answer.ok, answer
        assert status in (None, answer.body["status"]), answer
    (message,) = house.call("GET", "/api/call-messages").json()["data"]
    until(lambda: [each for each in house.mails() if "Please call me back." in each], "no mail came")
    done = house.call("PATCH", f"/api/call-messages/{message['id']}", json={"status": "done"})
    assert (done.status_code, done.json()["status"]) == (200, "done")


def test_the_relay_and_a_worker_record_what_a_webhook_told(house: Deployed, agent: RetellAgent) -> None:
    assert agent.end().ok
    call_path = f"/api/calls/{agent.call['call_id']}"
    until(lambda: house.call("GET", call_path).json().get("status") == "ended", "the call has not ended")
    assert "job done" in until(lambda: house.log("queues-work_default"), "the worker has logged nothing")


def test_who_works_is_seen(house: Deployed) -> None:
    def seen() -> dict[str, Any] | None:
        health: dict[str, Any] = house.done("GET", "/api/ops/health")
        (worker,) = [each for each in health["workers"] if each["queue"] == "default"]
        return worker if worker["seen_at"] and health["relay"]["seen_at"] else None

    assert until(seen, "no worker has noted that it worked")["last_job"]
    # A waiting message, so that its age is asked for, too.
    sqs = house.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{PREFIX}-qa_automation")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="not a job", DelaySeconds=900)
    (worker,) = [each for each in house.done("GET", "/api/ops/health")["workers"] if each["queue"] == "qa_automation"]
    assert worker["delayed"] == 1
    assert "heartbeat not written" not in house.log("queues-work_default")


def test_an_invitation_is_mailed(house: Deployed) -> None:
    body = {"email": "noor@example.com", "name": "Noor", "role": "practitioner"}
    answer = house.call("POST", "/auth/invite", json=body, headers={"Idempotency-Key": "invite-noor"})
    assert answer.status_code == 201, answer.text
    (mail,) = until(lambda: [each for each in house.mails() if "noor@example.com" in each], "no mail came")
    assert house.outputs["Url"] in mail


def test_a_contested_time_a_course_and_the_waiting_list(house: Deployed) -> None:
    said = StringIO()
    ready = {"api": house.url, "token": house.token, "aws": house.endpoint, "demo": {"company_id": COMPANY}}
    play = DemoBooking(ready, Console(file=said, width=200))
    play.patience_seconds = play.answer_seconds = PATIENCE_SECONDS
    play.play()
    assert "is theirs" in said.getvalue()


def test_groups_packages_and_busy_times_have_the_rights_they_need(house: Deployed) -> None:
    branch = house.done("GET", "/api/branches")["data"][-1]
    dan = house.done("GET", "/api/staff")["data"][-1]
    staff, kept = f"/api/staff/{dan['id']}", {"duration_min": 30, "policy": {"minimum_notice_min": 0}}
    yoga = house.done("POST", "/api/services", kept | {"name": "Yoga", "seats": 2})
    nap = house.done("POST", "/api/services", kept | {"name": "Nap"})
    parts = [{"service_id": nap["id"]}, {"service_id": nap["id"]}]
    house.done("POST", "/api/services", kept | {"name": "Retreat", "category": "package", "parts": parts})
    settled = {name: value for name, value in dan.items() if name not in ("id", "company_id", "deleted_at")}
    house.done("PUT", staff, settled | {"service_ids": [*dan["service_ids"], yoga["id"], nap["id"]]})
    first = (datetime.now() + timedelta(days=8)).date()
    days = {"from": str(first), "to": str(first + timedelta(days=6)), "branch_id": branch["id"], "staff": dan["id"]}

    def booking_request(service: str, who: str) -> dict[str, Any]:
        found = house.call("GET", "/api/availability", params=days | {"service": service}).json()
        starts_at = found["results"][0]["slots"][0]["starts_at"]
        customer = {"email": f"{who}@example.com"}
        return {"branch_id": branch["id"], "service": service, "starts_at": starts_at, "customer": customer}

    group = house.done("POST", "/api/appointments", booking_request("Yoga", "one"))
    participants = f"/api/appointments/{group['id']}/participants"
    house.done("POST", participants, {"customer": {"email": "two@example.com"}})
    assert len(house.done("GET", participants)["data"]) == 2
    booked = house.done("POST", "/api/appointments", booking_request("Retreat", "one"))
    assert house.done("POST", f"/api/packages/{booked['package']['id']}/cancel", {})["status"] == "cancelled"
    noon, one = (f"{first}T{hour}:00:00Z" for hour in (12, 13))
    busy = {"from": noon, "to": one, "busy": [{"starts_at": noon, "ends_at": one}]}
    assert house.done("PUT", f"{staff}/busy/google", busy)["conflicts"] == []


def test_a_lambda_makes_failed_jobs_of_dead_letters(house: Deployed) -> None:
    sqs = house.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{PREFIX}-sync-dead")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="not a job")
    until(lambda: failed_jobs.of_queue("sync"), "no dead letter became a failed job")


def test_a_need_taken_away_is_refused(house: Deployed) -> None:
    assert house.call("GET", "/auth/me").status_code == 200
    role, iam = house.role_of("identity-show_me"), house.client("iam")
    document = iam.get_role_policy(RoleName=role, PolicyName=POLICY_NAME)["PolicyDocument"]
    less = {**document, "Statement": [each for each in document["Statement"] if each["Sid"] != "ReadTables"]}
    assert len(less["Statement"]) == len(document["Statement"]) - 1
    try:
        iam.put_role_policy(RoleName=role, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(less))
        refused = house.call("GET", "/auth/me")
        assert (refused.status_code, refused.json()["code"]) == (500, "internal_error")
        assert "AccessDeniedException" in until(lambda: _errors(house, "identity-show_me"), "nothing was logged")
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(document))
    assert house.call("GET", "/auth/me").status_code == 200


def test_the_vault_opens_for_who_needs_it_alone(house: Deployed, fic_server: FattureInCloudSimulator) -> None:
    role, iam = house.role_of("accounting-connect_account"), house.client("iam")
    document = iam.get_role_policy(RoleName=role, PolicyName=POLICY_NAME)["PolicyDocument"]
    less = {**document, "Statement": [each for each in document["Statement"] if each["Sid"] != "Vault"]}
    assert len(less["Statement"]) == len(document["Statement"]) - 1
    body = {"token": fic_server.manual_token}
    try:
        iam.put_role_policy(RoleName=role, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(less))
        assert house.call("POST", "/api/fic/accounts", json=body).status_code == 500
        said = until(lambda: _errors(house, "accounting-connect_account"), "nothing was logged")
        assert "AccessDenied" in said
        assert fic_server.manual_token not in said
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(document))
    connected = house.call("POST", "/api/fic/accounts", json=body)
    assert connected.status_code == 201, connected.text
    # The worker opens them again, in a process and a role of its own.
    started = house.call("POST", "/api/fic/sync", json={"resource": "suppliers"})
    assert started.status_code < 300, started.text
    until(lambda: house.call("GET", "/api/fic/suppliers").json()["data"], "no supplier arrived")


def test_the_schedule_sweeps_what_the_stream_left(house: Deployed, stale: OutboxRow) -> None:
    def swept() -> bool:
        row = OutboxRow.find(stale.pk, stale.sk)
        return row is not None and row.pending is None

    until(swept, "the sweep has not published the stale event", SCHEDULE_SECONDS)
    schedules = {each["name"]: each for each in house.done("GET", "/api/ops/health")["schedules"]}
    assert schedules["sweep_outbox"]["status"] == "ok"


def test_every_table_expires_and_every_queue_waits_as_the_template_says(house: Deployed, dev: Packaged) -> None:
    dynamodb = house.client("dynamodb")
    for table in dev.resources("AWS::DynamoDB::Table"):
        name = table["TableName"]["Fn::Sub"].replace("${Prefix}", PREFIX)
        answer = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        assert (answer["TimeToLiveStatus"] == "ENABLED") is ("TimeToLiveSpecification" in table), name


def _free(agent: RetellAgent) -> dict[str, Any]:
    day = datetime.now().astimezone().date()
    for _ in range(8):
        day += timedelta(days=1)
        answer = agent.use("check_availability", {"service": "Consultation", "date": day.isoformat()})
        assert answer.ok, answer
        if answer.body["slots"]:
            found: dict[str, Any] = answer.body["slots"][0]
            return found
    raise AssertionError("nothing is free")


def _errors(house: Deployed, function: str) -> str:
    log = house.log(function)
    return log if "AccessDenied" in log else ""
