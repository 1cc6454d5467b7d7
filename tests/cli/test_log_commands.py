"""`pilot logs`: the right lines, in order, as they come."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest

from chalicelib.cli.log_lines import Line, LineStream, parse
from chalicelib.cli.log_sources import CloudLogs, LocalLogs
from chalicelib.cli.logs import followed, recent
from chalicelib.core import aws
from chalicelib.core.clock import now
from tests.cli.conftest import Pilot


def line(second: int, message: str, **fields: str) -> str:
    """A line as core writes it."""
    at = f"2026-03-01T10:00:{second:02}.000+00:00"
    return json.dumps({"level": "INFO", "location": "pilot", "message": message, "timestamp": at, **fields}) + "\n"


@pytest.fixture
def files(pilot: Pilot) -> Path:
    """The logs of a local system: two processes and what is no log line."""
    folder = pilot.folder / "logs"
    folder.mkdir()
    (folder / "api.jsonl").write_text(line(1, "asked", request_id="req-1") + line(4, "asked", request_id="req-2"))
    (folder / "worker-sync.jsonl").write_text(
        line(3, "job done", request_id="req-1", job_id="evt_1")
        + "Segmentation fault\n"
        + line(2, "job begun", job_id="evt_1")
    )
    (folder / "aws.log").write_text("not ours\n")
    return folder


def messages(pilot: Pilot, *words: str) -> list[str]:
    """The messages that the command prints."""
    result = pilot("logs", "--json", *words)
    assert result.exit_code == 0, result.stderr
    return [json.loads(each)["message"] for each in result.stdout.splitlines()]


def test_lines_of_all_processes_are_in_order_of_time(pilot: Pilot, files: Path) -> None:
    assert messages(pilot) == ["Segmentation fault", "asked", "job begun", "job done", "asked"]
    assert messages(pilot, "--limit", "2") == ["job done", "asked"]
    assert messages(pilot, "--function", "api") == ["asked", "asked"]


def test_a_request_is_followed_into_its_jobs(pilot: Pilot, files: Path) -> None:
    assert messages(pilot, "--request", "req-1") == ["asked", "job done"]
    assert messages(pilot, "--request", "evt_1") == ["job begun", "job done"]
    assert messages(pilot, "--request", "req") == []


def test_people_see_time_level_process_message_and_fields(pilot: Pilot, files: Path) -> None:
    shown = pilot("logs", "--request", "req-1").stdout.splitlines()
    assert shown[0].split() == ["2026-03-01T10:00:01.000", "INFO", "api", "asked", "request_id=req-1"]
    assert "job_id=evt_1" in shown[1]


def test_lines_older_than_asked_for_are_left_out(pilot: Pilot, files: Path) -> None:
    fresh = json.dumps({"message": "fresh", "timestamp": now().isoformat()}) + "\n"
    (files / "scheduler.jsonl").write_text(fresh)
    assert messages(pilot, "--since", "10m")[-1] == "fresh"
    assert "asked" not in messages(pilot, "--since", "10m")


def test_logs_need_no_running_system_but_a_folder(pilot: Pilot, files: Path) -> None:
    (pilot.folder / "ready.json").unlink()
    assert messages(pilot, "--limit", "1") == ["asked"]
    for file in files.iterdir():
        file.unlink()
    files.rmdir()
    result = pilot("logs")
    assert result.exit_code == 1
    assert "make run" in result.stderr


def test_following_shows_what_is_new_whole_and_once(files: Path) -> None:
    source = LocalLogs(files)
    assert len(recent(source, None, None, 100)) == 5
    api, new = files / "api.jsonl", files / "relay.jsonl"
    half, rest = line(8, "in halves")[:20], line(8, "in halves")[20:]

    def writes() -> Iterator[None]:
        with open(api, "a") as file:
            file.write(line(6, "later") + line(5, "earlier") + half)
        yield
        with open(api, "a") as file:
            file.write(rest)
        new.write_text(line(9, "a new process"))
        yield
        api.rename(files / "api.jsonl.1")
        api.write_text(line(10, "after rotation"))
        yield

    steps = writes()
    lines = followed(source, None, lambda: next(steps))
    found = [each.fields["message"] for each in islice(lines, 5)]
    assert found == ["earlier", "later", "in halves", "a new process", "after rotation"]


def test_ctrl_c_ends_following_well(pilot: Pilot, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("chalicelib.cli.logs.time.sleep", interrupted)
    result = pilot("logs", "--follow", "--json")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 5


@pytest.fixture
def groups(stage: Pilot) -> Pilot:
    """A stage whose Lambdas have written lines, next to somebody else's."""
    write("pilot-dev-calls-list_calls", "START RequestId: x", line(0, "asked", request_id="req-1"), "REPORT x")
    write("pilot-dev-queues-work_sync", line(0, "job done", request_id="req-1"), line(0, "other", request_id="req-2"))
    write("pilot-prod-calls-list_calls", line(0, "another stage", request_id="req-1"))
    return stage


def write(function: str, *texts: str) -> None:
    """Lines that a Lambda writes now."""
    client, group = aws.client("logs"), f"/aws/lambda/{function}"
    if not client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName="s")
    at = round(now().timestamp() * 1000)
    events = [{"timestamp": at + number, "message": text} for number, text in enumerate(texts)]
    client.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def test_a_stages_logs_come_from_cloudwatch(groups: Pilot) -> None:
    result = groups("--stage", "dev", "logs", "--json")
    found = [json.loads(each) for each in result.stdout.splitlines()]
    assert sorted((each["source"], each["message"]) for each in found) == [
        ("calls-list_calls", "asked"),
        ("queues-work_sync", "job done"),
        ("queues-work_sync", "other"),
    ]
    assert sorted(messages(groups, "--stage", "dev", "--request", "req-1")) == ["asked", "job done"]
    assert messages(groups, "--stage", "dev", "--function", "calls") == ["asked"]


def test_following_a_stage_shows_each_line_once(groups: Pilot) -> None:
    source = CloudLogs("pilot-dev", "", now() - timedelta(hours=1))
    assert len(recent(source, None, None, 100)) == 3
    waits = iter(range(3))

    def wait() -> None:
        write("pilot-dev-calls-list_calls", line(0, f"news {next(waits)}"))

    found = [each.fields["message"] for each in islice(followed(source, None, wait), 3)]
    assert found == ["news 0", "news 1", "news 2"]


def test_a_stage_without_lambdas_is_a_sentence(stage: Pilot) -> None:
    result = stage("--stage", "prod", "logs")
    assert result.exit_code == 1
    assert "has it been deployed" in result.stderr


@pytest.mark.parametrize("raw", ["", "  ", "START RequestId: x", "END RequestId: x", "REPORT RequestId: x"])
def test_what_says_nothing_is_no_line(raw: str) -> None:
    assert parse("api", raw) is None


@pytest.mark.parametrize("raw", ["text", "[1]", "3", '"a"', "{"])
def test_what_is_no_object_is_a_message(raw: str) -> None:
    assert parse("api", raw, "now") == Line("api", "now", {"message": raw})


def test_a_loggers_stream_may_come_in_pieces(capsys: pytest.CaptureFixture[str]) -> None:
    stream = LineStream(as_json=True)
    for piece in ('{"message": "a"', "}", "\n{", '"message": "b"}\n'):
        stream.write(piece)
    assert [json.loads(each)["message"] for each in capsys.readouterr().out.splitlines()] == ["a", "b"]
