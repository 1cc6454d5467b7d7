"""What a dead worker had in hand is there again at once."""

import pytest

from chalicelib.core import visibility


@pytest.fixture(autouse=True)
def _nobody_waits_for_the_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visibility, "HELD_SECONDS", 0)
