"""The house's own kind of import contract finds what it is to find, and the picture of packages is today's."""

import grimp
import pytest

from infra import package_map
from infra.contracts import DirectImportsContract
from infra.package_map import drawn, placed, reduced


def contract(imported: list[str], importers: list[str], allowed: list[str]) -> DirectImportsContract:
    options = {"imported": imported, "importers": importers, "allowed": allowed}
    return DirectImportsContract(name="test", session_options={}, contract_options=options)


@pytest.fixture
def graph() -> grimp.ImportGraph:
    made = grimp.ImportGraph()
    for importer, imported in (
        ("house.things.store", "house.things.tables"),
        ("house.things.group_store", "house.things.tables"),
        ("house.things.book", "house.things.tables"),
        ("house.things.restore", "pynamodb"),
    ):
        made.add_import(importer=importer, imported=imported)
    return made


def test_only_those_that_match_may_import(graph: grimp.ImportGraph) -> None:
    only_stores = contract([r"house\.\w+\.tables", "pynamodb"], [r"house\..*"], [r".*[._]store"])
    check = only_stores.check(graph, verbose=False)
    assert not check.kept
    assert check.metadata["broken"] == [
        "house.things.book -> house.things.tables",
        "house.things.restore -> pynamodb",
    ]


def test_a_contract_that_holds_is_kept(graph: grimp.ImportGraph) -> None:
    assert contract(["pynamodb"], [r"house\..*"], [r"house\.things\.restore"]).check(graph, verbose=False).kept
    assert contract(["requests"], [r"house\..*"], []).check(graph, verbose=False).kept


def test_arrows_that_follow_from_others_are_left_out() -> None:
    full = {"a": {"b", "c"}, "b": {"c"}, "c": set(), "d": set()}
    assert reduced(full) == {"a": {"b"}, "b": {"c"}, "c": set(), "d": set()}
    assert drawn(full) == ["```mermaid", "graph TD", "  a --> b", "  b --> c", "  c", "  d", "```"]


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="packages: begin"):
        placed("# A page", "new")


def test_the_map_shows_todays_packages() -> None:
    page = package_map.PAGE.read_text()
    assert placed(page, package_map.picture()) == page, "draw it anew: make map"
