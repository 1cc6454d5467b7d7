"""Changes the rules one place at a time and runs their tests on each change (`make mutants`); says what stays green."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from infra.local import ministack
from infra.local.ministack import Variant

ROOT = Path(__file__).resolve().parents[1]
EMULATOR = ROOT / "tests" / "emulator.py"
COPY = ROOT / "mutants"
"""Where mutmut works: a copy of the code and its tests."""
LOG = COPY / "run.log"
PAGE = ROOT / "docs" / "testing.md"
MUTMUT = Path(sys.executable).with_name("mutmut")
DETECTED = ("killed", "timeout", "suspicious", "segfault", "caught by type check")


def run(module: str) -> None:
    """Try every mutant of what lies below `module`, each in a process of its own.

    Raises CalledProcessError when a test fails without any.
    """
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir()
    command = [str(MUTMUT), "run", "--max-children", "1", f"{module}*"]
    print(f"Trying the mutants of {module}*; {LOG.relative_to(ROOT)} says how far it is.", flush=True)
    # One for all of them: each mutant has its tests in a process of its own, most of whose time would be its start.
    emulator = ministack.start(variant=Variant(launcher=EMULATOR))
    try:
        with LOG.open("w") as log:
            environment = {**os.environ, "PILOT_TEST_EMULATOR": emulator.url}
            subprocess.run(command, cwd=ROOT, check=True, stdout=log, stderr=subprocess.STDOUT, env=environment)
    finally:
        emulator.stop()


def results(module: str) -> Iterator[tuple[str, str]]:
    """Each mutant's name below `module` with what became of it."""
    lines = subprocess.run(
        [MUTMUT, "results", "--all", "true"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    for line in lines:
        name, _, status = line.strip().partition(": ")
        if name.startswith(module):
            yield name, status


def described(mutant: str) -> str:
    """`module.function: old → new`, as docs/testing.md names a mutant."""
    diff = subprocess.run([MUTMUT, "show", mutant], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    old, new = (" ".join(line[1:].strip() for line in changed if line[0] == sign) for sign in "-+")
    return f"{place(mutant)}: {old} → {new}"


def place(mutant: str) -> str:
    """The function that a mutant changes, as `package.module.Class.function`."""
    module, _, function = mutant.rpartition(".")
    name = function.partition("__mutmut_")[0].removeprefix("x").removeprefix("_").strip("ǁ").replace("ǁ", ".")
    return f"{module.removeprefix('chalicelib.')}.{name}"


def report(module: str) -> bool:
    """Print a row of the table for each module, and every mutant that nothing kills; whether all are explained."""
    found = list(results(module))
    explained = PAGE.read_text()
    tried = Counter(name.rpartition(".")[0] for name, _ in found)
    left = [(name, status) for name, status in found if status not in DETECTED]
    survived = Counter(name.rpartition(".")[0] for name, _ in left)
    for name, count in sorted(tried.items()):
        print(f"| `{name.removeprefix('chalicelib.')}` | {count} | {count - survived[name]} | {survived[name]} |")
    unexplained = [(text, status) for name, status in left if (text := described(name)) not in explained]
    for text, status in unexplained:
        print(f"{status}: {text}")
    return not unexplained


if __name__ == "__main__":
    module = sys.argv[1] if len(sys.argv) > 1 else "chalicelib."
    run(module)
    sys.exit(not report(module))
