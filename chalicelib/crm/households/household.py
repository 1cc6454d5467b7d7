"""Households: persons who share a contact point, and who among them may consent, see and be told for whom."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec

from chalicelib.crm.people.person import Person

Role = Literal["member", "guardian", "dependant"]


class Member(msgspec.Struct, frozen=True, omit_defaults=True):
    """Someone of a household. `dependant`: somebody else consents for them whatever their age, or it is not known."""

    person_id: str
    role: Role = "member"


class Rights(msgspec.Struct, frozen=True):
    """For one member: ids of those who consent to what is done, who see their record, and who are told."""

    consents: tuple[str, ...]
    sees: tuple[str, ...]
    is_informed: tuple[str, ...]


def rights(person: Person, members: Sequence[Member], on: date) -> Rights:
    """Who may do what for this person on that day.

    Guardians consent, see and are told for whoever is under eighteen, and for dependants whose birth date is not known;
    with the eighteenth birthday all of it is the person's own, whatever it was before. A minor is told as well.
    """
    guardians = tuple(one.person_id for one in members if one.role == "guardian" and one.person_id != person.id)
    role = next((one.role for one in members if one.person_id == person.id), "member")
    minor = person.is_minor(on)
    if guardians and (minor or (minor is None and role == "dependant")):
        return Rights(consents=guardians, sees=guardians, is_informed=(*guardians, person.id))
    return Rights(consents=(person.id,), sees=(person.id,), is_informed=(person.id,))
