"""uv, and pip where there is no uv: both install exactly what a file pins by hash, and resolve nothing."""

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from infra.setup.failures import Failure, explain
from infra.setup.pip_config import UvSettings

PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")
PINNED = ("--no-deps", "--require-hashes", "--progress-bar", "off")
UNINTERESTING = re.compile(
    r"\s*$| [-+~] |Using Python|Looking in|Checked|All installed|Collecting|Installing collected|Successfully|No broken"
    r"|.*is ignored: it is neither a file nor a directory"
)
Say = Callable[[str], None]


class CannotInstall(RuntimeError):
    """What failed and what to do next; the installer's own lines were printed before."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.missing = failure.missing


class Installer(Protocol):
    """Something that installs a file of pins. `updates`: whether it can where other pins are installed."""

    updates: bool

    def install(self, requirements: Path, folder: Path) -> None:
        """Make the environment in `folder` hold what the file pins; raises CannotInstall."""


class Uv:
    """Also removes what is not pinned any more."""

    updates = True

    def __init__(self, program: Path, settings: UvSettings, say: Say) -> None:
        self._program = program
        self._settings = settings
        self._say = say

    def install(self, requirements: Path, folder: Path) -> None:
        """Make the environment in `folder` hold what the file pins; raises CannotInstall."""
        python = ["--python", python_of(folder)]
        self.run(["pip", "sync", *python, "--require-hashes", *self._settings.flags, str(requirements)], requirements)
        self.run(["pip", "check", *python], requirements)

    def compile(self, source: Path, target: Path, upgrade: Sequence[str]) -> None:
        """Pin `source` in `target` for every platform; pins that still fit stay. Raises CannotInstall."""
        options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--quiet", *self._settings.flags]
        output = ["--custom-compile-command", "make requirements", "--output-file", target.name, source.name]
        self.run(["pip", "compile", *options, *upgrade, *output], source)

    def run(self, arguments: Sequence[str], about: Path) -> None:
        """A command of uv about this file, with pip's settings; raises CannotInstall."""
        run([str(self._program), *arguments], about, self._say, self._settings.variables)


class Pip:
    """The pip of the environment `tools`, which installs into others; it reads its configuration itself."""

    updates = False

    def __init__(self, tools: Path, say: Say) -> None:
        self._python = python_of(tools)
        self._say = say

    def install(self, requirements: Path, folder: Path) -> None:
        """Make the new environment in `folder` hold what the file pins; raises CannotInstall."""
        pip = [self._python, *PIP, "--python", python_of(folder)]
        run([*pip, "install", *PINNED, "-r", str(requirements)], requirements, self._say)
        run([*pip, "check"], requirements, self._say)


def python_of(folder: Path) -> str:
    """The interpreter of an environment."""
    return str(folder / "bin" / "python")


def run(command: Sequence[str], about: Path, say: Say, variables: dict[str, str] | None = None) -> None:
    """Run it beside the file it is about, passing on its lines as they come; raises CannotInstall, which explains."""
    lines = []
    with subprocess.Popen(
        command, cwd=about.parent, env=os.environ | (variables or {}), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as running:  # fmt: skip
        assert running.stdout is not None
        for line in running.stdout:
            lines.append(line)
            if not UNINTERESTING.match(line):
                say(f"  {line.rstrip()}")
    if running.returncode:
        raise CannotInstall(explain("".join(lines), about.name))
