"""The availability benchmark on a small workload of its own, over a change of the clock."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from benchmarks import availability

BERLIN_MONDAY = datetime(2026, 3, 22, 23, tzinfo=UTC)
WEEKLY = [{"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "13:00"}]


def workload() -> dict[str, Any]:
    """Two of the staff for a fortnight; every day from Monday to Friday the first has their 10 o'clock taken."""
    bookings = []
    slots: list[str] = []
    for day in range(14):
        summer = day >= 6
        nine = BERLIN_MONDAY + timedelta(days=day, hours=8 if summer else 9)
        if nine.weekday() < 5:
            ten = nine + timedelta(hours=1)
            bookings.append({"start": text(ten), "end": text(ten + timedelta(minutes=30))})
            slots.extend(text(nine + timedelta(minutes=60 * n)) for n in (0, 2, 3))
    second = sorted({*slots, *(each["start"] for each in bookings)})
    both = [f"1 {slot}" for slot in slots] + [f"2 {slot}" for slot in second]
    scenarios = [
        {"id": "one", "staff_ids": [1], "mode": "single", "reference": reference(slots)},
        {"id": "any2", "staff_ids": [1, 2], "mode": "any", "reference": reference(second)},
        {"id": "each2", "staff_ids": [2, 1], "mode": "each", "reference": reference(both)},
    ]
    return {
        "now": "2026-03-01T00:00:00Z",
        "viewer_tz": "Europe/Berlin",
        "range": {"from": text(BERLIN_MONDAY), "to": text(BERLIN_MONDAY + timedelta(days=14) - timedelta(hours=1))},
        "service": {"duration_min": 60, "slot_interval_min": 60, "buffer_before_min": 0, "buffer_after_min": 0},
        "scenarios": scenarios,
        "staff": [
            {"id": 1, "tz": "Europe/Berlin", "weekly": WEEKLY, "overrides": [], "bookings": bookings},
            {"id": 2, "tz": "Europe/Berlin", "weekly": WEEKLY, "overrides": [], "bookings": []},
        ],
    }


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def reference(slots: list[str]) -> dict[str, Any]:
    return {"count": len(slots), "sha256": sha256("\n".join(slots).encode()).hexdigest()}


def test_every_answer_is_checked_and_the_last_line_is_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(availability, "SECONDS", 0)
    monkeypatch.setattr(availability, "FEWEST", 1)
    given = workload()
    file = tmp_path / "workload.json"
    file.write_text(json.dumps(given))
    assert availability.main([str(file)]) == 0
    printed = capsys.readouterr().out.splitlines()
    results = json.loads(printed[-1])
    assert {name: result["correct"] for name, result in results.items()} == {"one": True, "any2": True, "each2": True}
    assert printed[-2].startswith("decoding")
    given["scenarios"][0]["reference"]["sha256"] = "0" * 64
    file.write_text(json.dumps(given))
    assert availability.main([str(file)]) == 1
    assert availability.main([]) == 2
