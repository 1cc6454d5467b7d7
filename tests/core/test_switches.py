"""Switches: what is off waits or is refused plainly, loses nothing, and goes on; reading them costs next to nothing."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.core import due, failed_jobs, heartbeats, relay, switches
from chalicelib.core.clock import now
from chalicelib.core.errors import SwitchedOff
from chalicelib.core.function import Function
from chalicelib.core.jobs import JobContext
from chalicelib.core.needs import SWITCHES, Needs
from chalicelib.core.rows import AuditRow, DueRow, OutboxRow
from chalicelib.core.settings import settings
from chalicelib.core.switches import KEEP_SECONDS, PUBLIC_BOOKING, Off, wait_seconds
from chalicelib.core.unit import Actor, Unit
from chalicelib.vendors.retell.client import Retell
from infra.local.invocation import invoke
from infra.local.scheduler import schedule_event
from infra.local.simulators.retell.simulator import RetellSimulator
from tests.conftest import EmbeddedAws
from tests.core.trial_area import Doing, Try, count, put_job, work_once

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
JOB = switches.job("trial.Try")
RETELL = switches.vendor("retell")
things = Function("tests.core.test_switches")
ran: list[str] = []


@things.every("rate(1 minute)", needs=Needs(), vendor="retell")
def run_regularly() -> None:
    """Ask."""
    ran.append("asked")


def turn(name: str, off: Off | None) -> bool:
    return switches.turn(lambda: Unit("platform", Actor("system", "test")), name, off)


@pytest.fixture
def retell(aws: EmbeddedAws) -> Iterator[RetellSimulator]:
    simulator = RetellSimulator("key_test")
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that seem to have passed."""
    passed = [0.0]
    begun = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: begun + passed[0])
    return passed


def call_retell(retell: RetellSimulator) -> None:
    client = Retell("key_test", retell.url)
    client.call_with("+4915112345678", "phone_call_id", "none")
    client.close()


def all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what waits be delivered without waiting."""
    monkeypatch.setattr(switches, "wait_seconds", lambda since, at: 0)


def test_everything_is_on_unless_it_was_switched_off(aws: EmbeddedAws) -> None:
    assert switches.read() == {}
    assert switches.is_off(RETELL) is None
    assert turn(RETELL, Off(NOON, "it calls everybody"))
    assert switches.is_off(RETELL) == Off(NOON, "it calls everybody")
    assert switches.is_off(JOB) is None
    assert turn(PUBLIC_BOOKING, Off(NOON))
    assert turn(RETELL, None)
    assert switches.read() == {PUBLIC_BOOKING: Off(NOON)}


def test_each_change_is_audited_and_no_change_is_not(aws: EmbeddedAws) -> None:
    assert turn(RETELL, Off(NOON))
    assert not turn(RETELL, Off(NOON))
    assert turn(RETELL, None)
    assert not turn(RETELL, None)
    rows = sorted(AuditRow.scan(), key=lambda row: row.sk)
    assert [(row.pk, row.action, row.actor) for row in rows] == [
        (f"platform#{RETELL}", "switch.off", "system:test"),
        (f"platform#{RETELL}", "switch.on", "system:test"),
    ]


def test_switched_off_anew_it_keeps_its_time_and_takes_the_reason(aws: EmbeddedAws) -> None:
    turn(RETELL, Off(NOON, "first"))
    assert turn(RETELL, Off(NOON + timedelta(hours=1), "second"))
    assert switches.read() == {RETELL: Off(NOON, "second")}


def test_who_switch_at_once_undo_nothing_of_each_other(aws: EmbeddedAws) -> None:
    names = [switches.job(f"trial.Job{number}") for number in range(6)]
    threads = [threading.Thread(target=turn, args=(name, Off(NOON))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert switches.read().keys() == set(names)


def test_a_process_asks_once_in_ten_seconds(aws: EmbeddedAws, calls: list[str], later: list[float]) -> None:
    for _ in range(100):
        switches.is_off(RETELL)
        switches.is_off(JOB)
    assert calls == ["dynamodb.GetItem"]
    later[0] = KEEP_SECONDS - 0.1
    switches.is_off(RETELL)
    assert len(calls) == 1
    later[0] = KEEP_SECONDS
    switches.is_off(RETELL)
    assert len(calls) == 2


def test_another_process_knows_after_ten_seconds(aws: EmbeddedAws, later: list[float]) -> None:
    assert switches.is_off(RETELL) is None
    before = switches._kept
    turn(RETELL, Off(NOON))
    switches._kept = before  # as a process that did not switch it
    assert switches.is_off(RETELL) is None
    later[0] = KEEP_SECONDS
    assert switches.is_off(RETELL) == Off(NOON)


def test_while_they_cannot_be_read_what_was_known_holds(
    aws: EmbeddedAws, later: list[float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    turn(RETELL, Off(NOON))
    assert switches.is_off(RETELL)

    def fail(*_: Any, **__: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://nowhere")

    monkeypatch.setattr(switches, "fetch_one", fail)
    later[0] = KEEP_SECONDS
    assert switches.is_off(RETELL)
    switches.forget()
    assert switches.is_off(RETELL) is None
    assert "switches cannot be read" in caplog.text


@pytest.mark.parametrize(
    ("off_for", "seconds"),
    [
        (timedelta(seconds=-5), 30),
        (timedelta(seconds=60), 30),
        (timedelta(seconds=62), 31),
        (timedelta(seconds=1800), 900),
        (timedelta(days=30), 900),
    ],
)
def test_short_outages_end_soon_and_long_ones_cost_little(off_for: timedelta, seconds: int) -> None:
    assert wait_seconds(NOON, NOON + off_for) == seconds


def test_a_job_that_is_off_waits_and_is_held_back_by_its_queue(doing: Doing) -> None:
    turn(JOB, Off(now() - timedelta(hours=1)))
    put_job(Try(company_id="com_1"))
    assert work_once() == []
    assert doing.calls == []
    assert count() == {"waiting": 0, "hidden": 0, "delayed": 1}
    assert failed_jobs.count("default") == 0


def test_a_job_loses_no_attempt_and_nothing_else_while_it_is_off(doing: Doing, monkeypatch: pytest.MonkeyPatch) -> None:
    all_at_once(monkeypatch)
    turn(JOB, Off(now()))
    for number in range(3):
        put_job(Try(company_id="com_1", what=str(number)), f"evt_{number}")
    for _ in range(Try.attempts + 2):
        work_once()
    assert doing.calls == []
    turn(JOB, None)
    work_once()
    assert sorted(doing.done) == ["0", "1", "2"]
    assert doing.attempts == [1, 1, 1]
    assert count() == {"waiting": 0, "hidden": 0, "delayed": 0}


def test_due_work_that_is_off_is_done_once_when_it_is_on(doing: Doing, monkeypatch: pytest.MonkeyPatch) -> None:
    all_at_once(monkeypatch)
    unit = Unit("com_1")
    unit.schedule(Try(company_id="com_1"), now(), "reminder#1")
    unit.commit()
    relay.publish([row for row in OutboxRow.scan() if row.pending])
    turn(JOB, Off(now()))
    work_once()
    assert [row.sk for row in DueRow.scan()] == ["reminder#1"]
    assert due.sweep() == 0  # it waits on its queue: no second message
    turn(JOB, None)
    work_once()
    assert len(doing.calls) == 1
    assert list(DueRow.scan()) == []


def test_due_work_that_is_unscheduled_while_it_is_off_is_not_done(
    doing: Doing, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_at_once(monkeypatch)
    unit = Unit("com_1")
    unit.schedule(Try(company_id="com_1"), now(), "reminder#1")
    unit.commit()
    relay.publish([row for row in OutboxRow.scan() if row.pending])
    turn(JOB, Off(now()))
    work_once()
    unit = Unit("com_1")
    unit.unschedule("reminder#1")
    unit.commit()
    work_once()
    assert count() == {"waiting": 0, "hidden": 0, "delayed": 0}
    turn(JOB, None)
    work_once()
    assert doing.calls == []


def test_nothing_is_asked_of_a_vendor_that_is_off(retell: RetellSimulator) -> None:
    turn(RETELL, Off(NOON))
    with pytest.raises(SwitchedOff, match="retell_switched_off") as refused:
        call_retell(retell)
    assert refused.value.detail.startswith("Retell is switched off")
    assert retell.requests == []
    turn(RETELL, None)
    call_retell(retell)
    assert len(retell.requests) == 1


def test_a_job_that_needs_a_vendor_waits_while_that_is_off(
    doing: Doing, retell: RetellSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def behave(job: Try, context: JobContext) -> None:
        call_retell(retell)

    all_at_once(monkeypatch)
    monkeypatch.setattr(Try, "needs", Needs(secrets=("retell_api_key",)))
    doing.behaviour = behave
    turn(RETELL, Off(now()))
    put_job(Try(company_id="com_1"))
    for _ in range(Try.attempts + 2):
        assert work_once() == []
    assert set(doing.attempts) == {1}
    assert failed_jobs.count("default") == 0
    turn(RETELL, None)
    work_once()
    assert len(retell.requests) == 1
    assert count() == {"waiting": 0, "hidden": 0, "delayed": 0}


def test_schedules_of_a_vendor_that_is_off_are_left_out_and_seen(aws: EmbeddedAws) -> None:
    ran.clear()
    heartbeats.forget()
    (endpoint,) = things.endpoints
    assert SWITCHES in endpoint.needs.read_only()
    turn(RETELL, Off(NOON))
    invoke(endpoint, schedule_event(endpoint, now()))
    assert ran == []
    assert heartbeats.heartbeats()["run_regularly"].failed is False
    turn(RETELL, None)
    invoke(endpoint, schedule_event(endpoint, now()))
    assert ran == ["asked"]
    heartbeats.forget()


def test_who_can_call_a_vendor_may_read_the_switches() -> None:
    assert SWITCHES not in Needs(reads=("crm",), writes=("booking",)).read_only()
    assert SWITCHES in Needs(secrets=("retell_api_key",)).read_only()
    assert SWITCHES in Needs(vault=True).read_only()
    assert settings().table(SWITCHES).endswith("-switches")
