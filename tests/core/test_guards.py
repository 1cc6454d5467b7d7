"""Guards hold until they expire, and are written only over what was seen."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core import guards
from chalicelib.core.errors import Conflict, Stale
from chalicelib.core.guards import Guard
from chalicelib.core.unit import Unit
from tests.conftest import EmbeddedAws

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
NAME = "com_1#once#a"
SECOND = timedelta(seconds=1)


def unit(at: datetime = NOON) -> Unit:
    return Unit("com_1", clock=lambda: at)


def add(at: datetime, until: datetime) -> None:
    mine = unit(at)
    guards.add(mine, NAME, Guard(until=until, record="rec_1"), Conflict("done_before", "Done."))
    mine.commit()


def test_it_is_set_once_until_it_has_expired(aws: EmbeddedAws) -> None:
    until = NOON + timedelta(hours=1)
    add(NOON, until)
    with pytest.raises(Conflict, match="done_before"):
        add(until, until)
    assert guards.find(NAME, until) == Guard(until=until, record="rec_1")
    assert guards.find(NAME, until + SECOND) is None
    add(until + SECOND, until + 2 * SECOND)


def test_what_was_removed_may_be_set_again(aws: EmbeddedAws) -> None:
    add(NOON, NOON + SECOND)
    mine = unit()
    guards.remove(mine, NAME)
    mine.commit()
    assert guards.find(NAME, NOON) is None
    add(NOON, NOON + SECOND)
    assert guards.find(NAME, NOON) is not None


@pytest.mark.parametrize("field", ["record", "data"])
def test_it_is_written_over_what_was_seen_and_nothing_else(aws: EmbeddedAws, field: str) -> None:
    until = NOON + timedelta(days=1)

    def save(value: str, seen: Guard | None) -> None:
        mine = unit()
        guards.save(mine, NAME, Guard(until=until, **{field: value}), seen)
        mine.commit()

    save("a", None)
    with pytest.raises(Stale):
        save("b", None)
    seen = guards.find(NAME, NOON)
    save("b", seen)
    with pytest.raises(Stale):
        save("c", seen)
    assert getattr(guards.find(NAME, NOON), field) == "b"
