"""The files of pins: they agree, they carry hashes, and what runs needs nothing that is pinned for developing alone."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from infra.local.ministack import ROOT
from infra.setup.environments import DEV, LOCKED, RUN, TOOLS

LINE = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
OWN = {"app", "chalicelib", "functions", "infra"}


def pins(name: str) -> dict[str, str]:
    """Versions by package."""
    return dict(LINE.findall((ROOT / f"{name}.txt").read_text()))


def test_each_file_has_all_that_the_one_before_it_pins() -> None:
    shipped, running, developing = pins("requirements"), pins(RUN), pins(DEV)
    assert shipped.items() < running.items() < developing.items()
    assert list(pins(TOOLS)) == ["uv"]


def test_every_pin_has_hashes() -> None:
    for name in LOCKED:
        text = (ROOT / f"{name}.txt").read_text()
        for entry in re.split(r"\n(?=\S)", text):
            assert entry.startswith("#") or "--hash=sha256:" in entry, entry
        # A pin of another place or of a checkout could not be held to a hash.
        assert not re.search(r"^(-e|.* @ )", text, re.MULTILINE)


def test_what_runs_imports_only_what_is_installed_for_running() -> None:
    known = packages_distributions()
    installed = {name.replace("_", "-").lower() for name in pins(RUN)}
    imported = set(_imported())
    assert {"chalice", "rich", "botocore"} <= imported
    lacking = {
        name: known.get(name)
        for name in imported
        if not {each.replace("_", "-").replace(".", "-").lower() for each in known.get(name, ())} & installed
    }
    assert lacking == {}


def _imported() -> Iterator[str]:
    """Names of others' packages that the local system, the command line and what they import name anywhere."""
    waiting = [
        ROOT / "app.py",
        *(p for f in ("chalicelib", "functions", "infra/local") for p in (ROOT / f).rglob("*.py")),
    ]
    # It runs on MiniStack's Python, which has pins of its own.
    waiting = [path for path in waiting if path.parent != ROOT / "infra" / "local" / "emulator"]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in _names(ast.parse(path.read_text())):
            top = name.split(".")[0]
            if top == "infra":
                waiting += [file for file in (ROOT / f"{name.replace('.', '/')}.py",) if file.exists()]
            elif top not in OWN and top not in sys.stdlib_module_names:
                yield top


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
