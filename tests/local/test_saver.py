"""When the emulator's data is saved, and what is said when it cannot be."""

import asyncio
import errno
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from infra.local.emulator.files import write
from infra.local.emulator.generations import SERVICES, Store
from infra.local.emulator.news import NOT_SAVED, SAVED, SAVING, Teller
from infra.local.emulator.saver import Pace, Saver

ENOUGH_SECONDS = 20.0


class Emulator:
    """Data, and a saver of it. `spoil`: what happens to the child before it writes."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self.store.take_objects(None)
        self.data = ""
        self.spoil: Callable[[], None] = lambda: None
        self._reader, writer = os.pipe()
        self._teller = Teller(writer)
        self.saver = self.saver_with(Pace(shortest_deadline_seconds=ENOUGH_SECONDS))

    def saver_with(self, pace: Pace) -> Saver:
        self.saver = Saver(self.store, self._capture, self._teller, None, pace)
        return self.saver

    def _capture(self, folder: Path) -> None:
        write(folder / "dynamodb.json", self.data.encode())
        self.spoil()

    def change(self, data: str) -> None:
        self.data = data
        self.saver.changed()

    def saved(self) -> str | None:
        found = self.store.newest()
        return (found.generation.folder / SERVICES / "dynamodb.json").read_text() if found else None

    def news(self) -> list[dict[str, Any]]:
        os.set_blocking(self._reader, False)
        try:
            return [json.loads(line) for line in os.read(self._reader, 100_000).splitlines()]
        except BlockingIOError:
            return []


@pytest.fixture
def emulator(tmp_path: Path) -> Emulator:
    return Emulator(tmp_path)


def refuse() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fds() -> dict[int, str]:
    found = {}
    for number in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):  # the listing's own is closed by now
            found[number] = os.readlink(f"/proc/self/fd/{number}")
    return {number: what for number, what in found.items() if number > 2}


def test_what_has_changed_is_saved_and_nothing_else(emulator: Emulator) -> None:
    async def live() -> None:
        assert await emulator.saver.save()
        assert emulator.saved() is None
        emulator.change("one")
        assert not emulator.store.unchanged
        assert await emulator.saver.save()
        assert emulator.saved() == "one"
        assert emulator.store.unchanged
        emulator.data = "nobody said that it changed"
        assert await emulator.saver.save()
        assert emulator.saved() == "one"

    asyncio.run(live())
    (news,) = emulator.news()
    assert (news["kind"], news["text"], news["size"]) == (SAVED, "", 3)


def test_it_saves_by_itself_while_anything_changes(emulator: Emulator) -> None:
    async def live() -> None:
        saving = asyncio.create_task(emulator.saver_with(Pace(0.1)).save_regularly())
        deadline = time.monotonic() + ENOUGH_SECONDS
        for number in range(3):
            emulator.change(f"number {number}")
            while emulator.saved() != f"number {number}":
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)
        saving.cancel()

    asyncio.run(live())


def test_what_changes_during_a_save_is_saved_next(emulator: Emulator) -> None:
    async def live() -> None:
        emulator.change("before")
        saving = asyncio.create_task(emulator.saver.save())
        await asyncio.sleep(0)  # it has forked
        emulator.change("meanwhile")
        assert await saving
        assert emulator.saved() == "before"
        assert not emulator.store.unchanged
        assert await emulator.saver.save()
        assert emulator.saved() == "meanwhile"
        assert emulator.store.unchanged

    asyncio.run(live())


def test_buckets_are_looked_at_only_where_they_may_have_changed(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    link = emulator.store.link_objects

    def look(folder: Path) -> None:
        looked.append(emulator.data)
        link(folder)

    async def live() -> None:
        for data, objects in (("the first", False), ("rows", False), ("an object", True), ("more rows", False)):
            emulator.data = data
            emulator.saver.changed(objects=objects)
            assert await emulator.saver.save()
        # What could not be saved is looked at again.
        emulator.spoil = refuse
        emulator.saver.changed(objects=True)
        assert not await emulator.saver.save()
        emulator.spoil = lambda: None
        emulator.data = "once more"
        assert await emulator.saver.save()

    monkeypatch.setattr(emulator.store, "link_objects", look)
    asyncio.run(live())
    assert looked == ["the first", "an object", "more rows", "once more"]


def test_a_stop_waits_for_the_save_under_way_and_saves_the_rest_once(emulator: Emulator) -> None:
    async def live() -> None:
        emulator.change("before")
        saving = asyncio.create_task(emulator.saver.save())
        await asyncio.sleep(0)
        emulator.change("meanwhile")
        waiting = asyncio.create_task(emulator.saver.save())
        assert await emulator.saver.save_last()
        assert await saving
        assert await waiting
        assert emulator.saved() == "meanwhile"
        assert await emulator.saver.save_last()

    asyncio.run(live())
    assert [news["kind"] for news in emulator.news()].count(SAVED) == 2


def test_a_stop_says_how_much_it_saves(emulator: Emulator) -> None:
    async def live() -> None:
        emulator.change("x" * 12_345_678)
        assert await emulator.saver.save()
        emulator.change("y")
        assert await emulator.saver.save_last()

    asyncio.run(live())
    assert [(news["kind"], news["text"]) for news in emulator.news()][1] == (SAVING, "Saving 12 MB …")


def test_a_full_disk_is_said_once_and_so_is_that_it_is_over(emulator: Emulator) -> None:
    async def live() -> None:
        emulator.change("before")
        assert await emulator.saver.save()
        emulator.spoil = refuse
        emulator.change("too much")
        assert not await emulator.saver.save()
        assert not await emulator.saver.save()
        assert emulator.saved() == "before"
        assert not emulator.store.unchanged
        emulator.spoil = lambda: None
        assert await emulator.saver.save()
        assert emulator.saved() == "too much"

    asyncio.run(live())
    _, trouble, over = emulator.news()
    assert trouble["kind"] == NOT_SAVED
    assert "No space left on device" in trouble["text"]
    assert "What is saved is as of" in trouble["text"]
    assert "saved again" in over["text"]
    assert len(list((emulator.store.folder / "generations").iterdir())) == 2


def test_a_stop_that_cannot_save_says_what_is_lost(emulator: Emulator) -> None:
    async def live() -> None:
        emulator.change("before")
        assert await emulator.saver.save()
        emulator.spoil = refuse
        emulator.change("too much")
        assert not await emulator.saver.save_last()
        assert emulator.saved() == "before"

    asyncio.run(live())
    *_, last = emulator.news()
    assert last["lost"]
    assert "No space left on device" in last["text"]
    assert "Lost is what has changed since" in last["text"]


def test_a_child_that_hangs_is_given_up(emulator: Emulator, tmp_path: Path) -> None:
    def hang() -> None:
        (tmp_path / "pid").write_text(str(os.getpid()))
        signal.sigwait({signal.SIGUSR1})

    async def live() -> None:
        saver = emulator.saver_with(Pace(shortest_deadline_seconds=0.3))
        emulator.spoil = hang
        emulator.change("never")
        assert not await saver.save()
        assert emulator.saved() is None

    asyncio.run(live())
    (news,) = emulator.news()
    assert "it took more than" in news["text"]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert not list((emulator.store.folder / "generations").iterdir())


def test_a_child_that_is_killed_is_told(emulator: Emulator) -> None:
    async def live() -> None:
        emulator.spoil = lambda: os.kill(os.getpid(), signal.SIGKILL)
        emulator.change("never")
        assert not await emulator.saver.save()
        emulator.spoil = lambda: None
        assert await emulator.saver.save()

    asyncio.run(live())
    assert "SIGKILL" in emulator.news()[0]["text"]
    assert emulator.saved() == "never"


def test_a_child_holds_no_connection_of_its_parent(emulator: Emulator, tmp_path: Path) -> None:
    seen, kept = tmp_path / "seen", os.open(tmp_path, os.O_RDONLY)
    emulator.saver.open_files = (kept,)

    def look() -> None:
        seen.write_text(json.dumps(fds()))

    async def live() -> None:
        emulator.spoil = look
        emulator.change("data")
        assert await emulator.saver.save()

    with socket.create_server(("127.0.0.1", 0)):
        asyncio.run(live())
    found = json.loads(seen.read_text())
    assert found.pop(str(kept)) == str(tmp_path)
    assert [what.partition(":")[0] for what in found.values()] == ["pipe"]
