"""`pilot text` and `pilot subscriptions`."""

from datetime import timedelta

import pytest

from chalicelib.core.clock import now
from chalicelib.identity.create_company import NewCompany, Person, create_company
from chalicelib.text_sessions.tables import TextSessionRow
from tests.cli.conftest import Pilot
from tests.text_sessions.room import COMPANY, Room, furnish


@pytest.fixture
def room(pilot: Pilot) -> Room:
    """A room of a company that the command line finds by itself, entered twelve minutes ago."""
    create_company(NewCompany("Room", id=COMPANY), Person("Boss", "boss@example.com", "correct horse battery"), now)
    return furnish(starts_at=now() - timedelta(minutes=12))


def test_sessions_are_shown_as_the_clock_has_them(pilot: Pilot, room: Room) -> None:
    assert pilot.json("text", "status", "--running") == []
    room.start()
    room.active()
    [row] = pilot.json("text", "status", "--running")
    assert (row["state"], row["used"], row["remaining"]) == ("running", 2, 1)
    for name in (room.session().id, room.appointment.id):
        assert pilot.json("text", "status", name) == [row]
    assert pilot.json("text", "status", "--running", "--company", "com_other") == []
    room.at = now()
    room.end()
    assert pilot.json("text", "status", "--running") == []
    assert pilot.json("text", "status", room.session().id)[0]["state"] == "manual_end"
    assert pilot("text", "status").exit_code == 2
    assert pilot("text", "status", "txs_none").exit_code == 1


def test_balances_are_granted_corrected_and_read(pilot: Pilot, room: Room) -> None:
    sold = room.subscription.id
    assert pilot.json("subscriptions", "grant", sold, "5", "--reason", "Bought")["remaining"] == 8
    once = ("subscriptions", "adjust", sold, "-2", "--reason", "Counted twice", "--key", "k1")
    assert pilot.json(*once)["remaining"] == 6
    again = pilot(*once)
    assert (again.exit_code, "before" in again.stderr) == (1, True)
    too_much = pilot("subscriptions", "adjust", sold, "-7", "--reason", "x")
    assert (too_much.exit_code, "Only 6" in too_much.stderr) == (1, True)
    entries = pilot.json("subscriptions", "ledger", sold)
    assert [(entry["amount"], entry["reason"]) for entry in entries] == [(3, "grant"), (5, "grant"), (-2, "adjustment")]
    shown = pilot("subscriptions", "ledger", sold)
    assert "3 entries make 6; the balance is 6 (active)." in shown.stderr
    assert pilot("subscriptions", "ledger", "sub_none").exit_code == 1


def test_a_ledger_that_does_not_add_up_is_found(pilot: Pilot, room: Room) -> None:
    next(row for row in TextSessionRow.scan() if row.sk.startswith("ledger#")).delete()
    assert pilot("subscriptions", "ledger", room.subscription.id).exit_code == 1
