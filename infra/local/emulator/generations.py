"""The emulator's data on disk: whole generations, a pointer that is swapped last, and a check before reading.

Two are kept: when the newest cannot be read, there is the one before.
"""

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.local.emulator.files import digest, files_of, link_tree, sync, write

SERVICES, OBJECTS = "services", "objects"
SET_ASIDE = ".unreadable"


@dataclass(frozen=True)
class Fault:
    """A file that is not as it was written, and in what way."""

    file: Path
    why: str

    def __str__(self) -> str:
        return f"{self.file} {self.why}"


class Unreadable(Exception):
    """A generation that is not whole."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file} {why}")
        self.fault = Fault(file, why)


class NothingReadable(Exception):
    """Data was saved here, and no generation of it is whole."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True)
class Generation:
    """All services' data as of one moment. `size`: bytes of the services' files."""

    folder: Path
    as_of: datetime
    size: int


@dataclass(frozen=True)
class Found:
    """What a start goes on with. `faults`: what was wrong with newer generations, each set aside now."""

    generation: Generation
    faults: list[Fault] = field(default_factory=list)


class Store:
    """A folder of generations. Nothing in it is overwritten: a generation is written once, and removed or set aside.

    `objects`: where the running emulator keeps the contents of its buckets. A generation holds hard links to those it
    has, which is safe as the emulator replaces files and never writes into one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects = folder / OBJECTS
        self._generations = folder / "generations"
        self._pointer = folder / "current.json"
        self._unchanged = folder / "unchanged"

    def newest(self) -> Found | None:
        """The newest whole generation, None where nothing was ever saved.

        Those that are not whole are set aside under another name. Raises NothingReadable, having changed nothing.
        """
        faults: list[Fault] = []
        for folder in self._candidates(faults):
            try:
                found = read_manifest(folder)
                check(folder)
            except Unreadable as bad:
                faults.append(bad.fault)
                continue
            aside = [self._set_aside(fault) for fault in faults]
            if faults:
                self._point_to(found)
            return Found(found, aside)
        if faults:
            raise NothingReadable(faults)
        return None

    def begin(self) -> Path:
        """A folder for the next generation; `finish` makes it count.

        What an earlier save left unfinished is removed. Raises OSError.
        """
        current = self._current()
        for folder in self._folders():
            if current and folder.name > current:
                shutil.rmtree(folder)
        numbers = [each.name.partition(".")[0] for each in self._generations.glob("*")]
        last = max((int(number) for number in numbers if number.isdecimal()), default=0)
        made = self._generations / f"{last + 1:06}"
        (made / SERVICES).mkdir(parents=True)
        return made

    def link_objects(self, folder: Path) -> None:
        """Let the folder from `begin` hold the buckets' contents as they are now."""
        link_tree(self.objects, folder / OBJECTS)

    def finish(self, folder: Path, as_of: datetime) -> None:
        """Make the folder from `begin` the newest generation, and remove those that are no longer kept.

        Without `link_objects` the buckets' contents are those of the generation before.
        """
        before = self._current()
        if not (folder / OBJECTS).exists():
            link_tree(self._generations / before / OBJECTS, folder / OBJECTS)
        for file in sorted(files_of(folder / OBJECTS)):
            # Two links are the emulator's own and ours: no earlier generation has made sure of this one.
            if file.stat().st_nlink <= 2:
                sync(file)
        write(folder / "manifest.json", json.dumps(manifest(folder, as_of)).encode())
        for each in sorted({folder, *(path for path in folder.rglob("*") if path.is_dir())}):
            sync(each)
        sync(self._generations)
        self._point_to(read_manifest(folder))
        for each in self._folders():
            if each.name not in (folder.name, before):
                shutil.rmtree(each, ignore_errors=True)  # what remains of it is removed after the next save

    def discard(self, folder: Path) -> None:
        """Remove what `begin` made, unless it has become the newest generation."""
        if folder.name != self._current():
            shutil.rmtree(folder, ignore_errors=True)

    def take_objects(self, generation: Generation | None) -> None:
        """Let the emulator's buckets hold what they held in that generation; raises OSError."""
        shutil.rmtree(self.objects, ignore_errors=True)
        self.objects.mkdir(parents=True)
        if generation:
            link_tree(generation.folder / OBJECTS, self.objects)

    def size(self) -> int:
        """Bytes of the newest generation's services, 0 where there is none."""
        try:
            return int(json.loads(self._pointer.read_bytes())["size"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    @property
    def unchanged(self) -> bool:
        """Whether all there was is in the newest generation."""
        return self._unchanged.exists()

    def note_unchanged(self) -> None:
        """All there is has been saved."""
        self._unchanged.touch()

    def note_changed(self) -> None:
        """From now on there is more than was saved. Removing a file is possible on a full disk, too."""
        with suppress(FileNotFoundError):
            self._unchanged.unlink()
            sync(self.folder)

    def _candidates(self, faults: list[Fault]) -> list[Path]:
        folders = self._folders()
        if self._pointer.exists():
            try:
                current = str(json.loads(self._pointer.read_bytes())["generation"])
            except (ValueError, KeyError, TypeError):
                faults.append(Fault(self._pointer, "does not say which generation is the newest"))
            else:
                # Newer ones were never finished; one that is named and missing is told as such.
                return [self._generations / current, *(each for each in folders if each.name < current)]
        return [each for each in folders if (each / "manifest.json").exists()]

    def _folders(self) -> list[Path]:
        """The newest first; what was set aside is not among them."""
        return sorted((each for each in self._generations.glob("*") if each.name.isdecimal()), reverse=True)

    def _current(self) -> str:
        try:
            return str(json.loads(self._pointer.read_bytes())["generation"])
        except FileNotFoundError:
            return ""

    def _point_to(self, generation: Generation) -> None:
        facts = {"generation": generation.folder.name, "as_of": generation.as_of.isoformat(), "size": generation.size}
        new = self._pointer.with_name("current.json.new")
        write(new, json.dumps(facts).encode())
        new.replace(self._pointer)
        sync(self.folder)

    def _set_aside(self, fault: Fault) -> Fault:
        lies_in = (fault.file, *fault.file.parents)
        bad = next((each for each in (*self._folders(), self._pointer) if each in lies_in), None)
        if bad is None:  # it is missing altogether
            return fault
        aside = bad.with_name(f"{bad.name}{SET_ASIDE}")
        bad.replace(aside)
        return Fault(aside / fault.file.relative_to(bad), fault.why)


def manifest(folder: Path, as_of: datetime) -> dict[str, Any]:
    """What `check` holds a generation to: digests of the services' files, sizes of the buckets' contents."""
    services = sorted(files_of(folder / SERVICES))
    return {
        "as_of": as_of.isoformat(),
        "size": sum(file.stat().st_size for file in services),
        SERVICES: {str(file.relative_to(folder / SERVICES)): digest(file) for file in services},
        # Not their digests: recordings may be gigabytes.
        OBJECTS: {str(file.relative_to(folder / OBJECTS)): file.stat().st_size for file in files_of(folder / OBJECTS)},
    }


def read_manifest(folder: Path) -> Generation:
    """The generation in that folder; raises Unreadable."""
    facts = _facts(folder)
    try:
        return Generation(folder, datetime.fromisoformat(facts["as_of"]), int(facts["size"]))
    except (KeyError, TypeError, ValueError):
        raise Unreadable(folder / "manifest.json", "is not what was written") from None


def check(folder: Path) -> None:
    """Compare every file with the manifest; raises Unreadable for the first that differs or is missing."""
    facts = _facts(folder)
    for name, expected in facts[SERVICES].items():
        file = folder / SERVICES / name
        if _existing(file) and digest(file) != expected:
            raise Unreadable(file, f"was changed or cut off ({file.stat().st_size} bytes are there)")
    for name, size in facts[OBJECTS].items():
        file = folder / OBJECTS / name
        if _existing(file) and file.stat().st_size != size:
            raise Unreadable(file, f"was changed or cut off ({file.stat().st_size} of {size} bytes are there)")


def _existing(file: Path) -> bool:
    if not file.is_file():
        raise Unreadable(file, "is missing")
    return True


def _facts(folder: Path) -> dict[str, Any]:
    file = folder / "manifest.json"
    if not folder.is_dir():
        raise Unreadable(folder, "is missing")
    try:
        facts: dict[str, Any] = json.loads(file.read_bytes())
        facts = {**facts, SERVICES: dict(facts[SERVICES]), OBJECTS: dict(facts[OBJECTS])}
    except FileNotFoundError:
        raise Unreadable(file, "is missing") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreadable(file, f"cannot be read ({error or type(error).__name__})") from None
    return facts
