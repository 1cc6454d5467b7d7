"""`make demo-missed-call`: a caller whom nobody answers, played against the running system."""

import random
import sys
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

from infra.local.demo_practice import AGENT, STAFF_PHONE
from infra.local.playing import Mismatch, Play, perform

MESSAGE_SECONDS = 12


class DemoMissedCall(Play):
    """One call, from ringing to the text that the caller gets."""

    patience_seconds = 30.0

    def __init__(self, ready: dict[str, Any], console: Console) -> None:
        super().__init__(ready, console)
        self._twilio: str = ready["simulators"]["twilio"]
        self._number: str = ready["demo"]["phone_number"]
        # A new caller each time: whoever called within the hour would get no second text.
        self._caller = f"+491511{random.randrange(10**7):07}"

    def play(self) -> None:
        """All of it; raises Mismatch."""
        self._title("The telephone rings")
        self._ring()
        self._title("Staff see the missed call")
        missed = self._until(self._missed, "the call was not listed as missed")
        self._check(missed["caller"] == self._caller, f"GET /api/missed-calls: {missed['id']} from {missed['caller']}")
        left = missed["voicemail"]
        self._check(left["seconds"] == MESSAGE_SECONDS, f"the mailbox has {left['seconds']} s: {left['url']}")
        self._title("The caller gets a text")
        text = self._until(self._text, "no text was sent")
        self._console.print(f"  [cyan]{text['body']}[/]", highlight=False, soft_wrap=True)
        self._check(text["from"] == self._number, f"from {text['from']} to {text['to']}")
        self._title("They call once more, and get no second text")
        self._ring()
        again = self._until(lambda: self._missed(2), "the second call was not listed")
        self._check(again["text_back"] == "texted_already", f"{again['id']}: {again['text_back']}")
        self._check(len(self._texts()) == 1, "texts to this number: 1")

    def _ring(self) -> None:
        self._console.print(f"  {self._caller} calls {self._number}", highlight=False)
        people = {"reactions": {STAFF_PHONE: "no-answer", AGENT: "failed"}, "message_seconds": MESSAGE_SECONDS}
        body = {"from": self._caller, "to": self._number, "people": people}
        answer = requests.post(f"{self._twilio}/_sim/play", json=body, timeout=30)
        if answer.status_code != 200:
            raise Mismatch(f"the call was not played: {answer.text}")
        table = Table(box=None, show_header=False, padding=(0, 2))
        for step in answer.json()["data"]:
            table.add_row(f"<{step['verb']}>", step["said"], f"[dim]{step['outcome']}[/]")
        self._console.print(table)

    def _missed(self, count: int = 1) -> dict[str, Any] | None:
        """The newest of this caller's missed calls, once there are `count` and it is decided whether to text them."""
        found = self._get("/api/missed-calls?limit=100")["data"]
        mine: list[dict[str, Any]] = [one for one in found if one["caller"] == self._caller]
        return mine[0] if len(mine) == count and mine[0]["text_back"] else None

    def _texts(self) -> list[dict[str, Any]]:
        found = requests.get(f"{self._twilio}/_sim/texts", timeout=5).json()["data"]
        return [one for one in found if one["to"] == self._caller]

    def _text(self) -> dict[str, Any] | None:
        return next(iter(self._texts()), None)


if __name__ == "__main__":
    sys.exit(perform(DemoMissedCall, "twilio", "The real Twilio is in use: call its number, and do not answer."))
