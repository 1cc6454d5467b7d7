"""Persons in DynamoDB."""

from typing import Any

from pynamodb.expressions.condition import Condition

from chalicelib.core.clock import stamp
from chalicelib.core.errors import NotFound
from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.tables import Key, fetch, fetch_one
from chalicelib.core.unit import Unit
from chalicelib.crm.people import sealing
from chalicelib.crm.people.person import Person
from chalicelib.crm.people.sealing import Keyed
from chalicelib.crm.tables import CrmRow

BY_LIST = Listing(CrmRow, "by_list", "listed", "created_at")


def key(company_id: str, person_id: str) -> Key:
    """The address of a person, for a fetch together with other records."""
    return Key(CrmRow, f"{company_id}#{person_id}", "person")


def person_of(row: Any) -> Person | None:
    """The person in a fetched row; None also for one who is deleted."""
    found = keyed_of(row)
    return found.person if found and found.person.deleted_at is None else None


def keyed_of(row: Any) -> Keyed | None:
    """The person in a fetched row with the key of theirs, also one who is deleted."""
    return sealing.unsealed(row) if row is not None else None


def get(company_id: str, person_id: str) -> Person:
    """One request; raises NotFound, also for a person of another company."""
    found = find(company_id, person_id)
    if found is None:
        raise missing(person_id)
    return found


def find(company_id: str, person_id: str) -> Person | None:
    """One request."""
    return person_of(fetch_one(key(company_id, person_id)))


def get_keyed(company_id: str, person_id: str) -> Keyed:
    """The same, also of one who is deleted, to be changed; raises NotFound."""
    found = keyed_of(fetch_one(key(company_id, person_id)))
    if found is None:
        raise missing(person_id)
    return found


def missing(person_id: str) -> NotFound:
    """Nobody of that id."""
    return NotFound("customer_not_found", f"There is no customer {person_id}.")


def find_all(company_id: str, person_ids: list[str]) -> list[Person]:
    """Those of these who are there, in that order; one request for up to a hundred."""
    rows = fetch([key(company_id, person_id) for person_id in dict.fromkeys(person_ids)])
    return [person for person in map(person_of, rows) if person]


def by_number(company_id: str, number: str) -> str | None:
    """The id of the person whom the old system knew by that number; one request."""
    row = fetch_one(number_key(company_id, number))
    return str(row.person_id) if row else None


def number_key(company_id: str, number: str) -> Key:
    """Where a number of the old system's leads to a person."""
    return Key(CrmRow, f"{company_id}#number#{number}", "number")


def add(unit: Unit, person: Person) -> None:
    """Add them; who has their contact points is written apart."""
    unit.add(_row(person, None))
    if person.legacy_id:
        at = number_key(person.company_id, person.legacy_id)
        unit.add(CrmRow(at.pk, at.sk, person_id=person.id))


def save(unit: Unit, old: Keyed, person: Person) -> None:
    """Write their next version; the unit ends as Stale when someone else was faster."""
    unit.put(_row(person, old.wrapped), _unchanged(old.person))


def join_household(unit: Unit, person_id: str, household_id: str) -> None:
    """Note whose household they belong to, without reading them; the unit ends as Stale when it is another one."""
    at = key(unit.company_id, person_id)
    free = CrmRow.household_id.does_not_exist() | (CrmRow.household_id == household_id)
    changes = [CrmRow.household_id.set(household_id), CrmRow.version.set(CrmRow.version + 1)]
    unit.update(CrmRow(at.pk, at.sk), changes, CrmRow.pk.exists() & free)


def find_kept(company_id: str, person_id: str) -> Person | None:
    """The same as `find`, also of one who is deleted."""
    found = keyed_of(fetch_one(key(company_id, person_id)))
    return found.person if found else None


def page_listed(
    company_id: str, listed: str, limit: int, cursor: str | None, added: tuple[str, str] | None = None
) -> Page[Person]:
    """The newest first of `customer`, `lead` or `deleted`; `added`: between these stamps, the last not included."""
    between = CrmRow.created_at.between(*added) if added else None
    selection = Selection(between=between, newest_first=True)
    found = page(BY_LIST, f"{company_id}#{listed}", limit=limit, cursor=cursor, selection=selection)
    return found.map(lambda row: sealing.unsealed(row).person)


def _unchanged(old: Person) -> Condition:
    found: Condition = CrmRow.version == old.version
    return found


def _row(person: Person, wrapped: bytes | None) -> CrmRow:
    data, sealed, wrapped = sealing.sealed(person, wrapped)
    at = key(person.company_id, person.id)
    return CrmRow(
        at.pk,
        at.sk,
        listed=f"{person.company_id}#{'deleted' if person.deleted_at else person.kind}",
        created_at=f"{stamp(person.created_at)}#{person.id}",
        household_id=person.household_id,
        version=person.version,
        data=data,
        sealed=sealed,
        wrapped=wrapped,
    )
