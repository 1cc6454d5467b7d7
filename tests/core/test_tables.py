"""Rows are found by their key, in one request however many are asked for."""

from collections.abc import Iterator

import pytest

from chalicelib.core import aws as aws_clients
from chalicelib.core import directory
from chalicelib.core.directory import Claim
from chalicelib.core.dry_run import in_dry_run
from chalicelib.core.errors import Stale
from chalicelib.core.rows import DirectoryRow, GuardRow
from chalicelib.core.tables import Key, fetch_map, fetch_one
from chalicelib.core.unit import Unit
from tests.conftest import EmbeddedAws

GUARD, LOGIN, MISSING = Key(GuardRow, "g", "guard"), directory.key("login", "a"), Key(GuardRow, "none", "guard")


@pytest.fixture
def requests(aws: EmbeddedAws) -> Iterator[list[str]]:
    """The requests made, after two rows were written."""
    unit = Unit("com_1")
    unit.put(GuardRow("g", "guard", tally=7))
    directory.claim(unit, Claim("login", "a", "usr_1"), Stale())
    unit.commit()
    made: list[str] = []
    hook = lambda when, name: made.append(name) if when == "before" else None  # noqa: E731
    aws_clients.call_hooks.append(hook)
    yield made
    aws_clients.call_hooks.remove(hook)


def test_rows_of_several_kinds_lie_under_their_own_keys(requests: list[str]) -> None:
    rows = fetch_map([LOGIN, MISSING, GUARD, LOGIN])
    assert list(rows) == [LOGIN, MISSING, GUARD]
    assert (rows[GUARD].tally, rows[LOGIN].record, rows[MISSING]) == (7, "usr_1", None)
    assert isinstance(rows[LOGIN], DirectoryRow)
    assert requests == ["dynamodb.BatchGetItem"]


def test_one_key_is_one_item_however_often_it_is_asked_for(requests: list[str]) -> None:
    assert fetch_map([GUARD, GUARD])[GUARD].tally == fetch_one(GUARD).tally == 7
    assert fetch_one(MISSING) is None
    assert requests == ["dynamodb.GetItem"] * 3


def test_no_key_is_no_request(requests: list[str]) -> None:
    assert fetch_map([]) == {}
    assert requests == []


def test_a_dry_run_sees_its_own_rows(requests: list[str]) -> None:
    with in_dry_run():
        unit = Unit("com_1")
        unit.put(GuardRow("none", "guard", tally=1))
        unit.delete(GuardRow("g", "guard"))
        unit.commit()
        rows = fetch_map([GUARD, MISSING])
        assert rows[GUARD] is None
        assert rows[MISSING].tally == 1
    assert fetch_one(MISSING) is None
