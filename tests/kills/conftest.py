"""The practice that books through a simulated Cal.com; what a dead worker had in hand is there again at once."""

import pytest

from chalicelib.core import visibility
from tests.calls.conftest import calcom, through_calcom

__all__ = ["calcom", "through_calcom"]


@pytest.fixture(autouse=True)
def _nobody_waits_for_the_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visibility, "HELD_SECONDS", 0)
