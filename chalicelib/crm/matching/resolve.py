"""Finding the person behind what was said of who comes, or adding one: asked by every way in, decided by `decide`.

Who has the contact points lies at `point_store.keys`, so it is read together with whatever else is; nothing more is
read, unless a trusted person says something new of somebody who is known.
"""

from datetime import datetime
from typing import Literal

import msgspec

from chalicelib.core.errors import Conflict
from chalicelib.core.tables import Key
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points import store as point_store
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.contact_points.holders import Holder, Holders
from chalicelib.crm.contact_points.store import Rows
from chalicelib.crm.households.join import in_household
from chalicelib.crm.matching.decide import Meant, NewPerson, Said, SamePerson, Unsure, who_is_meant
from chalicelib.crm.names.compare import sealed_name
from chalicelib.crm.people import store as person_store
from chalicelib.crm.people import write
from chalicelib.crm.people.person import Person, points_of

Trust = Literal["staff", "caller", "stranger"]
"""Who says it: somebody of the practice; a caller, about the number they call from; anyone else."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody is to be found: what was said of them, by whom, and which way it came (`web`, `retell_phone`, …).

    `can_answer`: whoever says it can be asked back when it is not clear who is
    meant; where nobody can, those who had the contact point first are.
    """

    contact: Contact
    trust: Trust
    source: str
    can_answer: bool = False


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """Who is meant, with what that was decided on. `person_id` None: somebody new."""

    sighting: Sighting
    meant: Meant
    known: dict[Key, Holders]

    @property
    def person_id(self) -> str | None:
        """Of whoever is known."""
        return self.meant.holder.person_id if isinstance(self.meant, SamePerson) else None


def resolve(company_id: str, sighting: Sighting, rows: Rows) -> Resolution:
    """Who is meant, by the rows at `point_store.keys`.

    Raises Conflict `customer_unsure` with the ids of `candidates` where whoever says it can be asked.
    """
    contact = sighting.contact
    known = {key: point_store.holders_of(rows[key]) for key in point_store.keys(company_id, contact)}
    said = Said(
        name=sealed_name(company_id, contact.name),
        born=write.born(company_id, contact.birth_date),
    )
    meant = who_is_meant(said, [holders.all for holders in known.values()])
    if isinstance(meant, Unsure):
        ids = [holder.person_id for holder in meant.candidates]
        if sighting.can_answer:
            detail = "Several persons share this phone number or e-mail address; say by `customer_id` who is meant."
            raise Conflict("customer_unsure", detail, candidates=ids)
        meant = SamePerson(meant.candidates[0])
    return Resolution(sighting=sighting, meant=meant, known=known)


def stage(unit: Unit, resolution: Resolution, at: datetime, person_id: str | None = None) -> str:
    """Stage what this changes: a new person, or what trusted people say of one who is known; returns the person's id.

    `person_id`: of somebody new, where it had to be known before. The unit ends as Stale when a contact point has
    changed hands since.
    """
    if isinstance(resolution.meant, SamePerson):
        if learns(unit.company_id, resolution):
            _learn(unit, resolution, resolution.meant.holder.person_id, at)
        return resolution.meant.holder.person_id
    assert isinstance(resolution.meant, NewPerson)
    return _add(unit, resolution, resolution.meant.beside, at, person_id).id


def learns(company_id: str, resolution: Resolution) -> bool:
    """Whether something is said that is not known of this person, by somebody who is believed."""
    if resolution.sighting.trust == "stranger" or not isinstance(resolution.meant, SamePerson):
        return False
    contact, person_id = resolution.sighting.contact, resolution.meant.holder.person_id
    mine = [holders.find(person_id) for holders in resolution.known.values()]
    if any(holder is None or holder.claimed for holder in mine):
        return True
    known = resolution.meant.holder
    said = sealed_name(company_id, contact.name)
    return _says_more(said, known) or (contact.birth_date is not None and known.born is None)


def _says_more(said: tuple[object, ...], known: Holder) -> bool:
    return len(said) > len(known.name) or (not known.name and bool(said))


def _learn(unit: Unit, resolution: Resolution, person_id: str, at: datetime) -> None:
    sighting = resolution.sighting
    old = person_store.get_keyed(unit.company_id, person_id)
    new = learnt(old.person, sighting, at)
    known = write.read_holders(old.person, new, known=resolution.known)
    write.save(unit, old, new, known, source=sighting.source)


def learnt(person: Person, sighting: Sighting, at: datetime) -> Person:
    """The person with what trusted people say: a longer name, a birth date and contact points not known so far."""
    contact = sighting.contact
    longer = len(sealed_name(person.company_id, contact.name)) > len(sealed_name(person.company_id, person.name))
    new = person.changed(
        at,
        name=contact.name if longer else person.name,
        birth_date=person.birth_date or contact.birth_date,
    )
    if longer and person.given_name:
        # What was told in parts is told anew as a whole.
        new = msgspec.structs.replace(
            new, prefix=None, given_name=None, middle_name=None, family_name=None, suffix=None
        )
    return write.with_points(new, points_of(contact, sighting.source, at))


def _add(unit: Unit, resolution: Resolution, beside: tuple[Holder, ...], at: datetime, person_id: str | None) -> Person:
    sighting = resolution.sighting
    # Whoever is new may say what they like of themselves, but not that somebody else's number is theirs.
    stranger = sighting.trust == "stranger"
    taken = zip(sighting.contact.points, resolution.known.values(), strict=True)
    claimed = {kind for (kind, _), holders in taken if stranger and holders.all}
    person = Person(
        id=person_id or write.new_person_id(),
        company_id=unit.company_id,
        name=sighting.contact.name,
        birth_date=sighting.contact.birth_date,
        contact_points=points_of(sighting.contact, sighting.source, at, claimed),
        source=sighting.source,
        created_at=at,
        updated_at=at,
    )
    return write.add(unit, person if stranger else in_household(unit, person, beside), resolution.known)
