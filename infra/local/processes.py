"""Processes forked from one warmed parent: each with its log, stopped by SIGTERM, never outliving the parent."""

import ctypes
import json
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import TextIOBase
from pathlib import Path

GRACE_SECONDS = 12
"""How long a process may take over its last work; then it ends all the same."""
ORPHAN_SECONDS = 3
"""The same once the parent was killed: the embedded AWS is going down at the same time."""
LARGEST_LOG = 20_000_000
LONGEST_TAIL = 100_000
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Life:
    """What a task is given: `stop` is set when it shall end; it calls `ready` once it works."""

    stop: threading.Event
    ready: Callable[[], None]


Task = Callable[[Life], None]


@dataclass
class Process:
    """A task in a process of its own. `stage`: lower ones are stopped first."""

    name: str
    task: Task
    log: Path
    stage: int = 0
    pid: int = 0
    started: float = 0.0
    restarts: int = 0
    failures: int = 0
    """How often it died soon after its start, one after the other."""
    exit_code: int | None = None
    _ready: int = field(default=-1, repr=False)

    def start(self) -> None:
        """Fork; returns in the parent only."""
        if self._ready >= 0:
            os.close(self._ready)
        self.started, self.exit_code = time.monotonic(), None
        with _held_back():
            self.pid, self._ready = _fork(self.task, self.name, self.log)

    def running(self) -> bool:
        """Whether it still runs; notes its exit code when it does not."""
        if self.pid and self.exit_code is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            if found:
                self.exit_code = os.waitstatus_to_exitcode(status)
        return bool(self.pid) and self.exit_code is None

    def wait_ready(self, seconds: float) -> bool:
        """Whether it said, within `seconds`, that it works."""
        if self._ready < 0:
            return True
        ready, _, _ = select.select([self._ready], [], [], max(seconds, 0))
        said = bool(ready) and os.read(self._ready, 1) == b"1"
        if ready:
            os.close(self._ready)
            self._ready = -1
        return said

    def send(self, number: int) -> None:
        """Send it a signal if it still runs."""
        if self.running():
            os.kill(self.pid, number)


def end_all(processes: list[Process], seconds: float = GRACE_SECONDS + 1) -> None:
    """Stop them together: SIGTERM, and SIGKILL for what is left after `seconds`."""
    for one in processes:
        one.send(signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while any([one.running() for one in processes]) and time.monotonic() < deadline:
        time.sleep(0.02)
    for one in processes:
        one.send(signal.SIGKILL)
    while any([one.running() for one in processes]):
        time.sleep(0.02)


def last_words(log: Path) -> str:
    """The last line of the last message in a log of JSON lines: of a traceback that is the error itself."""
    try:
        message = str(json.loads(last_line(log))["message"])
        return message.splitlines()[-1]
    except (ValueError, LookupError, TypeError):
        return "it left no word"


def last_line(log: Path) -> str:
    """The last line of a log in plain text; "" when there is none."""
    try:
        with open(log, "rb") as opened:
            opened.seek(max(log.stat().st_size - LONGEST_TAIL, 0))
            lines = opened.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def how_it_ended(exit_code: int | None, last: str) -> str:
    """For people: the signal or the exit code of a process, and the last line of its log."""
    if exit_code is not None and exit_code < 0:
        known = {each.value: each.name for each in signal.Signals}
        how = f"killed by {known.get(-exit_code, f'signal {-exit_code}')}"
    else:
        how = f"exit code {exit_code}"
    # Whoever is killed from outside had no time for a last word: what stands there is of something else.
    outside = exit_code in (-signal.SIGKILL, -signal.SIGTERM)
    return how if outside or not last else f"{how}; it said last: {last}"


def die_with_parent(number: int = signal.SIGTERM) -> None:
    """Ask the kernel to send this process `number` when its parent is gone, however that ended (Linux only)."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


@contextmanager
def _held_back() -> Iterator[None]:
    # A signal between fork and the child's own handling would run the parent's handler in the child, or let the parent
    # end without knowing of the child.
    held = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, held)


def _fork(task: Task, name: str, log: Path) -> tuple[int, int]:
    reader, writer = os.pipe()
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _child(task, name, log, parent, writer)
    os.close(writer)
    return pid, reader


def _child(task: Task, name: str, log: Path, parent: int, writer: int) -> None:
    code = 1
    try:
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)
        _log_to(log, name)
        task(Life(_stop_event(parent), lambda: _say_ready(writer)))
        code = 0
    except BaseException:  # noqa: BLE001 - the last stop of whatever a task did not handle
        sys.stderr.write(traceback.format_exc())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # not exit(): what the parent registered to happen at its own exit is not for us


def _say_ready(writer: int) -> None:
    os.write(writer, b"1")
    os.close(writer)


def _stop_event(parent: int) -> threading.Event:
    """An event set at SIGTERM by a thread: set in a signal handler it could interrupt its own wait, and hang."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent passes on the stop
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGTERM})
    stop = threading.Event()

    def watch() -> None:
        signal.sigwait({signal.SIGTERM})
        stop.set()
        time.sleep(GRACE_SECONDS if os.getppid() == parent else ORPHAN_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="stop").start()
    return stop


def _log_to(path: Path, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LARGEST_LOG:
        path.replace(path.with_name(path.name + ".1"))
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    os.close(nothing)
    sys.stderr = _JsonLines(name)


class _JsonLines(TextIOBase):
    """Standard error as log lines: warnings and tracebacks become one JSON object each, like everything else there."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.RLock()
        self._kept = ""

    def write(self, text: str) -> int:
        """Keep the text until `flush` or until a line that ends a traceback or a message."""
        with self._lock:
            self._kept += text
            if text.endswith("\n") and not self._kept.startswith("Traceback"):
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Write what is kept as one line."""
        with self._lock:
            message, self._kept = self._kept.strip(), ""
            if message:
                at = datetime.now(UTC).isoformat(timespec="milliseconds")
                line = {"level": "ERROR", "location": self._name, "message": message, "timestamp": at}
                os.write(1, json.dumps({**line, "service": "pilot"}).encode() + b"\n")
