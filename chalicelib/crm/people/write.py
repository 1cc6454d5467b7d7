"""Writing a person together with what leads to them: their contact points and their household."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from chalicelib.core.ids import new_id
from chalicelib.core.personal import digest
from chalicelib.core.tables import Key, fetch_map
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points import store as point_store
from chalicelib.crm.contact_points.holders import Holder, Holders
from chalicelib.crm.events import CustomerChanged, CustomerCreated
from chalicelib.crm.names.compare import sealed_name
from chalicelib.crm.people import store
from chalicelib.crm.people.person import ContactPoint, Person
from chalicelib.crm.people.sealing import Keyed

Known = Mapping[Key, Holders]
"""Who has which contact points, as it was read."""


def holder_of(person: Person, point: ContactPoint) -> Holder:
    """The person as one of those who have that contact point."""
    return Holder(
        person.id,
        name=sealed_name(person.company_id, person.name),
        born=born(person.company_id, person.birth_date),
        claimed=point.claimed,
    )


def born(company_id: str, birth_date: object) -> str | None:
    """A digest of a birth date, to be compared with others."""
    return digest(company_id, "born", str(birth_date), 8) if birth_date else None


def point_key(person: Person, point: ContactPoint) -> Key:
    """Where it says who has that contact point."""
    return point_store.key(person.company_id, point.kind, point.written)


def read_holders(*persons: Person, known: Known = MappingProxyType({})) -> dict[Key, Holders]:
    """Who has the contact points of these persons, besides those that are `known`; one request, none for none."""
    keys = (point_key(one, point) for one in persons for point in one.contact_points)
    found = fetch_map(key for key in keys if key not in known)
    return {**known, **{key: point_store.holders_of(row) for key, row in found.items()}}


def add(unit: Unit, person: Person, known: Known) -> Person:
    """Stage a new person; the unit ends as Stale when a contact point has changed hands since `known` was read."""
    store.add(unit, person)
    for point in person.contact_points:
        at = point_key(person, point)
        point_store.save(unit, at, known[at].with_(holder_of(person, point)))
    unit.publish(CustomerCreated(customer_id=person.id, source=person.source, kind=person.kind))
    unit.audit("customer.created", person.id, changed_fields(None, person))
    return person


def save(unit: Unit, old: Keyed, new: Person, known: Known, **audit_details: str) -> Person:
    """Stage the next version of a person, who has lost or won contact points; nothing where nothing differs."""
    fields = changed_fields(old.person, new)
    if not fields:
        return old.person
    store.save(unit, old, new)
    stage_holders(unit, old.person, new, known)
    unit.publish(CustomerChanged(customer_id=new.id, fields=fields, version=new.version))
    unit.audit("customer.changed", new.id, fields, **audit_details)
    return new


def stage_holders(unit: Unit, old: Person, new: Person, known: Known) -> None:
    """Stage what is told of this person at the contact points that they had and have, where it is no longer true."""
    before = {point_key(old, point): point for point in old.contact_points}
    after = {} if new.deleted_at else {point_key(new, point): point for point in new.contact_points}
    for at in before.keys() - after.keys():
        if known[at].find(new.id):
            point_store.save(unit, at, known[at].without(new.id))
    for at, point in after.items():
        holder = holder_of(new, point)
        if known[at].find(new.id) != holder:
            point_store.save(unit, at, known[at].with_(holder))


def changed_fields(old: Person | None, new: Person) -> tuple[str, ...]:
    """Names of the fields that differ, without those that say when; of a new person those that say something."""
    before = old or Person(id=new.id, company_id=new.company_id, created_at=new.created_at, updated_at=new.updated_at)
    bookkeeping = {"updated_at", "version", "created_at"}
    return tuple(
        name
        for name in Person.__struct_fields__
        if name not in bookkeeping and getattr(before, name) != getattr(new, name)
    )


def new_person_id() -> str:
    """An id for a person, where it has to be known before they are added."""
    return new_id("cus")


def with_points(person: Person, points: tuple[ContactPoint, ...]) -> Person:
    """The person with these besides the contact points they have; what was claimed and is now said, is theirs."""
    mine = list(person.contact_points)
    for point in points:
        known = person.has(point.kind, point.written)
        if known is None:
            mine.append(point)
        elif known.claimed and not point.claimed:
            mine[mine.index(known)] = msgspec.structs.replace(known, claimed=False)
    return msgspec.structs.replace(person, contact_points=tuple(mine))
