"""Saves the emulator's data from a forked child while the emulator goes on serving."""

import asyncio
import gc
import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

from infra.local.emulator.generations import SERVICES, Generation, Store
from infra.local.emulator.news import NOT_SAVED, SAVED, SAVING, Teller, clock_time, megabytes

EVERY_SECONDS = 20.0
SHORTEST_DEADLINE_SECONDS = 30.0
SECONDS_PER_MEGABYTE = 1.0
"""Some twenty times what it takes: whoever takes longer than that hangs."""
ORPHAN_SECONDS = 5.0
"""What a child has beyond its limit before it ends itself, where its parent is not there to end it."""
NICER = 5
LOOK_EVERY_SECONDS = 0.02
LONGEST_REASON = 2000
Capture = Callable[[Path], None]


@dataclass(frozen=True)
class Pace:
    """How often it saves, and how long a save of a size may take."""

    every_seconds: float = EVERY_SECONDS
    shortest_deadline_seconds: float = SHORTEST_DEADLINE_SECONDS

    def deadline(self, size: int) -> float:
        """In seconds, for so many bytes."""
        return self.shortest_deadline_seconds + size / 1e6 * SECONDS_PER_MEGABYTE


class Saver:
    """Decides when to save, and sees to it that a save ends.

    `capture` writes all services' files into a folder. `kept`: the generation that was restored. A save runs in a
    forked child, which goes on even when the emulator is killed meanwhile; only one runs at a time.
    """

    def __init__(
        self, store: Store, capture: Capture, teller: Teller, kept: Generation | None, pace: Pace = Pace()
    ) -> None:
        self._store = store
        self._capture = capture
        self._teller = teller
        self._pace = pace
        self._as_of: datetime | None = kept.as_of if kept else None
        self._size = kept.size if kept else 0
        self._changes = self._saved_changes = 0
        self._objects = self._saved_objects = 0
        self._trouble = ""
        self._one_at_a_time = asyncio.Lock()
        self.open_files: Iterable[int] = ()
        """What the child must keep open (the lock on the folder): it has no use for the emulator's connections."""

    def changed(self, *, objects: bool = True) -> None:
        """To be called after whatever may have changed the data. `objects`: also the contents of buckets."""
        if self._changes == self._saved_changes:
            with suppress(OSError):  # a disk that takes nothing any more is told of when it is saved to
                self._store.note_changed()
        self._changes += 1
        self._objects += objects

    async def save_regularly(self) -> NoReturn:
        """Save every so often if anything has changed, for ever."""
        while True:
            begun = time.monotonic()
            if self._changes != self._saved_changes:
                await self.save()
            await asyncio.sleep(max(self._pace.every_seconds - (time.monotonic() - begun), 0.1))

    async def save_last(self) -> bool:
        """Save what is not saved yet, at a stop; whether all is saved. Says what is lost."""
        async with self._one_at_a_time:
            pass  # a save may be under way
        if self._changes == self._saved_changes:
            return True
        limit = self._pace.deadline(self._size)
        self._teller.tell(SAVING, f"Saving {megabytes(self._size)} …" if self._size else "Saving …", seconds=limit)
        if await self.save(last=True):
            return True
        lost = f"what has changed since {clock_time(self._as_of)}" if self._as_of else "everything: nothing was saved"
        self._teller.tell(NOT_SAVED, f"The data could not be saved: {self._trouble}. Lost is {lost}.", lost=True)
        return False

    async def save(self, *, last: bool = False) -> bool:
        """Save now; whether it worked. What did not is said once, and again when it works."""
        async with self._one_at_a_time:
            if self._changes == self._saved_changes:  # whoever had its turn before has saved it
                return True
            changes, objects, as_of, begun = self._changes, self._objects, datetime.now(UTC), time.monotonic()
            trouble = await self._fork_and_wait(as_of)
            if trouble:
                if not last and trouble != self._trouble:
                    self._say_trouble(trouble)
                self._trouble = trouble
                return False
            self._saved_changes, self._saved_objects = changes, objects
            if self._changes == changes:
                with suppress(OSError):
                    self._store.note_unchanged()
            recovered, self._trouble, self._as_of = bool(self._trouble), "", as_of
            self._size = self._store.size()
            text = f"The data is saved again, as of {clock_time(as_of)}." if recovered else ""
            seconds = round(time.monotonic() - begun, 3)
            self._teller.tell(SAVED, text, as_of=as_of.isoformat(), size=self._size, seconds=seconds)
            return True

    def _say_trouble(self, trouble: str) -> None:
        kept = f"What is saved is as of {clock_time(self._as_of)}" if self._as_of else "Nothing is saved yet"
        again = f"it is tried again every {self._pace.every_seconds:.0f} s"
        self._teller.tell(NOT_SAVED, f"The data could not be saved: {trouble}. {kept}; {again}.", lost=False)

    async def _fork_and_wait(self, as_of: datetime) -> str:
        """Empty when it worked, else why not."""
        limit = self._pace.deadline(self._size)
        try:
            folder = self._store.begin()
            if self._as_of is None or self._objects != self._saved_objects:
                # Here, since the child would miss what is removed meanwhile. It takes the longer the more there are.
                self._store.link_objects(folder)
            reader, writer = os.pipe()
            pid = os.fork()
        except (OSError, ValueError) as error:
            return _reason(error)
        if pid == 0:
            self._child(folder, as_of, writer, limit)
        os.close(writer)
        try:
            code = await _end_of(pid, limit)
            reason = os.read(reader, LONGEST_REASON).decode(errors="replace")
        finally:
            os.close(reader)
        if code == 0:
            return ""
        self._store.discard(folder)
        if code is None:
            return f"it took more than {limit:.0f} s, and was given up"
        return reason or f"the process that saves was ended ({signal.Signals(-code).name if code < 0 else code})"

    def _child(self, folder: Path, as_of: datetime, writer: int, limit: float) -> NoReturn:
        code = 1
        try:
            _become_a_child({writer, *self.open_files}, limit)
            self._capture(folder / SERVICES)
            self._store.finish(folder, as_of)
            code = 0
        except BaseException as error:  # noqa: BLE001 - told to the parent, which has to decide
            os.write(writer, _reason(error).encode()[:LONGEST_REASON])
        finally:
            os._exit(code)


def _become_a_child(keep: set[int], limit: float) -> None:
    # Deaf to the parent's signals, and ended by an alarm even when the parent is killed.
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limit + ORPHAN_SECONDS)
    # Without the sockets: whoever is connected to a killed emulator shall notice, and its port shall be free.
    fence = [2, *sorted(keep), os.sysconf("SC_OPEN_MAX")]
    for before, after in pairwise(fence):
        os.closerange(before + 1, after)
    gc.disable()  # it would touch, and so copy, every page
    os.nice(NICER)


async def _end_of(pid: int, limit: float) -> int | None:
    """The exit code of the child; None when it took longer, and was killed."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}" + (f" ({error.filename})" if error.filename else "")
    return f"{type(error).__name__}: {error}"
