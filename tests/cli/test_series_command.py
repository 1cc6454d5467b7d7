"""`pilot series show`: every occurrence, and whether all is done."""

from datetime import timedelta

import pytest

from infra.local.demo_practice import Practice
from tests.booking.test_refusing import TEN, opened
from tests.booking.test_series import left_in_the_middle, series_of, series_request
from tests.cli.conftest import Pilot


def test_a_series_is_shown_with_what_became_of_each(pilot: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    pilot.start()
    practice: Practice = opened()
    left = left_in_the_middle(practice, monkeypatch)
    made = series_of(series_request(practice, starts_at=TEN + timedelta(hours=1))).series
    words = ("series", "show", made.id, "--company", "com_test")
    shown = pilot(*words)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.count("confirmed") == 3
    assert "Mon 2026-11-30 11:00" in shown.stdout
    assert len(pilot.json(*words)["appointments"]) == 3
    assert pilot("series", "show", made.id, "--company", "com_other").exit_code == 1
    unfinished = pilot("series", "show", left.id, "--company", "com_test")
    assert (unfinished.exit_code, unfinished.stdout.count("held")) == (1, 3)
