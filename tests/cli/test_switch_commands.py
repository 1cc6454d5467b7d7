"""`pilot vendors` and `pilot switch`."""

import pytest

from chalicelib.core import switches
from chalicelib.core.errors import SwitchedOff
from chalicelib.core.integration import declared
from chalicelib.core.rows import AuditRow
from chalicelib.core.settings import settings
from tests.cli.conftest import Pilot


def test_a_vendor_is_switched_off_and_on(pilot: Pilot) -> None:
    assert {row["name"]: row["status"] for row in pilot.json("vendors")} == dict.fromkeys(declared(), "on")
    assert {"calcom", "fic", "retell", "twilio"} <= declared().keys()
    done = pilot("vendors", "off", "calcom", "--why", "it books twice")
    assert "vendor:calcom is switched off; within 10 seconds that is known everywhere." in done.stderr
    assert "vendor:calcom is off already" not in done.stderr
    (row,) = [row for row in pilot.json("vendors", "list") if row["status"] == "off"]
    assert (row["name"], row["why"], row["since"][:2]) == ("calcom", "it books twice", "20")
    shown = pilot("vendors").stdout
    for word in ("Cal.com", "off", "it books twice", "Retell"):
        assert word in shown
    assert "Switched off: vendor:calcom." in pilot("status").stderr
    assert "is off already" in pilot("vendors", "off", "calcom", "--why", "it books twice").stderr
    assert pilot("vendors", "on", "calcom").exit_code == 0
    assert "is on already" in pilot("vendors", "on", "calcom").stderr
    assert {row.actor for row in AuditRow.scan()} == {"system:pilot-cli"}
    assert len(list(AuditRow.scan())) == 2


def test_public_booking_and_jobs_are_switched_off_and_on(pilot: Pilot) -> None:
    assert pilot.json("switch") == []
    assert "Everything is on." in pilot("switch").stdout
    for what in ("public-booking", "booking.MailCustomer"):
        assert pilot("switch", "off", what).exit_code == 0
    assert [row["name"] for row in pilot.json("switch", "list")] == ["job:booking.MailCustomer", "public-booking"]
    switches.forget()
    with pytest.raises(SwitchedOff):
        switches.require_job("booking.MailCustomer")
    assert pilot("switch", "on", "booking.MailCustomer").exit_code == 0
    assert [row["name"] for row in pilot.json("switch")] == ["public-booking"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["vendors", "off", "acme"], "There is no vendor acme; there are calcom, fic, retell, twilio."),
        (["switch", "off", "booking"], "name public-booking, or a type of job"),
        (["switch", "off", "booking.Nonsense"], "There is no switch booking.Nonsense"),
        (["switch", "on", "calcom"], "`pilot vendors off calcom`"),
    ],
)
def test_what_is_no_switch_is_told(pilot: Pilot, words: list[str], said: str) -> None:
    result = pilot(*words)
    assert result.exit_code == 1
    assert said in result.stderr


def test_a_stage_has_switches_of_its_own(stage: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stage("--stage", "dev", "vendors", "off", "twilio").exit_code == 0
    monkeypatch.setenv("PILOT_PREFIX", "pilot-dev")
    settings.cache_clear()
    assert switches.read().keys() == {"vendor:twilio"}
