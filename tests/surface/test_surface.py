"""What the outside knows of the house stays as it is, unless a change is meant."""

import json
from typing import Any

import pytest

from tests.surface.collect import FILE, surface

KEPT: dict[str, Any] = json.loads(FILE.read_text())


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return json.loads(json.dumps(surface()))  # type: ignore[no-any-return]


@pytest.mark.parametrize("part", sorted(KEPT))
def test_nothing_changed_that_the_outside_knows(found: dict[str, Any], part: str) -> None:
    kept, now = KEPT[part], found[part]
    if isinstance(kept, list):
        assert sorted(set(now) ^ set(kept)) == [], "meant? then: python -m tests.surface.collect"
        return
    differing = {name: (kept.get(name), now.get(name)) for name in {*kept, *now} if kept.get(name) != now.get(name)}
    assert differing == {}, "meant? then: python -m tests.surface.collect"
