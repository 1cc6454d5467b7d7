"""`pilot due`."""

from datetime import datetime, timedelta

import pytest

from chalicelib.booking.jobs import AskForReview
from chalicelib.core import due
from chalicelib.core.clock import now
from chalicelib.core.errors import NotFound
from chalicelib.core.unit import Unit
from tests.cli.conftest import Pilot

COMPANY = "com_1"


def schedule(key: str, at: datetime) -> None:
    unit = Unit(COMPANY)
    unit.schedule(AskForReview(company_id=COMPANY, appointment_id="apt_1"), at, key)
    unit.commit()


def test_what_is_due_is_listed_shown_and_cancelled(pilot: Pilot) -> None:
    schedule("late", now() + timedelta(days=400))
    schedule("soon", now() + timedelta(days=2))
    assert [row["key"] for row in pilot.json("due", "list")] == ["soon", "late"]
    assert [row["key"] for row in pilot.json("due", "list", "--days", "3")] == ["soon"]
    assert [row["key"] for row in pilot.json("due", "list", "--company", COMPANY)] == ["late", "soon"]
    assert pilot.json("due", "list", "--company", "com_2") == []
    assert pilot.json("due", "show", COMPANY, "soon")["job"] == "booking.AskForReview"
    assert "will not be done" in pilot("due", "cancel", COMPANY, "soon").output
    assert [row["key"] for row in pilot.json("due", "list")] == ["late"]


@pytest.mark.parametrize("command", ["show", "cancel"])
def test_what_is_not_there_is_said_with_what_to_do(pilot: Pilot, command: str) -> None:
    result = pilot("due", command, COMPANY, "nothing")
    assert result.exit_code == 1
    assert f"pilot due list --company {COMPANY}" in result.output
    with pytest.raises(NotFound):
        due.get(COMPANY, "nothing")
