"""`pilot waiting`."""

from datetime import timedelta

from chalicelib.booking.waitlist.end_offer import withdraw
from chalicelib.booking.waitlist.join import WaitlistRequest, join
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.identity.create_company import NewCompany, Person, create_company
from tests.cli.conftest import Pilot
from tests.conftest import open_practice

COMPANY = "com_test"


def test_who_waits_is_listed(pilot: Pilot) -> None:
    create_company(NewCompany("Test", id=COMPANY), Person("Boss", "boss@example.com", "correct horse battery"), now)
    berlin, new_york = open_practice(COMPANY, calcom=False).branches
    made = [
        join(
            lambda: Unit(COMPANY),
            COMPANY,
            WaitlistRequest(branch_id=branch.id, services=("Consultation",), contact=Contact(email="eve@example.com")),
            lambda at=at: at,  # type: ignore[misc]
        )
        for branch, at in ((new_york, now()), (berlin, now() + timedelta(seconds=1)))
    ]
    withdraw(lambda: Unit(COMPANY), COMPANY, made[0].id, now)
    listed = pilot.json("waiting", "list")
    assert [(row["waiting"], row["status"]) for row in listed] == [(made[1].id, "waiting"), (made[0].id, "withdrawn")]
    assert [row["waiting"] for row in pilot.json("waiting", "list", "--branch", new_york.id)] == [made[0].id]
    assert [row["waiting"] for row in pilot.json("waiting", "list", "--status", "waiting")] == [made[1].id]
    assert made[1].id in pilot("waiting", "list", "--company", COMPANY).stdout
