"""The embedded AWS: starts and stops a MiniStack process in an environment of its own."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.local.emulator.news import CANNOT_READ, IN_USE, NOT_SAVED, SAVING, STOPPING, clock_time
from infra.local.processes import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".local" / "ministack-venv" / "bin" / "python"
START_SECONDS = 20.0
"""Without data of its own."""
READ_SECONDS = 180.0
"""How long it may read its data at a start."""
STOP_SECONDS = 20.0
"""How long it may take to hear of a stop, and to end once it has saved."""
OTHER_SECONDS = 300.0
"""How long one waits for the emulator of before, which is saving."""
Tell = Callable[[str], None]


class PortTaken(RuntimeError):
    """Something else listens there already."""


class NotInstalled(RuntimeError):
    """`make setup` has not been run."""


class DataUnreadable(RuntimeError):
    """There is data from before, and it cannot be read; the message names the files and what to do."""


class InUse(RuntimeError):
    """Another process works on that data."""


class News:
    """What the emulator tells on its pipe; sentences for people go to `tell`."""

    def __init__(self, pipe: int, tell: Tell) -> None:
        os.set_blocking(pipe, False)
        self._pipe = pipe
        self._tell = tell
        self._rest = b""
        self.last = ""
        self.as_of = ""

    def hear(self) -> list[dict[str, Any]]:
        """What is new; never waits."""
        try:
            while read := os.read(self._pipe, 65_536):
                self._rest += read
        except BlockingIOError:
            pass
        *lines, self._rest = self._rest.split(b"\n")
        news: list[dict[str, Any]] = [json.loads(line) for line in lines]
        for each in news:
            self.as_of = each.get("as_of", self.as_of)
            if each["text"]:
                self.last = each["text"]
                self._tell(each["text"])
        return news

    def say(self, text: str) -> None:
        """Tell people of something that the emulator could not tell itself."""
        self._tell(text)

    def close(self) -> None:
        """Hear no more."""
        os.close(self._pipe)


@dataclass
class MiniStack:
    """A running MiniStack. `stop` is graceful where it was given a place for its data, so that it saves.

    `lost`: after a stop, whether something could not be saved.
    """

    url: str
    process: subprocess.Popen[bytes]
    scratch: Path
    news: News
    keeps: bool = True
    lost: bool = field(default=False, init=False)

    def stop(self) -> None:
        """End it and wait, as long as it saves; then remove what it left in its scratch folder."""
        if self.process.poll() is None and self.keeps:
            self.process.send_signal(signal.SIGTERM)
            self._see_it_end()
        # The Lambdas that it runs are of its process group; with them alive it would take twenty seconds and more.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.news.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _see_it_end(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while self.process.poll() is None:
            for each in self.news.hear():
                if each["kind"] in (STOPPING, SAVING):
                    deadline = time.monotonic() + each.get("seconds", 0.0) + STOP_SECONDS
                self.lost |= each["kind"] == NOT_SAVED and each["lost"]
            if time.monotonic() > deadline:
                since = clock_time(datetime.fromisoformat(self.news.as_of)) if self.news.as_of else "it was started"
                self.news.say(f"The embedded AWS does not end, and is killed. What has changed since {since} is lost.")
                self.lost = True
                return
            time.sleep(0.02)
        for each in self.news.hear():
            self.lost |= each["kind"] == NOT_SAVED and each["lost"]


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def python() -> Path:
    """The Python that MiniStack is installed for; raises NotInstalled."""
    if not PYTHON.exists():
        raise NotInstalled(f"MiniStack is not installed ({PYTHON} is missing): run `make setup`.")
    return PYTHON


@dataclass(frozen=True)
class Variant:
    """How it differs from the one of `make run`. `auth`: policies are enforced. `launcher`: a script that starts it on
    its own interpreter, with something added and nothing kept."""

    auth: bool = False
    launcher: Path | None = None


def start(
    port: int = 0,
    data_dir: Path | None = None,
    *,
    log: Path | None = None,
    tell: Tell = lambda text: None,
    variant: Variant = Variant(),
) -> MiniStack:
    """Start it on 127.0.0.1 and wait until it answers. With `data_dir` its data survives whatever ends it.

    `tell` is given sentences for people: what was restored, what could not be saved. Raises PortTaken, NotInstalled,
    DataUnreadable, or RuntimeError with its last words when it does not come up.
    """
    port = port or free_port()
    if data_dir:
        outlast(data_dir, tell)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortTaken(f"Port {port} is taken, and the embedded AWS wants it.") from None
    # A folder of its own: MiniStack leaves some 48 MB per deployed Lambda behind in TMPDIR.
    scratch = ROOT / ".local" / f"ministack-tmp-{port}"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    reader, writer = os.pipe()
    output = open(log, "ab") if log else subprocess.DEVNULL  # noqa: SIM115 - handed to the process
    ours = ["-m", "infra.local.emulator", "--news", str(writer), *_data_options(data_dir)]
    command = [str(python()), *([str(variant.launcher)] if variant.launcher else ours)]
    process = subprocess.Popen(
        command,
        env=_environment(port, scratch, variant.auth),
        stdout=output,
        stderr=output,
        cwd=scratch,
        start_new_session=True,
        pass_fds=(writer,),
        preexec_fn=die_with_parent,
    )
    os.close(writer)
    if log:
        output.close()  # type: ignore[union-attr]
    running = MiniStack(f"http://127.0.0.1:{port}", process, scratch, News(reader, tell), keeps=data_dir is not None)
    try:
        _wait(running)
    except BaseException:  # a stop asked for meanwhile, too
        running.stop()
        raise
    return running


def outlast(data_dir: Path, tell: Tell) -> None:
    """Wait for an emulator of before, or a child of it, which is still saving there. Raises InUse."""
    file = data_dir / "lock"
    if not file.exists():
        return
    deadline, said = time.monotonic() + OTHER_SECONDS, False
    with open(file, "a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return  # closing the file gives the lock back
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise InUse(f"Another process works on {data_dir}; `fuser {file}` names it.") from None
            if not said:
                tell("The embedded AWS of before is still saving; waiting for it …")
                said = True
            time.sleep(0.05)


def _data_options(data_dir: Path | None) -> list[str]:
    if not data_dir:
        return []
    every = os.environ.get("PILOT_LOCAL_SAVE_SECONDS")  # for tests
    return ["--data", str(data_dir), *(["--save-every", every] if every else [])]


def _environment(port: int, scratch: Path, auth: bool) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PILOT_", "PYTHON"))}
    return kept | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "TMPDIR": str(scratch),
        "STATE_DIR": str(scratch / "state"),
        "AUTH": "true" if auth else "false",
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
    }


def _wait(running: MiniStack) -> None:
    deadline = time.monotonic() + (READ_SECONDS if running.keeps else START_SECONDS)
    while time.monotonic() < deadline:
        running.news.hear()
        ended = running.process.poll()
        if ended is not None:
            running.news.hear()
            if ended == CANNOT_READ:
                raise DataUnreadable(running.news.last)
            if ended == IN_USE:
                raise InUse(running.news.last)
            raise RuntimeError(f"MiniStack ended at once ({ended}).")
        try:
            with urllib.request.urlopen(f"{running.url}/_ministack/health", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("MiniStack did not answer in time.")
