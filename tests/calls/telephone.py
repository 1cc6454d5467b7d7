"""A telephone: Twilio's simulator, whose webhooks reach the endpoints of this process."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.practice.models import Branch
from chalicelib.booking.practice.phone import CallRouting, QuietHours
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.calls import missed_alert, missed_call, phone_store
from chalicelib.calls.jobs import AlertMissedCall, SettlePhoneCall
from chalicelib.calls.phone_call import PhoneCall
from chalicelib.calls.tables import PhoneRow
from chalicelib.core.clock import now
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from infra.local.demo_practice import BERLIN_PHONE, demo_practice
from infra.local.invoking import call
from infra.local.simulators.exchange import Reply, Request
from infra.local.simulators.listener import Listener
from infra.local.simulators.twilio.line import People, Reaction
from infra.local.simulators.twilio.simulator import Hooks, TwilioSimulator
from tests.conftest import EmbeddedAws
from tests.draining import drain

CALLER = "+4915112345678"
STAFF = "+4915155501001"
AGENT = "sip:agent@voice.example"
ROUTING = CallRouting(agent=AGENT, staff_numbers=(STAFF,), ring_staff="always", alert_emails=("desk@example.com",))
NEVER_QUIET = QuietHours(start=0, end=0, weekdays=(), public_holidays=False)
ALWAYS_QUIET = QuietHours(start=0, end=1439, weekdays=())
COMPANY = "com_test"


def open_branch(
    routing: CallRouting = ROUTING, company_id: str = COMPANY, *, quiet: QuietHours = NEVER_QUIET, **fields: Any
) -> Branch:
    """The demo practice with that telephone; returns its Berlin branch."""
    made = demo_practice(company_id, calcom=False)
    branch = replace(made.branches[0], call_routing=routing, quiet_hours=quiet, **fields)
    save_practice(lambda: Unit(company_id), [branch, made.branches[1]], made.services, made.staff)
    return branch


def people(staff: Reaction = "no-answer", agent: Reaction = "no-answer", **more: Any) -> People:
    """How staff, the agent and the caller behave."""
    return People({STAFF: staff, AGENT: agent}, **more)


def endpoint(request: Request) -> Reply:
    """What API Gateway would do with the request."""
    answer = call(
        request.method, request.path, raw=request.body, headers=dict(request.headers), query=dict(request.query)
    )
    return Reply(answer.status, answer.text.encode(), answer.headers)


@pytest.fixture
def twilio(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioSimulator]:
    """An account with a number, whose webhooks come to our endpoints."""
    api = Listener(endpoint, "127.0.0.1", 0)
    hook = f"{api.url}/webhooks/twilio/voice"
    simulator = TwilioSimulator(hooks=Hooks(hook, f"{hook}/status"))
    monkeypatch.setenv("PILOT_PUBLIC_URL", api.url)
    monkeypatch.setenv("TWILIO_BASE_URL", simulator.start())
    monkeypatch.setenv("PILOT_VENDOR_TIMEOUT_SECONDS", "1")
    settings.cache_clear()
    yield simulator
    simulator.stop()
    api.close()


def rings(twilio: TwilioSimulator, who: People, caller: str = CALLER, **more: Any) -> list[tuple[str, str]]:
    """A call comes in; returns its use cases and what came of them."""
    steps = twilio.rings(caller, BERLIN_PHONE, who, **more)
    return [(step.verb, step.outcome) for step in steps]


def context(company_id: str = COMPANY, *, later: timedelta = timedelta(), job_id: str = "job") -> JobContext:
    """What a job is told, some time later."""
    return JobContext(job_id, 1, False, "cor", company_id, lambda: now() + later)


def phone_calls() -> list[PhoneCall]:
    """All there are, the oldest first."""
    found = [row.model(PhoneCall) for row in PhoneRow.scan() if row.sk == "phone"]
    return sorted(found, key=lambda one: one.id)


def miss(caller: str | None = CALLER, company_id: str = COMPANY) -> PhoneCall:
    """A missed call, as `settle` leaves it."""
    one = PhoneCall(
        id=new_id("pho"), company_id=company_id, branch_id=demo_practice(company_id).branches[0].id,
        direction="inbound", caller=caller, our_number=BERLIN_PHONE, vendor_id=new_id("CA"), outcome="missed",
        status="completed", started_at=now(),
    )  # fmt: skip
    unit = Unit(company_id)
    phone_store.add(unit, one)
    unit.commit()
    return one


def only() -> PhoneCall:
    """The one call there is."""
    (found,) = phone_calls()
    return found


def settle(one: PhoneCall, at: datetime | None = None) -> PhoneCall:
    """Do the job that waits some seconds for what may come behind a call's end."""
    missed_call.settle(SettlePhoneCall(company_id=one.company_id, phone_call_id=one.id), context(one.company_id))
    return phone_store.get(one.company_id, one.id)


def work_off() -> None:
    """Do all jobs, also those that wait until a call is surely over."""
    drain()
    for one in phone_calls():
        if one.outcome == "open" and one.direction == "inbound":
            settle(one)
    drain()


def alert(one: PhoneCall, job_id: str = "job") -> None:
    """Do the job that mails staff, which waits for the recording."""
    job = AlertMissedCall(company_id=one.company_id, phone_call_id=one.id)
    missed_alert.alert(job, context(one.company_id, job_id=job_id))
