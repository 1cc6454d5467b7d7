"""`pilot appointments backfill`, `pilot calls` and `pilot release-check`."""

import json
from collections.abc import Callable, Iterator

import pytest

from chalicelib.calls import chain, store
from chalicelib.cli import calls as commands
from chalicelib.core.clock import now
from chalicelib.core.settings import settings
from chalicelib.identity.create_company import NewCompany, Person, create_company
from infra.local.simulators.retell.simulator import RetellSimulator
from tests.calls.backlog import COMPANY, details, recorded, run_all
from tests.cli.conftest import Pilot
from tests.conftest import open_practice

NOBODYS = "+12025550000"


@pytest.fixture(autouse=True)
def company(pilot: Pilot) -> None:
    """The demo practice, booked through Cal.com, in a company that the command line finds."""
    create_company(NewCompany("Company", id=COMPANY), Person("Ada", "ada@example.com", "correct horse battery"), now)
    open_practice(COMPANY, calcom=True)


def test_a_dry_run_prints_what_the_run_prints(pilot: Pilot) -> None:
    recorded(1)
    recorded(2, details(2, start_time="soon"))
    recorded(3, details(3), to_number=NOBODYS)
    planned = pilot("appointments", "backfill", "--all", "--dry-run")
    assert "Dry run: nothing was written." in planned.stderr
    done = pilot("appointments", "backfill", "--all")
    assert planned.stdout == done.stdout
    assert (planned.exit_code, done.exit_code) == (1, 1)
    assert "  appointment: Consultation with Ada Keller" in done.stdout
    assert "time_unreadable: " in done.stdout
    assert "2 appointment made, 1 cannot be done." in done.stderr
    again = pilot("appointments", "backfill", "--all", "--json")
    assert [one["code"] for one in json.loads(again.stdout)] == ["time_unreadable"]


def test_one_call_by_any_of_its_ids(pilot: Pilot) -> None:
    made = recorded(1)
    assert pilot("calls", "number", "retell-1", "559").exit_code == 0
    result = pilot("appointments", "backfill", "559")
    assert (result.exit_code, made.id in result.stdout) == (0, True)
    again = pilot("appointments", "backfill", "retell-1")
    assert (again.exit_code, "it leads to its appointment already" in again.stdout) == (0, True)
    assert pilot("appointments", "validate-chain", "559").exit_code == 0
    assert pilot("appointments", "backfill", "nobody").exit_code == 1
    assert pilot("appointments", "backfill").exit_code == 2
    assert pilot("appointments", "backfill", "559", "--all").exit_code == 2


def test_the_default_company_takes_what_no_rule_knows(pilot: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(1, details(event_type_id=None, service="Consultation"), to_number=NOBODYS)
    refused = pilot("appointments", "backfill", "--all")
    assert "company_unknown" in refused.stdout
    monkeypatch.setenv("PILOT_DEFAULT_COMPANY", COMPANY)
    assert "branch_missing" in pilot("appointments", "backfill", "--all").stdout  # two branches, and none is named


def test_orphans_say_why_and_are_adopted(pilot: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Every call has its company." in pilot("calls", "orphans").stdout
    made = recorded(1, {}, to_number=NOBODYS)
    [row] = pilot.json("calls", "orphans")
    assert {"call": made.id, "number": f"{NOBODYS} belongs to no company"}.items() <= row.items()
    assert row["default"] == "no default company is set"
    assert pilot.json("calls", "orphans", "--since", "2099-01-01") == []
    monkeypatch.setenv("PILOT_DEFAULT_COMPANY", COMPANY)
    assert pilot.json("calls", "orphans")[0]["company"] == COMPANY
    assert pilot("calls", "orphans", "--adopt").exit_code == 0
    assert store.get_call(COMPANY, "retell-1").id == made.id
    monkeypatch.setenv("PILOT_DEFAULT_COMPANY", "com_none")
    recorded(2, {}, to_number=NOBODYS)
    assert pilot.json("calls", "orphans")[0]["default"] == "the default company com_none does not exist"


def test_release_check_finds_what_is_not_whole(pilot: Pilot) -> None:
    assert pilot("release-check").exit_code == 0
    made = recorded(1)
    result = pilot("release-check")
    assert result.exit_code == 1
    assert "✗ Chains on local: 1 checked, 1 broken" in result.stdout
    assert "✗ Backfill on local: 1 calls without their appointment" in result.stdout
    assert "1 appointment made." in result.stdout
    assert store.get_call(COMPANY, made.id).link.appointment_id is None
    run_all()
    found = pilot.json("release-check")
    assert found == {"ok": True, "checked": 1, "broken": [], "backfill": []}


@pytest.fixture
def retell(pilot: Pilot, monkeypatch: pytest.MonkeyPatch) -> Iterator[RetellSimulator]:
    simulator = RetellSimulator("key_test")
    monkeypatch.setenv("RETELL_BASE_URL", simulator.start())
    settings.cache_clear()
    yield simulator
    simulator.stop()


def test_import_pulls_from_retell_and_tells_how_to_go_on(pilot: Pilot, retell: RetellSimulator) -> None:
    millis = round(now().timestamp() * 1000)
    retell.calls.register(to_number="+493055501000", call_status="ended", start_timestamp=millis, transcript="x")
    first = pilot("calls", "import", "--since", "2026-01-01")
    assert (first.exit_code, "1 added" in first.stdout) == (0, True), first.stderr
    assert pilot.json("calls", "import", "--since", "2026-01-01", "--company", COMPANY)["failed"] == []
    retell.fault(path="/v3/list-calls", method="POST", status=500, times=1)
    failed = pilot("calls", "import", "--since", "2026-01-01")
    assert failed.exit_code == 1
    assert "--since 2026-01-01T00:00:00" in failed.stderr


def rounds(*acts: Callable[[], object]) -> commands.Wait:
    """Does one thing after each round of watching, then presses Ctrl-C."""
    waiting = iter(acts)

    def wait(seconds: float) -> None:
        act = next(waiting, None)
        if act is None:
            raise KeyboardInterrupt
        act()

    return wait


def test_watch_shows_calls_as_they_arrive_and_change(pilot: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(1, {})
    wait = rounds(lambda: recorded(2), lambda: None, run_all, lambda: recorded(3, {}, to_number=NOBODYS))
    monkeypatch.setattr(commands, "pause", wait)
    result = pilot("calls", "watch")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    expected = ["no booking", "✗ call_has_customer", "✓ apt_", "✗ call_has_company"]
    assert [word in line for word, line in zip(expected, lines, strict=True)] == [True] * 4, lines
    assert "Stopped after 4 lines." in result.stderr


def test_a_round_of_watching_is_a_query_and_a_read(pilot: Pilot) -> None:
    from chalicelib.core import aws as aws_clients

    recorded(1)
    run_all()
    names: list[str] = []
    aws_clients.call_hooks.append(lambda when, name: names.append(name) if when == "before" else None)
    try:
        assert len(list(commands.news([COMPANY], lambda seconds: None, rounds=3))) == 1
    finally:
        aws_clients.call_hooks.clear()
    assert names == ["dynamodb.Query", "dynamodb.BatchGetItem", "dynamodb.Query", "dynamodb.Query"]


def test_a_chain_of_many_is_read_in_few_requests(pilot: Pilot) -> None:
    from chalicelib.core import aws as aws_clients

    for number in range(1, 7):
        recorded(number)
    run_all()
    names: list[str] = []
    aws_clients.call_hooks.append(lambda when, name: names.append(name) if when == "before" else None)
    try:
        assert [verdict.valid for _, verdict in chain.validate_all(COMPANY)] == [True] * 6
    finally:
        aws_clients.call_hooks.clear()
    assert names == ["dynamodb.Query", "dynamodb.BatchGetItem"]
