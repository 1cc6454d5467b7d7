"""`pilot calcom sync`: what is stored, what is found, and what is left to people."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from chalicelib.integrations.calcom.match import match_event_types, match_users
from chalicelib.vendors.calcom.account import CalComEventType, CalComUser
from infra.local.demo_practice import Practice, demo_practice
from infra.local.simulators.calcom.event_types import EventType, Host
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.cli.conftest import Pilot

ADA, BEN = Host(id=7, email="ada@example.com"), Host(id=8, email="ben@example.com")


@pytest.fixture
def account(pilot: Pilot) -> Iterator[CalComSimulator]:
    """A Cal.com with Ada's and Ben's event types, named the way people name them."""
    types = [
        EventType(id=201, slug="consultation-ada", title="Consultation Ada", hosts=[ADA]),
        EventType(id=202, slug="ben", title="Consultation", hosts=[BEN]),
        EventType(id=203, slug="massage", title="Massage", length_in_minutes=60, hosts=[ADA]),
        EventType(id=204, slug="team-meeting", title="Team meeting", hosts=[ADA, BEN]),
    ]
    simulator = CalComSimulator("cal_test", event_types=types)
    environment = pilot.aws.environment() | {"CALCOM_BASE_URL": simulator.start()}
    pilot.start(environment=environment)
    yield simulator
    simulator.stop()


@pytest.fixture
def unlinked(account: CalComSimulator) -> Practice:
    """The practice before anyone linked it."""
    made = demo_practice("com_test", calcom=True)
    services = tuple(replace(service, references=()) for service in made.services)
    staff = tuple(
        replace(member, references=(), email=f"{member.name.split()[0].lower()}@Example.com") for member in made.staff
    )
    save_practice(lambda: Unit("com_test"), made.branches, services, staff)
    return Practice(made.branches, services, staff, made.event_types)


def test_a_dry_run_shows_and_a_run_stores_what_fits(pilot: Pilot, unlinked: Practice) -> None:
    words = ("calcom", "sync", "--company", "com_test")
    shown = pilot(*words, "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "Consultation (30 min), Ben Okafor" in shown.stdout
    assert practice_store.practice("com_test")[1][0].references == ()
    assert pilot.json(*words)["stored"] == 5
    _, services, staff = practice_store.practice("com_test")
    linked = {service.name: service.booked_as("calcom") for service in services}
    ada, ben = unlinked.staff[0].id, unlinked.staff[1].id
    assert linked == {
        "Consultation": {ada: "201", ben: "202"},
        "Massage": {ada: "203"},
        "Haircut": {},
        "Text consultation": {},
    }
    assert {member.name: member.reference("calcom") for member in staff} == {
        "Ada Keller": "7",
        "Ben Okafor": "8",
        "Chloe Park": None,
        "Dan Rossi": None,
    }
    again = pilot.json(*words)
    assert again["stored"] == 0
    assert {link["state"] for link in again["links"]} == {"linked", "unused"}


def test_what_fits_several_or_none_needs_a_hand(pilot: Pilot, account: CalComSimulator, unlinked: Practice) -> None:
    account.bookings.event_types[205] = EventType(id=205, slug="consultation", hosts=[BEN])
    account.bookings.event_types[203].length_in_minutes = 45
    result = pilot("calcom", "sync", "--company", "com_test")
    assert result.exit_code == 1
    assert "fits several" in result.stdout
    assert "nothing fits" in result.stdout
    _, services, _ = practice_store.practice("com_test")
    assert {s.name: list(s.booked_as("calcom").values()) for s in services}["Consultation"] == ["201"]


def test_a_stored_link_that_calcom_lost_or_changed_is_said() -> None:
    made = demo_practice("com_test")
    kinds = [CalComEventType(id=101, title="x", slug="x", length_min=45, hosts=(7,))]
    states = {link.calcom_id: link.state for link in match_event_types(made.services, made.staff[:2], kinds)}
    assert states == {101: "differs", 102: "gone", 103: "gone"}
    users = [CalComUser(id=8, email="ben@example.com"), CalComUser(id=9, email="new@example.com")]
    assert [link.state for link in match_users(made.staff[:2], users)] == ["gone", "linked", "unused"]


def test_the_company_must_be_clear(pilot: Pilot, account: CalComSimulator) -> None:
    result = pilot("calcom", "sync")
    assert result.exit_code == 1
    assert "--company" in result.stderr


def test_the_schedules_bring_the_jobs(pilot: Pilot) -> None:
    for name in ("poll_calcom", "check_calcom_webhooks"):
        result = pilot("schedules", "run", name)
        assert result.exit_code == 0, result.stderr
    assert sorted(row.type for row in OutboxRow.scan()) == ["job:booking.CheckCalComWebhooks", "job:booking.PollCalCom"]
