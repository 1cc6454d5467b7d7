"""`make run`: the whole system on one machine, until Ctrl-C or SIGTERM."""

import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

from infra.local import ministack, shape
from infra.local.embedded import CannotStart, Embedded
from infra.local.environment import Misconfigured, Surroundings, chosen_port, data_folder, survey, write_private
from infra.local.ports import listen, url
from infra.local.processes import die_with_parent
from infra.local.simulators.state_file import StateUnreadable
from infra.local.supervisor import Supervisor
from infra.local.welcome import welcome

READY_SECONDS = 30.0
LOOK_EVERY_SECONDS = 0.2
LEFTOVERS_SECONDS = 15.0
ENDING_SECONDS = 1.0


class Stopped(BaseException):
    """Somebody wants us to stop; raised by the signal's handler."""


class CannotGoOn(RuntimeError):
    """What has died does not come up again."""


def main() -> int:
    """The exit code: 0 after a wanted stop that saved everything, else 1."""
    try:
        port, folder = chosen_port(os.environ), data_folder()
        with only_one(folder, port), _listening(port) as listener:
            ministack.outlast(folder / "aws", say)  # until then its port is taken
            return _run(survey(os.environ, port, folder), listener)
    except (
        CannotStart,
        Misconfigured,
        StateUnreadable,
        ministack.NotInstalled,
        ministack.InUse,
        shape.OtherShape,
    ) as reason:
        print(f"PilotPractice cannot start: {reason}", file=sys.stderr)
        return 1


def _run(around: Surroundings, listener: socket.socket) -> int:
    around.apply(os.environ)
    _on_signals(_stop)
    if "MAKELEVEL" in os.environ:
        die_with_parent()
    system = LocalSystem(around, listener)
    requested = saved = False
    try:
        system.begin()
        system.watch()
    except Stopped:
        say("Stopping …")
        requested = True
    except CannotGoOn as reason:
        say(f"PilotPractice cannot go on: {reason}")
    finally:
        _on_signals(signal.SIG_IGN)
        saved = system.end()
    if not (requested and saved):
        return 1
    say("All data is saved.")
    return 0


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


class LocalSystem:
    """The embedded AWS and everything that runs against it."""

    def __init__(self, around: Surroundings, listener: socket.socket) -> None:
        self._around = around
        self._listener = listener
        self._supervisor = Supervisor(say)
        self._aws = Embedded(around, say)
        self._ready = around.folder / "ready.json"

    def begin(self) -> None:
        """Start all, wait until all works, and say so. Raises CannotStart."""
        started = time.monotonic()
        self._ready.unlink(missing_ok=True)
        shape.check(self._around.folder)
        say(f"Starting PilotPractice on {self._around.api} …")
        tasks = import_module("infra.local.tasks")
        tasks.check_states(self._around)
        self._aws.start()
        tasks.warm()
        self._aws.prepare()
        for process in tasks.processes(self._around, self._listener, self._aws.demo):
            self._supervisor.start(process)
        late = self._supervisor.wait_ready(READY_SECONDS)
        if late:
            raise CannotStart(f"{', '.join(late)} did not come up; see {self._around.folder / 'logs'}.")
        self._write_ready()
        say(welcome(self._around, self._aws.demo, time.monotonic() - started))

    def watch(self) -> NoReturn:
        """Start again whatever dies, for ever. Raises CannotGoOn when that is no use."""
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            changed = self._supervisor.look()
            try:
                started_again = self._aws.look()
            except CannotStart as reason:
                raise CannotGoOn(str(reason)) from None
            if started_again:
                # What it has lost, the vendors may know: they are asked at once, and not when it is due.
                self._supervisor.restart("scheduler")
                changed = True
            if changed:
                self._write_ready()

    def end(self) -> bool:
        """Stop all; the embedded AWS last and gracefully, so that it saves. Whether all was saved."""
        self._ready.unlink(missing_ok=True)
        self._supervisor.stop()
        return self._aws.stop()

    def _write_ready(self) -> None:
        around, aws = self._around, self._aws
        facts = {
            "api": around.api,
            "token": aws.demo.get("token", ""),
            "aws": around.aws,
            "simulators": {vendor: around.simulator(vendor) for vendor in around.simulated},
            "pids": {"supervisor": os.getpid(), **aws.pids, **self._supervisor.pids()},
            "restarts": {"aws": aws.restarts, **self._supervisor.restarts()},
            "demo": aws.demo,
            "environment": around.variables,
        }
        write_private(self._ready, json.dumps(facts, indent=2) + "\n")


@contextmanager
def only_one(folder: Path, port: int) -> Iterator[None]:
    """Hold this folder's lock. Our children inherit it, so that it is free only when all of them are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "run.lock", "a+") as lock:
        begun = time.monotonic()
        while not _locked(lock):
            lock.seek(0)
            pid, where = [*lock.read().split(), "", ""][:2]
            waited = time.monotonic() - begun
            if waited > (ENDING_SECONDS if _command_line(pid) else LEFTOVERS_SECONDS):
                raise CannotStart(f"it already runs from this checkout, on {where}; `kill {pid}` stops it.")
            time.sleep(0.1)  # perhaps that one was killed, and its children are just ending
        lock.truncate(0)
        lock.write(f"{os.getpid()} {url(port)}")
        lock.flush()
        yield


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """The API's socket, taken before anything else is started."""
    try:
        listener = listen(port)
    except PermissionError:
        raise CannotStart(f"port {port} may not be opened by this user; choose another with PILOT_PORT.") from None
    except OSError:
        raise CannotStart(
            f"port {port} is taken by another program. Choose another: `PILOT_PORT={port + 10} make run`."
        ) from None
    with listener:
        yield listener


def _command_line(pid: int | str) -> bytes:
    """Empty when there is no such process any more, or only its remains."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _stop(number: int, frame: object) -> None:
    raise Stopped


def _on_signals(handler: Any) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
