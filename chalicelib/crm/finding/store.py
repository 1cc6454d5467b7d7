"""The lists by which persons are found, in DynamoDB."""

import msgspec

from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit
from chalicelib.crm.finding.entries import Entry
from chalicelib.crm.tables import CrmRow

FOUND_BY = "found_by"
LISTS = Listing(CrmRow, None, "pk", "sk")


class FoundBy(msgspec.Struct, frozen=True):
    """The entries that a person has; `version` 0: none were ever made."""

    entries: tuple[Entry, ...] = ()
    version: int = 0


def found_by(company_id: str, person_id: str) -> FoundBy:
    """One request."""
    row = fetch_one(Key(CrmRow, f"{company_id}#{person_id}", FOUND_BY))
    return FoundBy(row.model(tuple[Entry, ...]), int(row.version)) if row else FoundBy()


def stage(unit: Unit, person_id: str, old: FoundBy, entries: tuple[Entry, ...]) -> None:
    """Let the person have these entries; the unit ends as Stale when somebody else was faster."""
    for entry in set(entries) - set(old.entries):
        unit.put(_row(unit, person_id, entry))
    for entry in set(old.entries) - set(entries):
        unit.delete(_row(unit, person_id, entry))
    row = CrmRow(f"{unit.company_id}#{person_id}", FOUND_BY, version=old.version + 1, data=encode(entries))
    if old.version:
        unit.put(row, CrmRow.version == old.version)
    else:
        unit.add(row)


class EntryKey(msgspec.Struct, frozen=True):
    """A person in a list, and where."""

    person_id: str
    order: str


def page_entries(company_id: str, facet: str, selection: Selection, limit: int, cursor: str | None) -> Page[EntryKey]:
    """Persons of a list, in order; one Query."""
    found = page(LISTS, f"{company_id}#find#{facet}", limit=limit, cursor=cursor, selection=selection)
    return found.map(lambda row: EntryKey(row.sk.partition("#")[2], row.sk.partition("#")[0]))


def beginning(order: str) -> Selection:
    """Those whose order begins so."""
    return Selection(between=CrmRow.sk.startswith(order))


def between(first: str, last: str) -> Selection:
    """Those from `first` (included) to `last` (not included), the newest first."""
    return Selection(between=CrmRow.sk.between(first, last), newest_first=True)


def _row(unit: Unit, person_id: str, entry: Entry) -> CrmRow:
    return CrmRow(f"{unit.company_id}#find#{entry.facet}", f"{entry.order}#{person_id}")
