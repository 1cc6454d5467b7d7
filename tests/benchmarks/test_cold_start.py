"""Cold starts are compared as they are timed: by turns, and by the least of each."""

from typing import Any

from benchmarks.cold_start import BARE_HANDLER, ROUNDS, in_turn


def test_a_function_and_the_bare_handler_by_turns_and_the_least_of_each() -> None:
    # The machine is busy at first with the one, then with the other.
    times = {BARE_HANDLER: [300.0, 200.0, 150.0, 100.0, 400.0], "notes.add": [500.0, 140.0, 900.0, 120.0, 130.0]}
    started: list[tuple[str, Any]] = []

    def once(handler: str, event: dict[str, Any]) -> tuple[float, str]:
        started.append((handler, event))
        return times[handler].pop(0), "201"

    found = in_turn("add", "notes.add", lambda number: {"number": number}, once)
    assert (found.name, found.ms, found.ratio, found.said) == ("add", 120.0, 1.2, "201")
    assert started == [each for n in range(ROUNDS) for each in ((BARE_HANDLER, {}), ("notes.add", {"number": n}))]
