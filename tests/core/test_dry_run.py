"""A dry run sees its own writes by key, and leaves none behind."""

import pytest

from chalicelib.core import directory
from chalicelib.core.directory import Claim
from chalicelib.core.dry_run import in_dry_run
from chalicelib.core.errors import Stale
from chalicelib.core.rows import AuditRow, DirectoryRow, GuardRow
from chalicelib.core.tables import Key, fetch_one
from chalicelib.core.unit import Unit
from tests.conftest import EmbeddedAws


def guard() -> GuardRow | None:
    found: GuardRow | None = fetch_one(Key(GuardRow, "g", "guard"))
    return found


def test_what_would_be_written_is_seen_and_gone_afterwards(aws: EmbeddedAws) -> None:
    unit = Unit("com_1")
    directory.claim(unit, Claim("kind", "old", "rec_1"), Stale())
    unit.put(GuardRow("g", "guard", tally=1, record="x"))
    unit.commit()
    with in_dry_run():
        unit = Unit("com_1")
        directory.claim(unit, Claim("kind", "new", "rec_2"), Stale())
        directory.release(unit, "kind", "old")
        unit.update(GuardRow("g", "guard"), [GuardRow.tally.add(2), GuardRow.record.remove(), GuardRow.status.set(5)])
        unit.audit("thing.done", "rec_2")
        unit.commit()
        assert unit.committed
        new = directory.find("kind", "new")
        assert new is not None
        assert (new.company_id, new.record) == ("com_1", "rec_2")
        assert directory.find("kind", "old") is None
        seen = guard()
        assert seen is not None
        assert (seen.tally, seen.status) == (3, 5)
        assert not seen.record
    assert directory.find("kind", "new") is None
    assert directory.find("kind", "old") is not None
    after = guard()
    assert after is not None
    assert (after.tally, after.record) == (1, "x")
    assert list(AuditRow.scan()) == []


def test_a_failure_ends_the_dry_run(aws: EmbeddedAws) -> None:
    with pytest.raises(ZeroDivisionError), in_dry_run():
        1 / 0  # noqa: B018
    unit = Unit("com_1")
    directory.claim(unit, Claim("kind", "real", "rec_1"), Stale())
    unit.commit()
    assert [row.record for row in DirectoryRow.scan()] == ["rec_1"]
