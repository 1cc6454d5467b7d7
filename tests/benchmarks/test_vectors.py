"""The peers' own cases, and a runner that survives whatever a file holds."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import vectors
from benchmarks.vectors import run, run_file

FILE = Path(__file__).parent.parent / "booking" / "data" / "vectors.json"
VECTORS = {vector["id"]: vector for vector in json.loads(FILE.read_text())["vectors"]}


def test_the_engine_passes_every_case_of_its_peers() -> None:
    assert [result for result in run_file(FILE) if result.outcome != "passed"] == []


def test_a_run_prints_totals_and_fails_with_a_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = json.loads(json.dumps(VECTORS["cal-availability-105"]))
    wrong["expected"]["slots"].pop()
    file = tmp_path / "vectors.json"
    file.write_text(json.dumps({"vectors": [VECTORS["cal-intersect-018"], wrong, {"kind": "new", "tags": 5}, 7]}))
    assert vectors.main([str(file)]) == 1
    printed = capsys.readouterr().out
    assert "failed: cal-availability-105: slots: 0 missing" in printed
    assert printed.splitlines()[-1] == "1 passed, 1 failed, 2 not supported"
    file.write_text(json.dumps({"vectors": [VECTORS["cal-intersect-018"]]}))
    assert vectors.main([str(file)]) == 0
    assert vectors.main([]) == 2
    file.write_text("[]")
    assert vectors.main([str(file)]) == 2
    assert vectors.main([str(tmp_path / "missing")]) == 2


@pytest.mark.parametrize("missing", ["hosts", "service", "range", "now", "alignment", "bookings"])
def test_an_incomplete_case_is_not_supported(missing: str) -> None:
    vector: dict[str, Any] = json.loads(json.dumps(VECTORS["cal-availability-049"]))
    del vector["input"][missing]
    assert run(vector).outcome == "not supported"


@pytest.mark.parametrize("given", [None, [], {"windows": 5}, {"windows": [{"start": "soon", "end": "later"}]}])
def test_a_case_of_nonsense_is_not_supported(given: Any) -> None:
    vector = {"id": "x", "kind": "merge_windows", "input": given, "expected": {"windows": []}}
    assert run(vector).outcome == "not supported"
