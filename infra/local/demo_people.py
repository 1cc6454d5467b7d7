"""Persons of a demo, of tests and of benchmarks: added without looking whether anybody has their contact points."""

from datetime import datetime

from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.contact_points.holders import Holders
from chalicelib.crm.people import write
from chalicelib.crm.people.person import Person, points_of


def add_person(unit: Unit, contact: Contact, source: str, at: datetime) -> Person:
    """Stage a new customer; the unit ends as Stale when somebody has one of the contact points."""
    person = Person(
        id=write.new_person_id(),
        company_id=unit.company_id,
        name=contact.name,
        birth_date=contact.birth_date,
        contact_points=points_of(contact, source, at),
        source=source,
        created_at=at,
        updated_at=at,
    )
    free = dict.fromkeys(contact_points.keys(unit.company_id, contact), Holders())
    return write.add(unit, person, free)
