"""Adding, changing, deleting and restoring a person by hand."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, NotFound
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm.contact_points.holders import Holder
from chalicelib.crm.editing.changes import changed
from chalicelib.crm.events import CustomerDeleted, CustomerRestored
from chalicelib.crm.households.join import in_household
from chalicelib.crm.matching.decide import Said, SamePerson, who_is_meant
from chalicelib.crm.names.compare import sealed_name
from chalicelib.crm.people import store, write
from chalicelib.crm.people.person import Kind, Person
from chalicelib.crm.people.sealing import Keyed


class NewPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to be added. `given`: fields by name; `add_anyway`: also where somebody known seems to be meant."""

    kind: Kind
    source: str
    given: dict[str, Any]
    country: str | None = None
    add_anyway: bool = False


def add(new_unit: UnitFactory, request: NewPerson, clock: Clock) -> Person:
    """The person, added; in the household of those who share a contact point with them.

    Two requests (three where contact points are shared) and a transaction. Raises Invalid, and Conflict
    `customer_exists` with the `customer_id` of whoever is meant by contact points, name and birth date.
    """

    def attempt() -> Person:
        unit, at = new_unit(), clock()
        empty = Person(
            id=write.new_person_id(),
            company_id=unit.company_id,
            kind=request.kind,
            source=request.source,
            created_at=at,
            updated_at=at,
        )
        person = msgspec.structs.replace(changed(empty, request.given, request.country, at), version=1)
        known = write.read_holders(person)
        beside = _beside(person, [holders.all for holders in known.values()], request)
        person = in_household(unit, person, beside)
        write.add(unit, person, known)
        unit.commit(person)
        return person

    return until_committed(attempt)


def change(
    new_unit: UnitFactory,
    person_id: str,
    version: int | None,
    make: Callable[[Person, datetime], Person],
    clock: Clock,
) -> Person:
    """The person as `make` makes them of what they are; nothing is written where nothing differs.

    Raises NotFound, and Conflict `stale_version` with `current` when `version` is not what it is.
    """

    def attempt() -> Person:
        unit = new_unit()
        old = _get(unit, person_id, version)
        new = make(old.person, clock())
        if new == old.person:
            return new
        write.save(unit, old, new, write.read_holders(old.person, new))
        unit.commit(new)
        return new

    return until_committed(attempt)


def delete(new_unit: UnitFactory, person_id: str, version: int | None, clock: Clock) -> None:
    """Let the person no longer be shown or found; what was booked for them stays. Deleting again changes nothing."""

    def attempt() -> None:
        unit = new_unit()
        old = store.get_keyed(unit.company_id, person_id)
        if old.person.deleted_at:
            return
        _check_version(old.person, version)
        new = old.person.changed(clock(), deleted_at=clock())
        store.save(unit, old, new)
        write.stage_holders(unit, old.person, new, write.read_holders(old.person))
        unit.publish(CustomerDeleted(customer_id=new.id, version=new.version))
        unit.audit("customer.deleted", new.id)
        unit.commit()

    until_committed(attempt)


def restore(new_unit: UnitFactory, person_id: str, clock: Clock) -> Person:
    """Show them again, with the contact points they had; nothing changes for whoever is shown. Raises NotFound."""

    def attempt() -> Person:
        unit = new_unit()
        old = store.get_keyed(unit.company_id, person_id)
        if old.person.deleted_at is None:
            return old.person
        new = old.person.changed(clock(), deleted_at=None)
        store.save(unit, old, new)
        write.stage_holders(unit, old.person, new, write.read_holders(new))
        unit.publish(CustomerRestored(customer_id=new.id, version=new.version))
        unit.audit("customer.restored", new.id)
        unit.commit(new)
        return new

    return until_committed(attempt)


def id_of(company_id: str, person_id: str) -> str:
    """The id of whoever the old system knew by this number; any other id as it is. One request for a number."""
    if not person_id.isdecimal():
        return person_id
    found = store.by_number(company_id, person_id)
    if found is None:
        raise store.missing(person_id)
    return found


def stale(person: Person) -> Conflict:
    """The version that a change was made of is not the newest."""
    return Conflict(
        "stale_version", "Somebody changed this person; read it again.", current={"version": person.version}
    )


def _get(unit: Unit, person_id: str, version: int | None) -> Keyed:
    old = store.get_keyed(unit.company_id, person_id)
    if old.person.deleted_at:
        raise NotFound("customer_not_found", f"Customer {person_id} was deleted; restore them first.")
    _check_version(old.person, version)
    return old


def _check_version(person: Person, version: int | None) -> None:
    if version is not None and version != person.version:
        raise stale(person)


def _beside(person: Person, points: list[tuple[Holder, ...]], request: NewPerson) -> tuple[Holder, ...]:
    said = Said(name=sealed_name(person.company_id, person.name), born=write.born(person.company_id, person.birth_date))
    meant = who_is_meant(said, points)
    if isinstance(meant, SamePerson) and not request.add_anyway:
        detail = "Somebody with this contact point is meant already; change them, or send `add_anyway`."
        raise Conflict("customer_exists", detail, customer_id=meant.holder.person_id)
    return tuple({holder.person_id: holder for point in points for holder in point}.values())
