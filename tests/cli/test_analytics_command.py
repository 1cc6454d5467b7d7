"""`pilot analytics`."""

import random

import pytest

from chalicelib.cli import analytics
from chalicelib.core.clock import now
from chalicelib.identity.create_company import NewCompany, Person, create_company
from tests.analytics.test_count_appointments import COMPANY, made
from tests.cli.conftest import Pilot
from tests.conftest import open_practice


def test_figures_are_recounted_and_shown(pilot: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analytics, "pause", lambda seconds: None)
    create_company(NewCompany("Test", id=COMPANY), Person("Boss", "boss@example.com", "correct horse battery"), now)
    practice = open_practice(COMPANY, calcom=False)
    rng = random.Random(7)
    stand = [made(practice, rng) for _ in range(3)]
    shown = ("analytics", "show", "--from", "2026-01-01", "--to", "2026-12-31")
    assert pilot.json(*shown)[-1]["booked"] == 0
    assert pilot.json("analytics", "rebuild") == [{"company": COMPANY, "appointments": 3}]
    total = pilot.json(*shown)[-1]
    assert (total["booked"], total["due"], total["minutes"]) == (3, 3, 90)
    here = [one for one in stand if one.branch_id == practice.branches[0].id]
    assert pilot.json(*shown, "--company", COMPANY, "--branch", practice.branches[0].id)[-1]["due"] == len(here)
    assert pilot(*shown, "--branch", "bra_1").exit_code == 2
    assert pilot("analytics", "show", "--company", COMPANY, "--branch", "bra_none").exit_code == 1
