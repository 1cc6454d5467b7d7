"""An emulator of its own with its folder, for tests that stop, kill and spoil it."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.session import Session

from infra.local import ministack
from infra.local.ministack import MiniStack

ENOUGH_SECONDS = 30.0
NEVER = "3600"
"""Seconds between two saves: none but that of a stop."""


class Box:
    """A folder with data, and the emulator that works on it now and then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notices: list[str] = []
        self._running: MiniStack | None = None
        self._clients: dict[str, Any] = {}

    @property
    def running(self) -> MiniStack:
        assert self._running is not None
        return self._running

    def start(self) -> None:
        self.notices = []
        self._clients = {}
        self._running = ministack.start(data_dir=self.folder, tell=self.notices.append)

    def stop(self) -> None:
        for each in self._clients.values():
            each.close()  # a stop waits a while for who is connected
        self.running.stop()

    def kill(self) -> None:
        self.running.process.kill()
        self.running.stop()

    def end(self) -> None:
        if self._running is not None and self._running.process.poll() is None:
            self.kill()

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = Session().create_client(
                service, region_name="eu-central-1", endpoint_url=self.running.url, aws_access_key_id="000000000000",
                aws_secret_access_key="test",
                config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
            )  # fmt: skip
        return self._clients[service]

    def put(self, key: str, text: str = "") -> Any:
        return self.client("dynamodb").put_item(TableName="things", Item={"pk": {"S": key}, "text": {"S": text}})

    def keys(self) -> set[str]:
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName="things", ProjectionExpression="pk")
        return {item["pk"]["S"] for page in pages for item in page["Items"]}

    def create_table(self) -> None:
        self.client("dynamodb").create_table(
            TableName="things",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def wait_until_saved(self) -> None:
        """Until nothing is there that is not in the newest generation."""
        until(lambda: (self.folder / "unchanged").exists())
        self.running.news.hear()

    def generations(self) -> list[Path]:
        return sorted(self.folder.glob("generations/*"))

    def contents(self) -> dict[str, bytes]:
        files = [file for file in self.folder.rglob("*") if file.is_file()]
        return {str(file.relative_to(self.folder)): file.read_bytes() for file in files}


def until(held: Callable[[], Any]) -> None:
    deadline = time.monotonic() + ENOUGH_SECONDS
    while not held():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def sockets(pid: int) -> bool:
    """Whether it has any open; also when it is gone."""
    try:
        return any(os.readlink(each).startswith("socket:") for each in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return True
