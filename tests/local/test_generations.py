"""Generations of the emulator's data: whole or not there, and nothing that cannot be read is written over."""

import errno
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.local.emulator import generations
from infra.local.emulator.files import files_of, write
from infra.local.emulator.generations import OBJECTS, SERVICES, NothingReadable, Store

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path)
    made.take_objects(None)
    return made


def save(store: Store, text: str, minute: int = 0) -> Path:
    folder = store.begin()
    store.link_objects(folder)
    write(folder / SERVICES / "dynamodb.json", text.encode())
    write(folder / SERVICES / "sqs.json", b"{}")
    store.finish(folder, NOON + timedelta(minutes=minute))
    return folder


def text_of(store: Store) -> str:
    found = store.newest()
    assert found is not None
    return (found.generation.folder / SERVICES / "dynamodb.json").read_text()


def put_object(store: Store, key: str, content: str) -> None:
    """As MiniStack does: another file under the same name."""
    file = store.objects / "000000000000" / "bucket" / key
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.tmp")
    new.write_text(content)
    new.replace(file)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def cut(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        file = folder / name
        content = file.read_bytes()
        file.unlink()  # not into the file: an object's is the emulator's as well
        file.write_bytes(content[: len(content) // 2])

    return spoil


def change(folder: Path) -> None:
    (folder / SERVICES / "dynamodb.json").write_text("four")


def remove(folder: Path) -> None:
    (folder / SERVICES / "sqs.json").unlink()


def remove_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def empty_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}")


SPOILERS = [
    cut(f"{SERVICES}/dynamodb.json"),
    cut("manifest.json"),
    cut(f"{OBJECTS}/000000000000/bucket/key"),
    change,
    remove,
    remove_manifest,
    empty_manifest,
]


def test_where_nothing_was_saved_there_is_nothing(store: Store) -> None:
    assert store.newest() is None
    assert store.size() == 0


def test_what_was_saved_is_there_with_its_time_and_size(store: Store) -> None:
    folder = save(store, "four")
    found = store.newest()
    assert found is not None
    assert found.generation == generations.Generation(folder, NOON, 6)
    assert not found.faults
    assert store.size() == 6


def test_the_two_newest_are_kept(store: Store) -> None:
    folders = [save(store, f"number {number}") for number in range(4)]
    assert [folder.exists() for folder in folders] == [False, False, True, True]
    assert text_of(store) == "number 3"


def test_what_was_not_finished_does_not_count_and_goes(store: Store) -> None:
    save(store, "whole")
    unfinished = store.begin()
    write(unfinished / SERVICES / "dynamodb.json", b"half")
    assert text_of(store) == "whole"
    write(unfinished / SERVICES / "kms.json", b"half")
    again = save(store, "newer")
    assert text_of(store) == "newer"
    assert not (again / SERVICES / "kms.json").exists()
    assert len(list(again.parent.iterdir())) == 2


def test_one_that_is_whole_and_was_not_named_yet_does_not_count(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    save(store, "named")
    monkeypatch.setattr(store, "_point_to", lambda generation: None)
    save(store, "not named")
    assert text_of(Store(store.folder)) == "named"


@pytest.mark.parametrize("spoil", SPOILERS)
def test_when_the_newest_cannot_be_read_there_is_the_one_before(store: Store, spoil: Callable[[Path], None]) -> None:
    put_object(store, "key", "contents")
    save(store, "older", minute=0)
    newest = save(store, "newer", minute=1)
    spoil(newest)
    spoilt = everything(newest)
    found = store.newest()
    assert found is not None
    assert found.generation.as_of == NOON
    (fault,) = found.faults
    assert fault.why
    # It is kept under another name, which the message tells, through all saves to come.
    aside = newest.with_name(f"{newest.name}.unreadable")
    assert aside in (fault.file, *fault.file.parents)
    for number in range(3):
        save(store, f"later {number}")
    assert everything(aside) == spoilt
    assert text_of(store) == "later 2"


@pytest.mark.parametrize("spoil", SPOILERS)
def test_when_none_can_be_read_all_are_named_and_nothing_is_touched(
    store: Store, spoil: Callable[[Path], None]
) -> None:
    put_object(store, "key", "contents")
    folders = [save(store, "older"), save(store, "newer")]
    for folder in folders:
        spoil(folder)
    before = everything(store.folder)
    with pytest.raises(NothingReadable) as raised:
        store.newest()
    assert len(raised.value.faults) == 2
    for folder, fault in zip(reversed(folders), raised.value.faults, strict=True):
        assert folder in fault.file.parents
        assert str(fault.file) in str(raised.value)
    assert everything(store.folder) == before


def test_a_generation_that_is_gone_is_told(store: Store) -> None:
    save(store, "older")
    newest = save(store, "newer")
    newest.rename(store.folder / "elsewhere")
    found = store.newest()
    assert found is not None
    assert [fault.file for fault in found.faults] == [newest]


def test_without_a_readable_pointer_the_newest_whole_one_is_taken(store: Store) -> None:
    save(store, "older")
    save(store, "newer")
    unfinished = store.begin()
    pointer = store.folder / "current.json"
    pointer.write_bytes(pointer.read_bytes()[:10])
    found = store.newest()
    assert found is not None
    assert found.generation.folder.name == "000002"
    assert [fault.file.name for fault in found.faults] == ["current.json.unreadable"]
    assert json.loads(pointer.read_text())["generation"] == "000002"
    assert unfinished.exists()
    save(store, "newest")
    assert text_of(store) == "newest"


def test_a_generation_holds_the_buckets_as_they_were(store: Store) -> None:
    put_object(store, "kept", "first")
    put_object(store, "removed", "there")
    save(store, "data")
    put_object(store, "kept", "second, longer")
    put_object(store, "new", "after the save")
    (store.objects / "000000000000" / "bucket" / "removed").unlink()
    found = store.newest()
    assert found is not None
    store.take_objects(found.generation)
    bucket = store.objects / "000000000000" / "bucket"
    assert everything(bucket) == {"kept": b"first", "removed": b"there"}
    put_object(store, "kept", "third")
    assert store.newest() == found


def test_buckets_that_are_not_looked_at_are_those_of_the_generation_before(store: Store) -> None:
    put_object(store, "kept", "first")
    save(store, "older")
    put_object(store, "new", "nobody said so")
    folder = store.begin()
    write(folder / SERVICES / "dynamodb.json", b"newer")
    store.finish(folder, NOON)
    assert text_of(store) == "newer"
    assert everything(folder / OBJECTS / "000000000000" / "bucket") == {"kept": b"first"}


def test_an_object_that_is_just_being_written_is_left_out(store: Store) -> None:
    put_object(store, "kept", "first")
    (store.objects / "000000000000" / "bucket" / "other.tmp").write_text("ha")
    folder = save(store, "data")
    assert [file.name for file in files_of(folder / OBJECTS)] == ["kept"]


def test_without_hard_links_there_are_copies(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, target: str) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    put_object(store, "kept", "first")
    folder = save(store, "data")
    assert (folder / OBJECTS / "000000000000" / "bucket" / "kept").read_text() == "first"


def test_a_full_disk_leaves_the_one_before(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    save(store, "older")
    folder = store.begin()
    store.link_objects(folder)
    write(folder / SERVICES / "dynamodb.json", b"newer")

    def refuse(file: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(generations, "write", refuse)
        with pytest.raises(OSError, match="No space left"):
            store.finish(folder, NOON)
    store.discard(folder)
    assert text_of(store) == "older"
    save(store, "newer")
    assert text_of(store) == "newer"


def test_what_has_become_the_newest_is_never_discarded(store: Store) -> None:
    folder = save(store, "data")
    store.discard(folder)
    assert text_of(store) == "data"


def test_it_is_known_whether_anything_has_changed_since(store: Store) -> None:
    assert not store.unchanged
    store.note_unchanged()
    assert store.unchanged
    store.note_changed()
    store.note_changed()
    assert not store.unchanged
