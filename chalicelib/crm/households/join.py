"""Becoming one of a household: whoever shares a contact point with others, and is said to by someone trusted."""

from collections.abc import Iterable

import msgspec

from chalicelib.core.ids import new_id
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.holders import Holder
from chalicelib.crm.households import store
from chalicelib.crm.households.household import Member
from chalicelib.crm.people import store as people
from chalicelib.crm.people.person import Person

MOST_OF_A_HOUSEHOLD = 12
"""Where more share a number or an address, it is an office's."""


def in_household(unit: Unit, person: Person, beside: Iterable[Holder]) -> Person:
    """A new person as one of the household of those who share a contact point with them; who is in none joins it.

    Stages all of it but the person. One request, where there are any; those who only claim the point do not count.
    """
    others = [holder.person_id for holder in beside if not holder.claimed]
    if not 0 < len(others) < MOST_OF_A_HOUSEHOLD:
        return person
    known = people.find_all(unit.company_id, others)
    theirs = {one.household_id for one in known if one.household_id}
    if len(theirs) > 1 or not known:  # of two contact points: nobody can tell which
        return person
    household = theirs.pop() if theirs else new_id("hsh")
    for one in known:
        if one.household_id is None:
            store.put_member(unit, household, Member(one.id))
            people.join_household(unit, one.id, household)
    store.put_member(unit, household, Member(person.id))
    return msgspec.structs.replace(person, household_id=household)
