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
from infra.local.environment import Misconfigured, Surroundings, data_folder, survey, wanted_port, write_private
from infra.local.ports import listen, url
from infra.local.processes import Process, die_with_parent, end_all, last_words
from infra.local.supervisor import Supervisor
from infra.local.welcome import welcome

READY_SECONDS = 30.0
PREPARE_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.2
OLD_AWS_SECONDS = 20.0
LEFTOVERS_SECONDS = 15.0
ENDING_SECONDS = 1.0


class Stopped(BaseException):
    """Somebody wants us to stop; raised by the signal's handler."""


class CannotStart(RuntimeError):
    """Something is in the way; the message says what, and what to do."""


def main() -> int:
    """The exit code: 0 after a wanted stop, 1 when it could not start."""
    try:
        port, folder = wanted_port(os.environ), data_folder()
        with only_one(folder, port), _listening(port) as listener:
            return _run(survey(os.environ, port, folder), listener)
    except (CannotStart, Misconfigured, ministack.NotInstalled, shape.OtherShape) as reason:
        print(f"PilotPractice cannot start: {reason}", file=sys.stderr)
        return 1


def _run(around: Surroundings, listener: socket.socket) -> int:
    around.apply(os.environ)
    _on_signals(_stop)
    if "MAKELEVEL" in os.environ:
        die_with_parent()
    system = LocalSystem(around, listener)
    try:
        system.begin()
        system.watch()
    except Stopped:
        say("Stopping …")
        return 0
    finally:
        _on_signals(signal.SIG_IGN)
        system.end()


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


class LocalSystem:
    """The embedded AWS and everything that runs against it."""

    def __init__(self, around: Surroundings, listener: socket.socket) -> None:
        self._around = around
        self._listener = listener
        self._supervisor = Supervisor(say)
        self._preparation: Process | None = None
        self._aws: ministack.MiniStack | None = None
        self._ready = around.folder / "ready.json"
        self._demo: dict[str, Any] = {}

    def begin(self) -> None:
        """Start all, wait until all works, and say so. Raises CannotStart."""
        started = time.monotonic()
        _outlast(self._ready)
        shape.check(self._around.folder)
        say(f"Starting PilotPractice on {self._around.api} …")
        self._start_aws()
        tasks = import_module("infra.local.tasks")
        tasks.warm()
        self._prepare()
        for process in tasks.processes(self._around, self._listener, self._demo):
            self._supervisor.start(process)
        late = self._supervisor.wait_ready(READY_SECONDS)
        if late:
            raise CannotStart(f"{', '.join(late)} did not come up; see {self._around.folder / 'logs'}.")
        self._write_ready()
        say(welcome(self._around, self._demo, time.monotonic() - started))

    def watch(self) -> NoReturn:
        """Restart whatever dies, for ever."""
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            changed = self._supervisor.look()
            if self._aws is not None and self._aws.process.poll() is not None:
                say(f"The embedded AWS ended unexpectedly; it starts again as of its last stop. See {self._aws_log}.")
                self._start_aws()
                self._prepare()
                changed = True
            if changed:
                self._write_ready()

    def end(self) -> None:
        """Stop all; the embedded AWS last and gracefully, so that it writes its state."""
        self._ready.unlink(missing_ok=True)
        if self._preparation is not None:
            end_all([self._preparation])
        self._supervisor.stop()
        if self._aws is not None:
            self._aws.stop()

    @property
    def _aws_log(self) -> Path:
        return self._around.folder / "logs" / "aws.log"

    def _start_aws(self) -> None:
        self._aws_log.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._aws = ministack.start(self._around.aws_port, self._around.folder / "aws", log=self._aws_log)
        except (ministack.PortTaken, RuntimeError) as error:
            raise CannotStart(f"{error} See {self._aws_log}.") from None

    def _prepare(self) -> None:
        # In a process of its own: the parent, from which all others are forked, keeps no connections.
        file = self._around.folder / "state" / "demo.json"
        log = self._around.folder / "logs" / "preparation.jsonl"
        self._preparation = Process("preparation", import_module("infra.local.tasks").preparation(file), log)
        self._preparation.start()
        deadline = time.monotonic() + PREPARE_SECONDS
        while self._preparation.running() and time.monotonic() < deadline:
            time.sleep(0.02)
        if self._preparation.exit_code != 0:
            raise CannotStart(f"tables, queues or demo data could not be prepared: {last_words(log)} ({log})")
        self._demo = json.loads(file.read_text())

    def _write_ready(self) -> None:
        around = self._around
        aws = {} if self._aws is None else {"aws": self._aws.process.pid}
        facts = {
            "api": around.api,
            "token": self._demo.get("token", ""),
            "aws": around.aws,
            "simulators": {vendor: around.simulator(vendor) for vendor in around.simulated},
            "pids": {"supervisor": os.getpid(), **aws, **self._supervisor.pids()},
            "demo": self._demo,
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


def _outlast(ready: Path) -> None:
    """After a crash the old embedded AWS may still be writing its state: wait for it."""
    try:
        pid = json.loads(ready.read_text())["pids"]["aws"]
    except (OSError, ValueError, KeyError):
        return
    ready.unlink()
    deadline = time.monotonic() + OLD_AWS_SECONDS
    while b"ministack" in _command_line(pid) and time.monotonic() < deadline:
        time.sleep(0.1)


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
