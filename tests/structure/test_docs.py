"""Docs name only files that are there."""

import re
from pathlib import Path

import pytest

from tests.structure.sources import ROOT

PAGES = sorted(path.relative_to(ROOT) for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")))
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")
MODULE = re.compile(r"(?<![\w/.-])((?:[a-z_]+/)*[a-z_]+\.(?:py|sh))\b")
ROOMS = ("", "chalicelib", "chalicelib/booking", "infra", "infra/local", "tests")
"""Where the path of a module may begin."""


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall((ROOT / page).read_text())
    assert [each for each in targets if not (ROOT / page.parent / each).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_modules_are_there(page: Path) -> None:
    named = set(MODULE.findall((ROOT / page).read_text()))
    assert sorted(each for each in named if not _exists(each)) == []


def _exists(module: str) -> bool:
    if "/" not in module:  # named by its last part, where the page has said which package
        return (
            any(
                True
                for room in ("chalicelib", "functions", "infra", "tests", "benchmarks")
                for _ in (ROOT / room).rglob(module)
            )
            or (ROOT / module).exists()
        )
    return any((ROOT / room / module).exists() for room in ROOMS)
