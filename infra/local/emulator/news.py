"""What the emulator tells the process that started it: one line of JSON for each piece of news."""

import json
import os
from datetime import datetime
from typing import Any

STOPPING, SAVING, SAVED, NOT_SAVED, RESTORED, UNREADABLE = (
    *("stopping", "saving", "saved", "not_saved", "restored", "unreadable"),
)
CANNOT_READ = 3
"""Exit code: there is data, and it cannot be read."""
IN_USE = 4
"""Exit code: another emulator works on the folder."""


class Teller:
    """Writes to a pipe, or nowhere when there is none."""

    def __init__(self, pipe: int | None) -> None:
        self._pipe = pipe
        if pipe is not None:
            os.set_blocking(pipe, False)

    def tell(self, kind: str, text: str = "", **facts: Any) -> None:
        """`text`: a sentence for the person at the terminal, "" when there is nothing to say to them."""
        if self._pipe is None:
            return
        line = json.dumps({"kind": kind, "text": text, **facts}).encode() + b"\n"
        try:
            os.write(self._pipe, line)
        except BlockingIOError:
            return  # nobody has read for long: serving goes before telling
        except OSError:
            self._pipe = None  # who wanted to hear is gone


def clock_time(at: datetime) -> str:
    """A moment as people here read it, with its date unless that is today's."""
    local, today = at.astimezone(), datetime.now().astimezone().date()
    return local.strftime("%H:%M:%S" if local.date() == today else "%Y-%m-%d %H:%M:%S")


def megabytes(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 1e6:.1f} MB" if size < 9_950_000 else f"{size / 1e6:.0f} MB"
