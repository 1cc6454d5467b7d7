"""Where log lines come from: the local system's files, or CloudWatch's groups. Both are read on from where one was."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from chalicelib.cli.log_lines import Line, parse
from chalicelib.core import aws
from chalicelib.core.clock import now

LATE_SECONDS = 20
"""CloudWatch may show a line this much later than its time says; until then it is looked for again."""


class Source(Protocol):
    """Something that lines come from."""

    def read(self, request: str | None) -> Iterator[Line]:
        """The lines since the last call (all of them at the first), those of `request` at least; in no order."""


@dataclass
class LocalLogs:
    """The `.jsonl` files of a folder, one per process. `name`: only processes with this in their name."""

    folder: Path
    name: str = ""
    _offsets: dict[int, int] = field(default_factory=dict)

    def read(self, request: str | None) -> Iterator[Line]:
        """As Source says."""
        # A full file is renamed (`.jsonl.1`) and another begun, so a place is remembered by inode.
        for path in sorted(self.folder.glob("*.jsonl*")):
            if self.name in path.name:
                yield from self._read_file(path, request)

    def _read_file(self, path: Path, request: str | None) -> Iterator[Line]:
        source = path.name.partition(".jsonl")[0]
        with open(path, "rb") as file:
            inode = path.stat().st_ino
            file.seek(self._offsets.get(inode, 0))
            for raw in file:
                if not raw.endswith(b"\n"):
                    break  # still being written
                self._offsets[inode] = self._offsets.get(inode, 0) + len(raw)
                line = parse(source, raw.decode(errors="replace")) if _mentions(raw, request) else None
                if line:
                    yield line


def _mentions(raw: bytes, request: str | None) -> bool:
    return request is None or request.encode() in raw


@dataclass
class CloudLogs:
    """The log groups of a stage's Lambdas. `name`: only Lambdas with this in their name; `since`: not before."""

    prefix: str
    name: str
    since: datetime
    _seen: dict[str, int] = field(default_factory=dict)
    _groups: list[str] | None = None

    def groups(self) -> list[str]:
        """The log groups, looked up once."""
        if self._groups is None:
            pages = aws.client("logs").get_paginator("describe_log_groups")
            found = pages.paginate(logGroupNamePrefix=f"/aws/lambda/{self.prefix}-")
            names = [str(group["logGroupName"]) for page in found for group in page["logGroups"]]
            self._groups = [name for name in names if self.name in name]
        return self._groups

    def read(self, request: str | None) -> Iterator[Line]:
        """As Source says."""
        begun = now()
        for group in self.groups():
            yield from self._read_group(group, request)
        self.since = max(self.since, begun - timedelta(seconds=LATE_SECONDS))
        oldest = _milliseconds(self.since)
        self._seen = {event_id: at for event_id, at in self._seen.items() if at >= oldest}

    def _read_group(self, group: str, request: str | None) -> Iterator[Line]:
        query: dict[str, Any] = {"logGroupName": group, "startTime": _milliseconds(self.since)}
        if request:
            query["filterPattern"] = f'"{request}"'
        source = group.removeprefix(f"/aws/lambda/{self.prefix}-")
        for page in aws.client("logs").get_paginator("filter_log_events").paginate(**query):
            for event in page["events"]:
                if event["eventId"] in self._seen:
                    continue
                self._seen[event["eventId"]] = event["timestamp"]
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).isoformat(timespec="milliseconds")
                line = parse(source, event["message"], at)
                if line:
                    yield line


def _milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)
