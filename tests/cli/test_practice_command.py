"""`pilot practice reindex`: what an older version stored is found again, and nothing is written twice."""

from datetime import timedelta

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.changes import complete
from chalicelib.booking.practice.models import PUBLIC_BRANCH
from chalicelib.booking.tables import BookingRow
from chalicelib.core import directory
from chalicelib.core.clock import now
from chalicelib.core.rows import DirectoryRow
from chalicelib.core.unit import Unit
from chalicelib.identity.create_company import NewCompany, Person, create_company
from tests.booking.test_changing import COMPANY, booked, call_off
from tests.cli.conftest import Pilot
from tests.conftest import open_practice


def test_what_an_older_version_stored_gets_its_keys_once(pilot: Pilot) -> None:
    create_company(NewCompany("Test", id=COMPANY), Person("Boss", "boss@example.com", "correct horse battery"), now)
    practice = open_practice(COMPANY, calcom=False)
    old, present = booked(practice), booked(practice, 11, guest=2)
    call_off(booked(practice, 12, guest=3))
    place = appointment_store.appointment_key(COMPANY, old.id)
    BookingRow(place.pk, place.sk).update([BookingRow.ending.remove(), BookingRow.ends_at.remove()])
    berlin = practice.branches[0].id
    DirectoryRow(f"{PUBLIC_BRANCH}#{berlin}", "directory").delete()
    later = present.ends_at + timedelta(hours=1)
    assert complete.complete_ended(Unit, lambda: later) == 1
    assert pilot.json("practice", "reindex") == [{"company": COMPANY, "branches": 1, "appointments": 1}]
    assert pilot.json("practice", "reindex", "--company", COMPANY) == [
        {"company": COMPANY, "branches": 0, "appointments": 0}
    ]
    entry = directory.find(PUBLIC_BRANCH, berlin)
    assert entry is not None
    assert (entry.company_id, entry.record) == (COMPANY, berlin)
    assert appointment_store.get_appointment(COMPANY, old.id) == old
    assert complete.complete_ended(Unit, lambda: later) == 1
    assert appointment_store.get_appointment(COMPANY, old.id).status == "completed"
