"""Lists of persons: by kind, filtered, or searched; at most four requests a page, wherever in the list it lies."""

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from chalicelib.core.clock import stamp
from chalicelib.core.errors import Fault, Invalid, invalid
from chalicelib.core.pages import Page, Selection
from chalicelib.crm.finding import store
from chalicelib.crm.finding.entries import Entry, SearchText, entries, filter_facet, filterable, search_text
from chalicelib.crm.names.fold import fold
from chalicelib.crm.people import store as people
from chalicelib.crm.people.person import Kind, Person

MOST_FILTERS = 2
ROUNDS = 2
"""How often the list is read on for a page; it then holds fewer, and its cursor goes on."""
FIRST, LAST = "0000", "9999"


class PersonQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which persons. `kind` None: of all kinds, which only a search takes. `filters`: by name, those that are given.

    `created_from` inclusive, `created_until` exclusive. `deleted`: those who were deleted instead.
    """

    kind: Kind | None
    text: str | None = None
    filters: dict[str, str] = {}
    created_from: datetime | None = None
    created_until: datetime | None = None
    deleted: bool = False
    limit: int = 50
    cursor: str | None = None

    def fits(self, person: Person) -> bool:
        """Whether a person belongs to the list by all that is asked besides the text."""
        said = filterable(person)
        return (
            (person.deleted_at is not None) == self.deleted
            and self.kind in (None, person.kind)
            and all((name, value) in said for name, value in self.filters.items())
            and (self.created_from is None or person.created_at >= self.created_from)
            and (self.created_until is None or person.created_at < self.created_until)
        )


def find_people(company_id: str, query: PersonQuery) -> Page[Person]:
    """A page of the list, the newest first; of a search, in no order that matters.

    Raises Invalid for more than two filters at once, for a text that is too short, and for a search of deleted ones.
    """
    _check(query)
    filters = {name: fold(value) if name == "tag" else value for name, value in query.filters.items()}
    query = msgspec.structs.replace(query, filters=filters)
    if query.text is not None:
        looked_for = search_text(query.text)
        if looked_for is None:
            raise invalid("query.q", "too_short", "Give two letters of a name or address, or four digits of a number.")
        return _searched(company_id, query, looked_for)
    if filters and not query.deleted:
        return _filtered(company_id, query)
    listed = "deleted" if query.deleted else str(query.kind)
    found = people.page_listed(company_id, listed, query.limit, query.cursor, _between(query))
    return Page([person for person in found.data if query.fits(person)], found.next_cursor)


def _check(query: PersonQuery) -> None:
    given = [*query.filters, *(["created"] if query.created_from or query.created_until else [])]
    if len(given) > MOST_FILTERS:
        faults = tuple(Fault(f"query.{name}", "too_many_filters", "Give at most two filters.") for name in given)
        raise Invalid("invalid_request", "Filter by at most two at once.", faults=faults)
    if query.created_from and query.created_until and query.created_from >= query.created_until:
        raise invalid("query.created_until", "empty_range", "The range ends before it starts.")
    if query.deleted and (query.text or query.filters):
        raise invalid("query.deleted", "not_allowed", "Those who were deleted are listed without filters.")


def _searched(company_id: str, query: PersonQuery, looked_for: SearchText) -> Page[Person]:
    at = looked_for.beginning(company_id)

    def fits(person: Person, place: store.EntryKey) -> bool:
        # Several words of one person may begin so: they are shown at the first of them.
        first = min((one.order for one in entries(person) if _begins(one, at)), default="")
        return looked_for.fits(person) and query.fits(person) and place.order == first

    return _read(company_id, at.facet, store.beginning(at.order), query, fits)


def _filtered(company_id: str, query: PersonQuery) -> Page[Person]:
    assert query.kind
    name, value = next(iter(query.filters.items()))
    facet = filter_facet(company_id, query.kind, name, value)
    selection = store.between(*_between(query))
    return _read(company_id, facet, selection, query, lambda person, _: query.fits(person))


def _read(
    company_id: str,
    facet: str,
    selection: Selection,
    query: PersonQuery,
    fits: Callable[[Person, store.EntryKey], bool],
) -> Page[Person]:
    """Up to two rounds of the list and of its persons; whoever no longer belongs to it is left out."""
    found: list[Person] = []
    cursor = query.cursor
    for _ in range(ROUNDS):
        page = store.page_entries(company_id, facet, selection, query.limit - len(found), cursor)
        known = {person.id: person for person in people.find_all(company_id, [one.person_id for one in page.data])}
        found += _fitting(known, page.data, fits)
        cursor = page.next_cursor
        if cursor is None or len(found) >= query.limit:
            break
    return Page(found, cursor)


def _fitting(
    known: dict[str, Person], places: Iterable[store.EntryKey], fits: Callable[[Person, store.EntryKey], bool]
) -> list[Person]:
    return [known[one.person_id] for one in places if one.person_id in known and fits(known[one.person_id], one)]


def _begins(entry: Entry, at: Entry) -> bool:
    return entry.facet == at.facet and entry.order.startswith(at.order)


def _between(query: PersonQuery) -> tuple[str, str]:
    first = stamp(query.created_from) if query.created_from else FIRST
    return first, stamp(query.created_until) if query.created_until else LAST
