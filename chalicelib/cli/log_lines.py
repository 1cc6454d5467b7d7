"""A log line: parsed, matched with a request, shown to people or to programs."""

from dataclasses import dataclass
from io import TextIOBase
from typing import Any

import click
import msgspec
from rich.text import Text

from chalicelib.cli.output import console

IDS = ("request_id", "job_id", "event_id", "correlation_id", "function_request_id")
"""Where a line may say to which request it belongs; a job's `request_id` is that of the request it came from."""
COLOURS = {"DEBUG": "dim", "INFO": "green", "WARNING": "yellow", "ERROR": "bold red", "CRITICAL": "bold red"}
SHOWN_APART = {"timestamp", "level", "location", "message", "service", "exception", "exception_name", "stack_trace"}
_LAMBDA_LINES = ("START ", "END ", "REPORT ", "INIT_START ", "XRAY ")


@dataclass(frozen=True)
class Line:
    """One line. `source`: the process or Lambda that wrote it; `at`: RFC 3339, "" when it does not say."""

    source: str
    at: str
    fields: dict[str, Any]

    def belongs_to(self, request: str | None) -> bool:
        """Whether it is about that request, job or event (any line, when None)."""
        return request is None or any(self.fields.get(name) == request for name in IDS)


def parse(source: str, raw: str, at: str = "") -> Line | None:
    """The line in `raw`; None for what Lambda itself writes and for nothing."""
    text = raw.strip()
    if not text or text.startswith(_LAMBDA_LINES):
        return None
    try:
        fields = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        fields = None
    if not isinstance(fields, dict):
        fields = {"message": text}
    return Line(source, str(fields.get("timestamp", at)), fields)


def show(line: Line, *, as_json: bool) -> None:
    """Print it: as JSON with its source, or in colour with its fields behind the message."""
    if as_json:
        click.echo(msgspec.json.encode({"source": line.source, **line.fields}))
    else:
        console.print(rendered(line), soft_wrap=True)


def rendered(line: Line) -> Text:
    """For people."""
    fields = line.fields
    level = str(fields.get("level", ""))
    made = Text.assemble((f"{line.at[:23]:<23} ", "dim"), (f"{level:<7} ", COLOURS.get(level, "")))
    made.append(f"{line.source:<18} ", "cyan")
    made.append(str(fields.get("message", "")))
    for name, value in fields.items():
        if name not in SHOWN_APART and value is not None:
            made.append(f" {name}=", "dim")
            made.append(str(value), "red" if name in ("code", "reason") else "")
    if fields.get("exception"):
        made.append(f"\n{fields['exception']}", "red")
    return made


class LineStream(TextIOBase):
    """A stream for a logger's handler that shows each line as `pilot logs` does."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._kept = ""

    def write(self, text: str) -> int:
        """Show every line that is complete."""
        *whole, self._kept = (self._kept + text).split("\n")
        for each in whole:
            line = parse("here", each)
            if line:
                show(line, as_json=self._as_json)
        return len(text)
