"""The system that `make run` starts, on ports and in a folder of its own, for tests that kill parts of it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from infra.local.ministack import ROOT, free_port

VENDOR_KEYS = (
    *("RETELL_API_KEY", "RETELL_BASE_URL", "CALCOM_API_KEY", "CALCOM_BASE_URL", "CALCOM_WEBHOOK_SECRET"),
    *("TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID", "TWILIO_BASE_URL"),
)
START_SECONDS = 60
STOP_SECONDS = 20


class Checkout:
    """A folder for the local system's data, and a port for its API."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.port = free_port()
        self._variables = variables
        self._running: list[subprocess.Popen[str]] = []

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in (*VENDOR_KEYS, "MAKELEVEL")}
        mine = {"PILOT_PORT": str(self.port), "PILOT_LOCAL_DIR": str(self.folder)}
        return {**kept, **mine, **self._variables}

    def run(self, module: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", module], cwd=ROOT, env=self.environment() | more, text=True, capture_output=True,
            timeout=60, check=False,
        )  # fmt: skip

    def start(self) -> "subprocess.Popen[str]":
        with open(self.folder / "output", "w") as output:
            running = subprocess.Popen(
                [sys.executable, "-m", "infra.local.run"], cwd=ROOT, env=self.environment(), stdout=output,
                stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
        self._running.append(running)
        until(lambda: self._is_ready(running.pid) or running.poll() is not None, START_SECONDS)
        assert running.poll() is None, self.output()
        return running

    @property
    def running(self) -> "subprocess.Popen[str] | None":
        return next((one for one in self._running if one.poll() is None), None)

    def bookings(self) -> Any:
        """What the simulated Cal.com has."""
        return requests.get(f"{self.ready()['simulators']['calcom']}/_sim/bookings", timeout=10).json()["data"]

    def end(self) -> None:
        for running in self._running:
            if running.poll() is None:
                running.terminate()
                running.wait(STOP_SECONDS)

    def _is_ready(self, pid: int) -> bool:
        # A start after a crash finds the old file there.
        return self.file.exists() and bool(self.ready()["pids"]["supervisor"] == pid)

    @property
    def file(self) -> Path:
        return self.folder / "ready.json"

    def ready(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.file.read_text())
        return facts

    def output(self) -> str:
        return (self.folder / "output").read_text()

    def request(self, method: str, path: str, body: Any = None, token: str = "", **headers: str) -> requests.Response:
        ready = self.ready()
        authorization = {"Authorization": f"Bearer {token or ready['token']}"}
        return requests.request(method, ready["api"] + path, json=body, headers=authorization | headers, timeout=10)

    def get(self, path: str) -> Any:
        answer = self.request("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def kill(self, name: str) -> None:
        """Kill a process hard, and wait until another is there in its place."""
        before = self.ready()["pids"][name]
        os.kill(before, signal.SIGKILL)
        until(lambda: self.file.exists() and self.ready()["pids"].get(name) not in (None, before), START_SECONDS)

    def as_of(self) -> list[datetime]:
        """The times that its starts said their data is of."""
        today = datetime.now().astimezone()
        found = re.findall(r"The data is as of (\d\d):(\d\d):(\d\d)", self.output())
        return [
            today.replace(hour=int(hour), minute=int(minute), second=int(second), microsecond=0).astimezone(UTC)
            for hour, minute, second in found
        ]

    def wait_for_a_save(self) -> None:
        """Until there is a generation at all; while people book there is always more than it has."""
        until(lambda: (self.folder / "aws" / "current.json").exists(), START_SECONDS)

    def wait_until_saved(self) -> None:
        """Until nothing is there that is not saved; comes true only where nobody changes anything."""
        until(lambda: (self.folder / "aws" / "unchanged").exists(), START_SECONDS)


def until(held: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not held():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        # What is left of an orphan until its new parent takes note has no command line.
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def stopped(running: "subprocess.Popen[str]", number: signal.Signals, pids: dict[str, int]) -> int:
    """The exit code after the signal; by then none of the processes is left, or soon after where it was killed."""
    running.send_signal(number)
    code = running.wait(STOP_SECONDS)
    until(lambda: not any(alive(pid) for pid in pids.values()), STOP_SECONDS if number == signal.SIGKILL else 0.5)
    return code
