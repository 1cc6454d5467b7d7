"""The virtual environments: which are wanted, whether they hold what is pinned, and how they are made."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.setup.failures import Failure
from infra.setup.installers import PINNED, PIP, CannotInstall, Installer, Pip, Say, Uv, python_of, run
from infra.setup.pip_config import translate

RUN, DEV = "requirements-run", "requirements-dev"
EMBEDDED, TOOLS = "requirements-ministack", "requirements-uv"
IMAGES, VIDEO = "requirements-images", "requirements-video"
LOCKED = ("requirements", IMAGES, VIDEO, RUN, DEV, EMBEDDED, TOOLS)
"""Each is a file of wishes, `.in`, and one of pins, `.txt`; a later one keeps to the pins of an earlier one."""
STAMP = "pilot-stamp"


@dataclass(frozen=True)
class Environment:
    """A virtual environment and the file that pins what is in it."""

    folder: Path
    requirements: Path

    def is_current(self) -> bool:
        """Whether it holds what is pinned, and works."""
        return self.noted() == self._stamp() and self._works()

    def noted(self) -> dict[str, str]:
        """What its stamp says; nothing when it was never finished."""
        try:
            noted = json.loads((self.folder / STAMP).read_text())
        except (OSError, ValueError):
            return {}
        return noted if isinstance(noted, dict) else {}

    def begin(self, *, keep: bool, with_pip: bool = False) -> None:
        """Make it anew, unless it may be kept and works. Until `finish` it counts as unfinished."""
        stays = keep and self.noted().get("folder") == self._stamp()["folder"] and self._works()
        (self.folder / STAMP).unlink(missing_ok=True)
        if not stays:
            venv.create(self.folder, clear=True, symlinks=True, with_pip=with_pip)

    def finish(self) -> None:
        """Note that it holds what is pinned."""
        (self.folder / STAMP).write_text(json.dumps(self._stamp()))

    def _stamp(self) -> dict[str, str]:
        return {
            "requirements": self.requirements.stem,
            "digest": hashlib.sha256(self.requirements.read_bytes()).hexdigest(),
            "folder": str(self.folder.resolve()),  # its programs name their interpreter by this path
        }

    def _works(self) -> bool:
        """Whether it has an interpreter, of the version that runs this."""
        tell = "import sys; print(sys.implementation.cache_tag)"
        try:
            told = subprocess.run(
                [python_of(self.folder), "-I", "-S", "-c", tell], capture_output=True, text=True, check=False
            )
        except OSError:
            return False
        return told.stdout.strip() == sys.implementation.cache_tag


class Checkout:
    """A checkout's environments: of its own code, of the embedded AWS, and of the tools that install the others."""

    def __init__(self, root: Path, say: Say) -> None:
        self._root = root
        self._say = say
        self._tools = self._environment(".local/setup-venv", TOOLS)

    def set_up(self, wanted: str) -> None:
        """Install RUN or DEV, unless it is there; where DEV was once asked for it stays. Raises CannotInstall."""
        with self._alone():
            if self._environment(".venv", DEV).noted().get("requirements") == DEV:
                wanted = DEV
            all_ = (self._environment(".venv", wanted), self._environment(".local/ministack-venv", EMBEDDED))
            outdated = [each for each in all_ if not each.is_current()]
            if outdated:
                installer = self._installer()
                for each in outdated:
                    self._announce(each)
                    each.begin(keep=installer.updates)
                    installer.install(each.requirements, each.folder)
                    each.finish()

    def lock(self, upgrade: Sequence[str]) -> None:
        """Pin all files of wishes anew, for every platform; pins that still fit stay. Raises CannotInstall."""
        with self._alone():
            uv = self._installer(own_index_only=True)
            if not isinstance(uv, Uv):
                raise CannotInstall(Failure("There is no uv for this kind of machine, which pins: do it on another."))
            for name in LOCKED:
                uv.compile(self._root / f"{name}.in", self._root / f"{name}.txt", upgrade)

    def _environment(self, folder: str, requirements: str) -> Environment:
        return Environment(self._root / folder, self._root / f"{requirements}.txt")

    def _installer(self, *, own_index_only: bool = False) -> Installer:
        tools = self._tools
        if not tools.is_current():
            self._install_uv()
        program = tools.folder / "bin" / "uv"
        if not program.exists():
            return Pip(tools.folder, self._say)
        listing = [python_of(tools.folder), *PIP, "config", "list"]
        listed = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
        return Uv(program, translate(listed, os.environ, own_index_only=own_index_only), self._say)

    def _install_uv(self) -> None:
        tools = self._tools
        self._announce(tools)
        tools.begin(keep=False, with_pip=True)
        install = [python_of(tools.folder), *PIP, "install", "--quiet", *PINNED, "--only-binary", ":all:"]
        try:
            run([*install, "-r", str(tools.requirements)], tools.requirements, self._say)
        except CannotInstall as failure:
            if failure.missing != "uv":
                raise
            self._say("  There is no uv for this machine: pip installs all the rest, which takes some minutes.")
        tools.finish()

    def _announce(self, environment: Environment) -> None:
        folder = environment.folder.relative_to(self._root)
        self._say(f"Installing what {environment.requirements.name} pins into {folder} …")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other set-up of this checkout at the same time."""
        (self._root / ".local").mkdir(exist_ok=True)
        with open(self._root / ".local" / "setup.lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._say("Waiting for another set-up of this checkout to end …")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
