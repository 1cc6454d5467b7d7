"""One id from a request through what it leaves, however late that is done, to the vendor that is called for it."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from chalicelib.core import due, failed_jobs, relay
from chalicelib.core.clock import now
from chalicelib.core.correlation import HEADER, correlated, current_id, known_id
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.jobs import CannotSucceed, JobContext
from chalicelib.core.logging import log
from chalicelib.core.needs import Needs
from chalicelib.core.requests import Request
from chalicelib.core.rows import AuditRow, DueRow, OutboxRow
from chalicelib.core.unit import Unit
from chalicelib.vendors.retell.client import Retell
from infra.local.invocation import invoke
from infra.local.scheduler import schedule_event
from infra.local.simulators.retell.simulator import RetellSimulator
from tests.conftest import EmbeddedAws
from tests.core.thing_endpoints import serve
from tests.core.trial_area import Doing, Happened, Try, work_once

COMPANY = "com_1"
LATER = timedelta(days=9)
things = Function("tests.core.test_correlation")
runs: list[str] = []


@things.route("POST", "/begun", ability=PUBLIC, status=204)
def begin(request: Request) -> None:
    """Leave a job behind."""
    unit = request.unit(company_id=COMPANY)
    unit.enqueue(Try(company_id=COMPANY, what="first"))
    unit.audit("begun", "rec_1")
    unit.commit()


@things.every("rate(1 minute)", needs=Needs())
def run_regularly() -> None:
    """Two units of work."""
    runs.extend(Unit(COMPANY).correlation_id for _ in range(2))


@pytest.fixture
def retell() -> Iterator[RetellSimulator]:
    simulator = RetellSimulator("key_test")
    simulator.start()
    yield simulator
    simulator.stop()


def publish() -> None:
    relay.publish([row for row in OutboxRow.scan() if row.pending])


def call_retell(retell: RetellSimulator) -> None:
    client = Retell("key_test", retell.url)
    client.call_with("+4915112345678", "phone_call_id", "none")
    client.close()


def test_a_request_is_followed_into_what_it_leaves_and_to_the_vendor(
    doing: Doing, retell: RetellSimulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Try, "needs", Needs(writes=("outbox",), secrets=("retell_api_key",)))

    def behave(job: Try, context: JobContext) -> None:
        if job.what == "asks":
            call_retell(retell)
            return
        unit = Unit(COMPANY)  # nobody has told it whose work this is
        unit.publish(Happened(record_id="rec_1"))
        unit.schedule(Try(company_id=COMPANY, what="asks"), now() + LATER, "later")
        unit.audit("done", "rec_1")
        unit.commit()

    doing.behaviour = behave
    caplog.set_level("INFO", logger=log.name)
    answer = serve(begin, "POST", "/begun")
    mine = answer.headers["X-Request-Id"]
    publish()
    assert work_once() == []
    assert [row.correlation_id for row in DueRow.scan()] == [mine]
    due.sweep(lambda: now() + LATER)
    assert work_once() == []
    assert doing.done == ["first", "asks"]
    assert {row.correlation_id for row in OutboxRow.scan()} == {row.correlation_id for row in AuditRow.scan()} == {mine}
    (received,) = retell.requests
    assert received["headers"][HEADER.lower()] == mine
    said = {record.getMessage(): getattr(record, "request_id", None) for record in caplog.records}
    assert {name: said[name] for name in ("answered", "job done", "vendor called")} == dict.fromkeys(
        ("answered", "job done", "vendor called"), mine
    )
    (line,) = [record for record in caplog.records if record.getMessage() == "vendor called"]
    assert (vars(line)["vendor"], vars(line)["method"], vars(line)["path"]) == ("retell", "POST", "/v3/list-calls")
    assert (vars(line)["status"], vars(line)["job"]) == (200, Try.name())


def test_a_call_that_nobody_answers_is_in_the_log_without_what_was_asked(
    retell: RetellSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger=log.name)
    retell.fault(path="/v3/list-calls", drop=True)
    with correlated("cor_7"), pytest.raises(Exception, match="outcome_unknown"):
        call_retell(retell)
    (line,) = [record for record in caplog.records if record.getMessage() == "vendor called"]
    assert (vars(line)["status"], vars(line)["request_id"]) == (None, "cor_7")
    assert "4915112345678" not in str(vars(line))


def test_a_failed_job_goes_on_under_the_id_that_it_had(doing: Doing) -> None:
    def fail(job: Try, context: JobContext) -> None:
        raise CannotSucceed("not today")

    doing.behaviour = fail
    serve(begin, "POST", "/begun")
    publish()
    work_once()
    (failed,) = failed_jobs.of_queue("default")
    with correlated("cor_of_the_operator"):
        failed_jobs.retry(failed, Unit(COMPANY, correlation_id=failed.correlation_id))
    publish()
    work_once()
    assert [context.correlation_id for _, context in doing.calls] == [failed.correlation_id] * 2


def test_each_run_of_a_schedule_is_one_of_its_own(aws: EmbeddedAws) -> None:
    runs.clear()
    (endpoint,) = [each for each in things.endpoints if each.kind == "schedule"]
    for _ in range(2):
        invoke(endpoint, schedule_event(endpoint, now()))
    first, second, third, fourth = runs
    assert (first, third) == (second, fourth)
    assert first != third


def test_it_ends_with_its_block_and_other_threads_have_another() -> None:
    assert known_id() == ""
    assert current_id() != current_id()
    with correlated("cor_1"), correlated("cor_2") as inner:
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(known_id()))
        thread.start()
        thread.join()
        assert (inner, current_id(), found) == ("cor_2", "cor_2", [""])
    with pytest.raises(KeyError), correlated("cor_1"):
        raise KeyError
    assert known_id() == ""
