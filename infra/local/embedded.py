"""The embedded AWS of `make run` and what must be in it: started, prepared, listened to, and started again."""

import json
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from infra.local import ministack
from infra.local.environment import Surroundings
from infra.local.processes import Process, end_all, how_it_ended, last_line, last_words

PREPARE_SECONDS = 120.0
PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Before each try to start it again."""


class CannotStart(RuntimeError):
    """Something is in the way; the message says what, and what to do."""


class DataUnreadable(CannotStart):
    """The data of before cannot be read; trying again does not help."""


class Embedded:
    """`say` tells the person at the terminal. `demo` is what the demo practice says of itself, its token above all."""

    def __init__(self, around: Surroundings, say: Callable[[str], None]) -> None:
        self.demo: dict[str, Any] = {}
        self.restarts = 0
        self._around = around
        self._say = say
        self._running: ministack.MiniStack | None = None
        self._preparation: Process | None = None
        self._log = around.folder / "logs" / "aws.log"

    @property
    def pids(self) -> dict[str, int]:
        """Its process id by its name; nothing while it does not run."""
        return {} if self._running is None else {"aws": self._running.process.pid}

    def start(self) -> None:
        """Start it with the data of before, removing what one that has ended left behind; raises CannotStart."""
        if self._running is not None:
            self._running.stop()
            self._running = None
        self._log.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._running = ministack.start(
                self._around.aws_port, self._around.folder / "aws", log=self._log, tell=self._say
            )
        except ministack.NotInstalled:
            raise
        except ministack.DataUnreadable as reason:
            raise DataUnreadable(str(reason)) from None
        except RuntimeError as reason:
            raise CannotStart(f"{reason} It said last: {last_line(self._log)} ({self._log})") from None

    def prepare(self) -> None:
        """Create what is missing there, in a process of its own: whoever all others are forked from has no connections.

        A token that was given out stays as long as it is good. Raises CannotStart.
        """
        file = self._around.folder / "state" / "demo.json"
        log = self._around.folder / "logs" / "preparation.jsonl"
        task = import_module("infra.local.tasks").preparation(file, self.demo.get("token", ""))
        self._preparation = Process("preparation", task, log)
        self._preparation.start()
        deadline = time.monotonic() + PREPARE_SECONDS
        while self._preparation.running() and time.monotonic() < deadline:
            time.sleep(0.02)
        end_all([self._preparation])
        if self._preparation.exit_code != 0:
            raise CannotStart(f"tables, queues or demo data could not be prepared: {last_words(log)} ({log})")
        self.demo = json.loads(file.read_text())

    def look(self) -> bool:
        """Pass on its news, and start it again when it has ended; whether it was. Raises CannotStart."""
        if self._running is None:
            return False
        self._running.news.hear()
        if self._serves():
            return False
        how = how_it_ended(self._running.process.returncode, last_line(self._log))
        self._say(f"The embedded AWS ended unexpectedly ({how}); it is started again. See {self._log}.")
        token = self.demo.get("token", "")
        self._again()
        if self.demo["token"] != token:
            self._say(f"That token is gone with it. The token is now {self.demo['token']}")
        return True

    def stop(self) -> bool:
        """End it, so that it saves; whether all was saved."""
        if self._preparation is not None:
            end_all([self._preparation])
        if self._running is None:
            return True
        self._running.stop()
        return not self._running.lost

    def _again(self) -> None:
        for pause in PAUSES:
            time.sleep(pause)
            try:
                if not self._serves():
                    self.restarts += 1
                    self.start()
                self.prepare()
            except DataUnreadable:
                raise
            except CannotStart as reason:
                # Whatever has ended it once may do so again while it starts.
                if pause == PAUSES[-1]:
                    raise
                self._say(f"It did not come up, and is tried again: {reason}")
            else:
                return

    def _serves(self) -> bool:
        return self._running is not None and self._running.process.poll() is None
