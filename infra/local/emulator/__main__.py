"""Starts the emulator: reads and checks its data, serves, saves. `python -m infra.local.emulator --help`."""

import argparse
import fcntl
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from infra.local.emulator.generations import Found, NothingReadable, Store, Unreadable
from infra.local.emulator.news import CANNOT_READ, IN_USE, RESTORED, UNREADABLE, Teller, clock_time, megabytes
from infra.local.emulator.saver import EVERY_SECONDS, Pace, Saver

LARGE = 5_000_000


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM; the exit code."""
    options = _options(arguments)
    os.environ.pop("PYTHONPATH", None)  # Lambdas that run under this Python shall not find the house by it
    teller = Teller(options.news)
    saver = None
    if options.data:
        store = Store(options.data)
        lock = _locked(options.data)
        if lock is None:
            teller.tell(UNREADABLE, f"Another process works on {options.data}.")
            return IN_USE
        os.environ |= {"S3_PERSIST": "1", "S3_DATA_DIR": str(store.objects)}  # before MiniStack is imported
        try:
            found = _restore(store, teller)
        except NothingReadable as nothing:
            teller.tell(UNREADABLE, nothing_readable(nothing, options.data))
            return CANNOT_READ
        saver = _saver(store, teller, found, options.save_every)
        saver.open_files = (lock,)
    _serve(teller, saver)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="infra.local.emulator", description=__doc__)
    parser.add_argument("--data", type=Path, help="where its data is kept; nothing is kept unless given")
    parser.add_argument("--news", type=int, help="the pipe to tell news on")
    parser.add_argument("--save-every", type=float, default=EVERY_SECONDS, metavar="SECONDS")
    return parser.parse_args(arguments)


def _locked(data: Path) -> int | None:
    """The lock on the folder, held as long as this process or a child that saves lives; None when another has it."""
    data.mkdir(parents=True, exist_ok=True)
    lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _restore(store: Store, teller: Teller) -> Found | None:
    """Read the newest whole generation into MiniStack and say what it is; raises NothingReadable."""
    if (size := store.size()) > LARGE:
        teller.tell(RESTORED, f"Reading {megabytes(size)} of data …")
    found = store.newest()
    message = _message(store, found)
    store.take_objects(found.generation if found else None)
    from infra.local.emulator import services

    if found:
        try:
            services.restore(found.generation.folder / "services")
        except Unreadable as bad:
            raise NothingReadable([bad.fault]) from bad
    teller.tell(RESTORED, message, as_of=found.generation.as_of.isoformat() if found else "")
    with suppress(OSError):
        store.note_unchanged()
    return found


def _message(store: Store, found: Found | None) -> str:
    if found is None:
        begun = store.objects.exists() and not store.unchanged
        return "The embedded AWS ended before anything was saved, and begins anew." if begun else ""
    as_of = clock_time(found.generation.as_of)
    if found.faults:
        files = "; ".join(map(str, found.faults))
        return (
            f"The newest saved data cannot be read: {files}. The one before is used, as of {as_of}: what has changed "
            "since is not there. What cannot be read stays under that name."
        )
    if not store.unchanged:
        return f"The embedded AWS ended without saving. The data is as of {as_of}: what has changed since is not there."
    return ""


def nothing_readable(nothing: NothingReadable, data: Path) -> str:
    """What to say and do when no generation can be read."""
    files = "; ".join(map(str, nothing.faults))
    return (
        f"The saved data in {data} cannot be read: {files}. Nothing there has been changed. "
        "Put the files back from a copy of that folder, or begin anew without them: `make reset`."
    )


def _saver(store: Store, teller: Teller, found: Found | None, every_seconds: float) -> Saver:
    from infra.local.emulator import services

    kept = found.generation if found else None
    return Saver(store, services.collect, teller, kept, Pace(every_seconds))


def _serve(teller: Teller, saver: Saver | None) -> None:
    from hypercorn.config import Config
    from ministack import app

    from infra.local.emulator.serving import Watched

    Config.shutdown_timeout = 24 * 3600.0  # a save has a deadline of its own
    app.app = Watched(app.app, teller, saver)
    sys.argv = ["ministack"]
    app.main()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
