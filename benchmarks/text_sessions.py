"""Text sessions: requests and units per call, message, poll and tick, and a thousand that tick in one minute."""

import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec

from benchmarks import system
from benchmarks.request_counts import Count, counted
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.chat import store as chat_store
from chalicelib.core import queues
from chalicelib.core.clock import now
from chalicelib.core.envelope import envelope_of
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext, Postpone, work
from chalicelib.core.unit import Unit
from chalicelib.core.worker import deliver
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.identity import store as identity
from chalicelib.identity.account import Credential
from chalicelib.identity.user import User
from chalicelib.text_sessions import activity, deduction, manage_subscription, plans, start_session, store, tick_job
from chalicelib.text_sessions.jobs import Tick
from chalicelib.text_sessions.plan import Terms
from chalicelib.text_sessions.plans import PlanDetails
from chalicelib.text_sessions.session import INTERVAL, ChatUser, Session
from chalicelib.text_sessions.subscription import Account, Subscription
from chalicelib.text_sessions.update_meter import seconds_until
from infra.local.demo_people import add_person
from infra.local.invoking import Answer, Caller, call

SESSIONS = 1000
SPREAD = timedelta(seconds=60)
PREPARING = timedelta(seconds=30)
AT_ONCE = 15
"""Patients prepared in one transaction: five rows each."""


class Patient:
    """A patient with a subscription, and text appointments with nobody in particular."""

    def __init__(self) -> None:
        unit = Unit(system.COMPANY)
        number = f"+49151{time.time_ns() % 10**8:08}"
        customer = add_person(unit, Contact(name="Eve", phone=number), "api", now())
        user = User(
            id=new_id("usr"), company_id=system.COMPANY, name="Eve", email=f"{new_id('eve').lower()}@example.com",
            role="client", status="active", customer_id=customer.id, created_at=now(), updated_at=now(),
        )  # fmt: skip
        identity.add_user(unit, user, Credential())
        unit.commit()
        terms = Terms(sessions=10_000, period="once", zone="UTC")
        plan = plans.create(Unit(system.COMPANY), PlanDetails("Bench", terms), now)
        manage_subscription.subscribe(Unit(system.COMPANY), customer.id, plan.id, renews=True, clock=now)
        self.user, self.customer_id = user, customer.id
        self.caller = Caller(system.COMPANY, " ".join(sorted(user.abilities)), user.id)

    def appointment(self, starts_at: datetime) -> Appointment:
        """An hour of text."""
        made = Appointment(
            id=new_id("apt"), company_id=system.COMPANY, branch_id="bra_1", service_id="svc_1", staff_id="stf_1",
            customer_id=self.customer_id, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), channel="text",
            status="confirmed", source="api", created_at=starts_at, updated_at=starts_at,
        )  # fmt: skip
        unit = Unit(system.COMPANY)
        appointment_store.add_appointment(unit, made)
        unit.commit()
        return made

    def session(self, started: datetime) -> Session:
        """A session started then, in which somebody has written."""
        appointment = self.appointment(started)

        def unit() -> Unit:
            return Unit(system.COMPANY, clock=lambda: started)

        who = ChatUser(system.COMPANY, self.user.id, appointment.id)
        start_session.start(unit, who, lambda: started)
        return activity.update(unit, who, "patient", lambda: started)


def costs() -> list[tuple[str, Count]]:
    """Every call and the clock's own work, once each."""
    patient = Patient()
    appointment = patient.appointment(now() - timedelta(minutes=1))

    def post(action: str, **fields: Any) -> Callable[[], object]:
        body = {"appointment_id": appointment.id, **fields}
        return lambda: _good(call("POST", f"/api/text-appointments/{action}", caller=patient.caller, body=body))

    def chat(method: str, action: str, **fields: Any) -> Callable[[], object]:
        path = f"/api/text-appointments/{appointment.id}/{action}"
        body, query = (fields, None) if method == "POST" else (None, {name: str(each) for name, each in fields.items()})
        return lambda: _good(call(method, path, caller=patient.caller, body=body, query=query))

    def look_while_waiting() -> None:
        chat_store.news(system.COMPANY, appointment.id, 2, 50)

    status = f"/api/text-appointments/{appointment.id}/session-status"
    due, waiting = patient.session(now() - INTERVAL), patient.session(now() - INTERVAL + timedelta(minutes=1))
    late = patient.session(now() - INTERVAL - timedelta(minutes=1))
    operations: list[tuple[str, Callable[[], object]]] = [
        ("POST …/start-session", post("start-session")),
        ("POST …/update-activity", post("update-activity", user_type="patient")),
        ("POST …/messages", chat("POST", "messages", text="Good morning, how are you today?")),
        ("POST …/messages, with client_id", chat("POST", "messages", text="Fine, thank you.", client_id="c1")),
        ("GET …/messages, first 50", chat("GET", "messages")),
        ("GET …/messages?after=…, news at once", chat("GET", "messages", after=1)),
        ("GET …/messages?after=…, waiting 1 s in vain", chat("GET", "messages", after=2, wait=1)),
        ("each further second of it", look_while_waiting),
        ("POST …/typing", chat("POST", "typing")),
        ("POST …/read", chat("POST", "read", up_to=1)),
        ("GET …/session-status", lambda: _good(call("GET", status, caller=patient.caller))),
        ("POST …/process-deduction, nothing due", post("process-deduction", sessions_to_deduct=1, reason="interval")),
        ("POST …/end-session", post("end-session")),
        ("tick that charges", lambda: _tick(due)),
        ("tick that looks whether to give notice", lambda: _tick(waiting)),
        ("sweep of 8 shards, one lost tick", lambda: tick_job.sweep(now(), now)),
    ]
    found = []
    for name, operation in operations:
        with counted() as count:
            operation()
        found.append((name, count))
    for session in (waiting, late, due):
        who = ChatUser(system.COMPANY, patient.user.id, session.appointment_id)
        deduction.end(lambda: Unit(system.COMPANY), who, 0, now)
    return found


def tick_times() -> dict[str, float]:
    """A thousand patients' sessions whose intervals end within one minute, and one worker of their queue."""
    first = now() + PREPARING
    sessions = [_prepared(n, first + SPREAD * n / SESSIONS - INTERVAL) for n in range(SESSIONS)]
    for start in range(0, SESSIONS, AT_ONCE):
        unit = Unit(system.COMPANY)
        for account, session in sessions[start : start + AT_ONCE]:
            store.add_subscription(unit, account, None)
            store.add_session(unit, session, None)
        unit.commit()
    due = {session.id: session.next_charge_at for _, session in sessions}
    refused = queues.send([_message(session) for _, session in sessions])
    assert not refused
    assert now() < first, "preparing took too long"
    done, busy = _work_until_done(len(due))
    for account, session in sessions:
        meter = store.get_meter(system.COMPANY, session.appointment_id, account.subscription.id)
        assert meter.session.interval == 2, "an interval was charged not once"
        assert meter.account.left == account.left - 1
    late = sorted((done[session_id] - due[session_id]).total_seconds() for session_id in due)
    return {
        "sessions": SESSIONS,
        "ticks/s while working": SESSIONS / busy,
        "late p50 (s)": statistics.median(late),
        "late p99 (s)": statistics.quantiles(late, n=100)[98],
        "late at most (s)": late[-1],
    }


def _prepared(number: int, started: datetime) -> tuple[Account, Session]:
    sold = Subscription(
        id=new_id("sub"), company_id=system.COMPANY, patient_id=f"cus_bench{number}", plan_id="pln_bench",
        terms=Terms(sessions=9, period="once", zone="UTC"), first_day=started.date(), period_starts_at=started,
        period_ends_at=None, created_at=started, updated_at=started,
    )  # fmt: skip
    session = Session(
        id=new_id("txs"), company_id=system.COMPANY, appointment_id=new_id("apt"), patient_id=sold.patient_id,
        doctor_id="stf_1", subscription_id=sold.id, start_time=started, planned_until=started + timedelta(hours=1),
        created_at=started, updated_at=started,
    )  # fmt: skip
    account = Account(sold).granted(9, "period#first", started).charged(session.id, 1, started)
    return account, session.active("patient", started)


def _message(session: Session) -> queues.Message:
    envelope = envelope_of(_job(session), f"job-{session.id}", "bench")
    return envelope.message(Tick.queue, seconds_until(session.next_charge_at, now()))


def _job(session: Session) -> Tick:
    return Tick(
        company_id=session.company_id, appointment_id=session.appointment_id, session_id=session.id,
        subscription_id=session.subscription_id, interval=1,
    )  # fmt: skip


def _work_until_done(count: int) -> tuple[dict[str, datetime], float]:
    """When each session's tick was done, and how long the worker was at it."""
    done: dict[str, datetime] = {}
    busy = 0.0

    def handle(queue: str, event: dict[str, Any]) -> dict[str, Any]:
        nonlocal busy
        began = time.perf_counter()
        answer = work(queue, event)
        busy += time.perf_counter() - began
        for record in event["Records"]:
            done.setdefault(msgspec.json.decode(record["body"])["payload"]["session_id"], now())
        return answer

    while len(done) < count:
        deliver(Tick.queue, handle, 1)
    return done, busy


def _tick(session: Session) -> None:
    with suppress(Postpone):
        tick_job.tick(_job(session), JobContext("job", 1, False, "cor", system.COMPANY, now))


def _good(answer: Answer) -> None:
    assert 200 <= answer.status < 300, answer
