"""Keeps the local system's processes running: restarts what dies, stops all in order."""

import time
from collections.abc import Callable

from infra.local.processes import GRACE_SECONDS, Process, end_all, how_it_ended, last_words

LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 10.0
"""Who ran this long is restarted at once when it dies; who dies sooner has to wait longer each time."""


class Supervisor:
    """Watches processes; `say` tells people what happens."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.processes: list[Process] = []
        self._say = say
        self._again: dict[str, float] = {}

    def start(self, process: Process) -> None:
        """Start it and watch it from now on."""
        self.processes.append(process)
        process.start()

    def wait_ready(self, seconds: float) -> list[str]:
        """The names of those that did not get ready within `seconds`, all together."""
        deadline = time.monotonic() + seconds
        return [one.name for one in self.processes if not one.wait_ready(deadline - time.monotonic())]

    def look(self) -> bool:
        """Restart what died; whether anything changed."""
        changed = False
        for one in self.processes:
            if one.running():
                continue
            if one.name not in self._again:
                self._again[one.name] = self._when(one)
                how = how_it_ended(one.exit_code, last_words(one.log))
                self._say(f"{one.name} ended unexpectedly ({how}); it is started again. See {one.log}.")
            if time.monotonic() >= self._again[one.name]:
                del self._again[one.name]
                one.restarts += 1
                one.start()
                changed = True
        return changed

    def stop(self) -> None:
        """End all, one stage after the other."""
        for stage in sorted({one.stage for one in self.processes}):
            end_all([one for one in self.processes if one.stage == stage], GRACE_SECONDS + 1)

    def restart(self, name: str) -> None:
        """End a process gracefully and start it again at once."""
        for one in self.processes:
            if one.name == name and one.running():
                end_all([one], GRACE_SECONDS + 1)
                one.start()

    def pids(self) -> dict[str, int]:
        """The process ids by name."""
        return {one.name: one.pid for one in self.processes}

    def restarts(self) -> dict[str, int]:
        """How often each had to be started again, by name."""
        return {one.name: one.restarts for one in self.processes}

    @staticmethod
    def _when(process: Process) -> float:
        steady = time.monotonic() - process.started >= STEADY_SECONDS
        pause = min(2.0**process.failures, LONGEST_PAUSE_SECONDS) if process.failures and not steady else 0.0
        process.failures = 1 if steady else process.failures + 1
        return time.monotonic() + pause
