"""The picture of packages and arrows in docs/architecture.md, drawn from the imports (`make map`)."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- packages: begin -->", "<!-- packages: end -->"
CUT = ("crm", "booking")
"""Areas that are cut into packages."""
Arrows = Mapping[str, set[str]]


def arrows(graph: grimp.ImportGraph, parent: str) -> dict[str, set[str]]:
    """Which packages directly below `parent` import which of their siblings; modules beside them are left out."""
    packages = [each for each in sorted(graph.find_children(parent)) if graph.find_children(each)]
    return {
        each: {
            other
            for other in packages
            if other != each and graph.direct_import_exists(importer=each, imported=other, as_packages=True)
        }
        for each in packages
    }


def reduced(full: Arrows) -> dict[str, set[str]]:
    """Without the arrows that follow from others; `full` has no circle."""
    return {
        each: set(targets) - set().union(*(_reach(full, other) for other in targets)) for each, targets in full.items()
    }


def _reach(full: Arrows, start: str) -> set[str]:
    found: set[str] = set()
    left = list(full.get(start, ()))
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left.extend(full.get(one, ()))
    return found


def drawn(full: Arrows) -> list[str]:
    """As Mermaid, who imports above what is imported."""
    lines = ["```mermaid", "graph TD"]
    for each, targets in reduced(full).items():
        name = each.rpartition(".")[2]
        lines += [f"  {name} --> {target.rpartition('.')[2]}" for target in sorted(targets)] or [f"  {name}"]
    return [*lines, "```"]


def picture() -> str:
    """The pictures: the areas, and what those are made of that have packages of their own."""
    graph = grimp.build_graph("chalicelib")
    return "\n".join(
        [
            BEGIN,
            "The areas of `chalicelib/` (an arrow: imports; arrows that follow from others are left out):",
            "",
            *drawn(arrows(graph, "chalicelib")),
            "",
            *(line for area in CUT for line in _area(graph, area)),
            END,
        ]
    )


def _area(graph: grimp.ImportGraph, area: str) -> list[str]:
    return [f"The packages of `chalicelib/{area}/`:", "", *drawn(arrows(graph, f"chalicelib.{area}"))]


def placed(page: str, new: str) -> str:
    """The page with `new` between its marks; raises ValueError where it has none."""
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return before + new + after


def main(arguments: Iterable[str]) -> int:
    """Write the picture; with `--check` only say whether the page has today's."""
    page = PAGE.read_text()
    new = placed(page, picture())
    if "--check" in arguments:
        return int(page != new)
    PAGE.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
