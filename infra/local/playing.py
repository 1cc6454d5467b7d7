"""What the plays against the running system share: asking its API, waiting for what is to come, saying what holds."""

import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import requests
from rich.console import Console

from infra.local.environment import data_folder


class Mismatch(Exception):
    """What the system said is not what it should have said."""


class Play(ABC):
    """One play. `ready`: what `make run` has written down of itself."""

    patience_seconds = 15.0
    answer_seconds = 20.0
    """How long an answer may take; deployed, a Lambda may have to start first."""

    def __init__(self, ready: dict[str, Any], console: Console) -> None:
        self._ready = ready
        self._console = console
        self._api: str = ready["api"]
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {ready['token']}"

    @abstractmethod
    def play(self) -> None:
        """All of it; raises Mismatch."""

    def _get(self, path: str) -> Any:
        return self._request("GET", path, 200)

    def _post(self, path: str, body: dict[str, Any], *expected: int) -> Any:
        return self._request("POST", path, *(expected or (200, 201)), body=body)

    def _request(self, method: str, path: str, *expected: int, body: dict[str, Any] | None = None) -> Any:
        answer = self._session.request(method, f"{self._api}{path}", json=body, timeout=self.answer_seconds)
        if answer.status_code not in expected:
            raise Mismatch(f"{method} {path} was answered {answer.status_code}: {answer.text}")
        return answer.json()

    def _until(self, look: Callable[[], dict[str, Any] | None], otherwise: str) -> dict[str, Any]:
        deadline = time.monotonic() + self.patience_seconds
        while time.monotonic() < deadline:
            found = look()
            if found is not None:
                return found
            time.sleep(0.1)
        raise Mismatch(f"{otherwise} within {self.patience_seconds:.0f} s")

    def _check(self, held: bool, what: str) -> None:
        if not held:
            raise Mismatch(what)
        self._console.print(f"  [green]✓[/] {what}", highlight=False, soft_wrap=True)

    def _note(self, text: str) -> None:
        self._console.print(f"  [dim]{text}[/]", highlight=False, soft_wrap=True)

    def _title(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}[/]")


def perform(kind: type[Play], simulator: str | None = None, otherwise: str = "") -> int:
    """Play it; the exit code: 0 when everything was as it should be. Without this `simulator` it says `otherwise`."""
    console = Console(width=None if sys.stdout.isatty() else 100)
    try:
        ready = json.loads((data_folder() / "ready.json").read_text())
    except OSError:
        console.print("[red]Nothing runs here.[/] Start it in another terminal first: make run")
        return 1
    if simulator and simulator not in ready["simulators"]:
        console.print(otherwise)
        return 1
    try:
        kind(ready, console).play()
    except (Mismatch, requests.RequestException) as error:
        console.print(f"\n[bold red]✗ {error}[/]")
        return 1
    return 0
