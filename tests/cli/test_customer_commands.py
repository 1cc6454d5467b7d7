"""`pilot customers`."""

from chalicelib.crm.contact_points.contact import Contact
from tests.cli.conftest import Pilot
from tests.crm.persons import COMPANY, PHONE, known
from tests.draining import drain


def test_somebody_is_found_and_shown(pilot: Pilot) -> None:
    ada = known(Contact(name="Ada Zahnärzte", phone=PHONE, extension="12", email="ada@example.com"))
    known(Contact(name="Ben"))
    drain()
    [found] = pilot.json("customers", "find", "zahnaerz", "--company", COMPANY)
    assert (found["customer"], found["phone"]) == (ada.id, PHONE)
    assert ada.id in pilot("customers", "find", "5678", "--company", COMPANY).stdout
    shown = pilot.json("customers", "show", ada.id, "--company", COMPANY)
    assert shown["reached by"] == f"{PHONE};ext=12, ada@example.com"
    assert "Ada Zahnärzte" in pilot("customers", "show", ada.id, "--company", COMPANY).stdout
