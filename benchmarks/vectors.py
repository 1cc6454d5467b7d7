"""`python -m benchmarks.vectors FILE`: run a file of availability vectors (schema booking-vectors/1) on the engine.

Prints passed, failed and not supported per kind and per tag, and each failure by its id. Where a vector carries
`recommended` (the peer is wrong around a change of the clock) that is what the engine is held to.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from benchmarks.vector_availability import LIMIT_ZONE, availability
from benchmarks.vector_kinds import KINDS, ms

Json = dict[str, Any]
Outcome = Literal["passed", "failed", "not supported"]
ANSWERED = {**KINDS, "availability": availability}
OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "not supported")


class Result(msgspec.Struct, frozen=True):
    """What came of one vector; `about`: how the answer differs, or why there is none."""

    id: str
    kind: str
    tags: tuple[str, ...]
    outcome: Outcome
    about: str = ""


def main(arguments: list[str]) -> int:
    """Run a file and print; 1 when anything failed, 2 when there is no such file."""
    if len(arguments) != 1:
        print("usage: python -m benchmarks.vectors FILE", file=sys.stderr)
        return 2
    try:
        results = run_file(Path(arguments[0]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{arguments[0]} is no file of vectors: {error!r}", file=sys.stderr)
        return 2
    _table("kind", ((result.kind, result.outcome) for result in results))
    _table("tag", ((tag, result.outcome) for result in results for tag in result.tags))
    for result in results:
        if result.outcome != "passed":
            print(f"{result.outcome}: {result.id}: {result.about}")
    totals = Counter(result.outcome for result in results)
    print(", ".join(f"{totals[outcome]} {outcome}" for outcome in OUTCOMES))
    return 1 if totals["failed"] else 0


def run_file(path: Path) -> list[Result]:
    """Every vector of a file."""
    return [run(vector, number) for number, vector in enumerate(json.loads(path.read_text())["vectors"])]


def run(vector: Any, number: int = 0) -> Result:
    """One vector. What is no vector, of an unknown kind or incomplete is not supported."""
    known = vector if isinstance(vector, dict) else {}
    name, kind = str(known.get("id", f"#{number}")), str(known.get("kind", "?"))
    listed = known.get("tags")
    tags = tuple(str(tag) for tag in listed) if isinstance(listed, list) else ()
    if kind not in ANSWERED:
        return Result(name, kind, tags, "not supported", f"there is no kind {kind!r}")
    try:
        expected = {**known["expected"], **known.get("recommended", {})}
        answer = ANSWERED[kind](_completed(known))
        differences = [text for key in _compared(kind, expected) if (text := _difference(key, expected, answer))]
    except Exception as error:  # noqa: BLE001  a malformed vector must not end the run, whatever is wrong with it
        return Result(name, kind, tags, "not supported", f"{type(error).__name__}: {error}")
    return Result(name, kind, tags, "failed" if differences else "passed", "; ".join(differences))


def _completed(vector: Json) -> Json:
    """The input with what the recording left out.

    cal.com counts limits in the zone of the user, not of the schedule; the vectors give the schedule's alone. All users
    of its own tests live at +5:30, so that for vectors recorded from those (only) that zone is added.
    """
    given: Json = vector["input"]
    source = vector.get("source") or {}
    recorded = source.get("peer") == "cal.com" and str(source.get("authentic", "")).startswith("recorded")
    return {LIMIT_ZONE: "Asia/Kolkata", **given} if recorded else given


def _compared(kind: str, expected: Json) -> Iterable[str]:
    if kind != "availability":
        return expected
    # The counts by date are informative; whoever is away or attends must be told where the peer tells it.
    return ["slots", *(key for key in ("away_slots", "attendees") if key in expected)]


def _difference(key: str, vector: Json, answer: Json) -> str:
    expected, found = _comparable(key, vector[key]), _comparable(key, answer.get(key))
    if expected == found:
        return ""
    if isinstance(expected, list) and isinstance(found, list):
        missing = [each for each in expected if each not in found]
        surplus = [each for each in found if each not in expected]
        return f"{key}: {len(missing)} missing {missing[:4]}, {len(surplus)} too many {surplus[:4]}"
    return f"{key}: expected {expected}, found {found}"


def _comparable(key: str, value: Any) -> Any:
    if key in ("slots", "away_slots"):
        # A start is a start, however often a peer lists it.
        return sorted({ms(moment) for moment in value or []})
    if key == "windows":
        return [(ms(window["start"]), ms(window["end"])) for window in value]
    if key == "attendees":
        return {ms(moment): people for moment, people in (value or {}).items()}
    return ms(value) if isinstance(value, str) else value


def _table(title: str, rows: Iterable[tuple[str, str]]) -> None:
    counts: dict[str, Counter[str]] = {}
    for name, outcome in rows:
        counts.setdefault(name, Counter())[outcome] += 1
    print(f"{title:24} {'passed':>7} {'failed':>7} {'not supported':>14}")
    for name, outcomes in sorted(counts.items()):
        print(f"{name:24} {outcomes['passed']:>7} {outcomes['failed']:>7} {outcomes['not supported']:>14}")
    print()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
