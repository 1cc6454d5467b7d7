"""Data of another shape are left as they are, and the start says how to begin anew."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local import shape
from infra.local.ministack import ROOT, free_port
from infra.local.shape import FILE, SHAPE, OtherShape, check, differences, tables
from infra.resources import literal_resources

KEY = [{"AttributeName": "pk", "KeyType": "HASH"}]
INDEX = {"IndexName": "by_day", "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}]}


def stored(*indexes: dict[str, Any], **other: Any) -> dict[str, Any]:
    """A shape with one table."""
    properties = {"TableName": "notes", "KeySchema": KEY, "GlobalSecondaryIndexes": list(indexes), **other}
    return {"shape": 1, "tables": tables({"Notes": {"Type": "AWS::DynamoDB::Table", "Properties": properties}})}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A local system's folder that a start has seen, with data since."""
    check(tmp_path)
    (tmp_path / "aws" / "state").mkdir(parents=True)
    return tmp_path


def test_what_provisioning_adds_is_no_other_shape() -> None:
    assert differences(stored(), stored(INDEX)) == []
    assert differences({"shape": 1, "tables": {}}, stored(INDEX)) == []
    # What is not used any more does no harm.
    assert differences(stored(INDEX), stored()) == []


def test_what_cannot_be_changed_is() -> None:
    assert differences(stored() | {"shape": 2}, stored()) == ["shape 2 instead of 1"]
    assert differences({}, stored()) == ["shape unknown instead of 1"]
    assert differences(stored(), stored(KeySchema=[*KEY, {"AttributeName": "sk"}])) == ["notes has another key"]
    assert differences(stored(INDEX), stored({**INDEX, "Projection": "ALL"})) == ["notes has another by_day"]
    streaming = stored(StreamSpecification={"StreamViewType": "NEW_IMAGE"})
    assert differences(stored(), streaming) == ["notes has another stream"]


def test_every_table_of_the_house_is_noted(folder: Path) -> None:
    noted = json.loads((folder / FILE).read_text())["tables"]
    resources = literal_resources("pilot-local", "local").values()
    assert set(noted) == {each["Properties"]["TableName"] for each in resources if each["Type"].endswith("::Table")}
    assert {"key", "stream", "by_staff"} <= set(noted["pilot-local-booking"])


def test_data_of_this_shape_are_opened_again(folder: Path) -> None:
    before = (folder / FILE).read_text()
    check(folder)
    assert (folder / FILE).read_text() == before


def test_data_of_another_shape_are_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "SHAPE", SHAPE + 1)
    for _ in range(2):  # it is not taken for this shape by having been looked at
        with pytest.raises(OtherShape, match=rf"shape {SHAPE} instead of {SHAPE + 1}.*`make reset`"):
            check(folder)


def test_data_that_say_nothing_of_their_shape_are_not(folder: Path) -> None:
    for text in (None, "{", "{}"):
        (folder / FILE).unlink(missing_ok=True)
        if text:
            (folder / FILE).write_text(text)
        with pytest.raises(OtherShape, match="shape unknown"):
            check(folder)


def test_a_start_stops_and_a_reset_lets_it_begin_anew(folder: Path) -> None:
    (folder / FILE).write_text(json.dumps({"shape": 0, "tables": {}}))
    kept = folder / "aws" / "state" / "dynamodb.json"
    kept.write_text("what they had")
    environment = {**os.environ, "PILOT_LOCAL_DIR": str(folder), "PILOT_PORT": str(free_port())}

    def run(module: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", module]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    started = run("infra.local.run")
    assert started.returncode == 1
    assert "PilotPractice cannot start: the data in" in started.stderr
    assert "`make reset`" in started.stderr
    assert kept.read_text() == "what they had"
    assert run("infra.local.reset").returncode == 0
    assert not (folder / "aws").exists()
    assert not (folder / FILE).exists()
    check(folder)
