"""What a person is found by: entries of facets, each a place in a list that is read in order; digests, as all of it.

`text` has a prefix code for each word of the name and each e-mail address, `digits` one for each number read from its
end. A filter has a facet for each kind and value, in order of when persons were added.
"""

import re

import msgspec

from chalicelib.core.clock import stamp
from chalicelib.core.personal import digest, prefix_code
from chalicelib.crm.names.fold import fold, words
from chalicelib.crm.people.person import Kind, Person

SHORTEST_TEXT = 2
FEWEST_DIGITS = 4
LONGEST = 60
"""Characters of a word or an address that are looked at."""
_APOSTROPHES = str.maketrans("", "", "'’‘ʼ`´")
_DIGITS = re.compile(r"[+\d\s()./-]+")


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A place in the list `facet`; `order` within it."""

    facet: str
    order: str


class SearchText(msgspec.Struct, frozen=True):
    """Text that is looked for: beginnings of words or of an address, or the last digits of a number."""

    text: tuple[str, ...] = ()
    digits: str = ""
    address: str = ""

    def fits(self, person: Person) -> bool:
        """Whether it is found in the person's record."""
        if self.digits:
            return any(one.endswith(self.digits) for one in _numbers(person))
        if self.address and any(one.startswith(self.address) for one in _addresses(person)):
            return True
        known = _words(person)
        return bool(self.text) and all(any(word.startswith(one) for word in known) for one in self.text)

    def beginning(self, company_id: str) -> Entry:
        """Where persons of whom it is true lie; others among them are found to be so by their record."""
        if self.digits:
            return Entry("digits", prefix_code(company_id, "digits", self.digits[::-1]))
        longest = max(self.text, key=len, default="")
        return Entry("text", prefix_code(company_id, "text", (self.address if "@" in self.address else longest)))


def search_text(text: str) -> SearchText | None:
    """What a search for this text looks for; None for too little: two letters or four digits are needed."""
    plain = " ".join(text.split()).lower()
    if _DIGITS.fullmatch(plain):
        digits = re.sub(r"\D", "", plain)
        return SearchText(digits=digits) if len(digits) >= FEWEST_DIGITS else None
    found = tuple(word[:LONGEST] for word in words(plain.translate(_APOSTROPHES)))
    address = plain[:LONGEST] if " " not in plain else ""
    if "@" not in plain and max(map(len, found), default=0) < SHORTEST_TEXT:
        return None
    return SearchText(text=found, address=address)


def entries(person: Person) -> list[Entry]:
    """All of a person's; none of one who is deleted."""
    if person.deleted_at:
        return []
    company_id, since = person.company_id, stamp(person.created_at)
    text = [Entry("text", prefix_code(company_id, "text", one)) for one in {*_words(person), *_addresses(person)}]
    digits = [Entry("digits", prefix_code(company_id, "digits", one[::-1])) for one in _numbers(person)]
    filters = [Entry(filter_facet(company_id, person.kind, name, value), since) for name, value in filterable(person)]
    return sorted({*text, *digits, *filters}, key=lambda entry: (entry.facet, entry.order))


def filterable(person: Person) -> list[tuple[str, str]]:
    """What a list may be filtered by, and what the person's record says of it."""
    pipeline = person.pipeline
    named = [
        ("source", person.source),
        ("status", pipeline.status if pipeline else None),
        ("owner_id", pipeline.owner_id if pipeline else None),
    ]
    return [*((name, value) for name, value in named if value), *(("tag", fold(tag)) for tag in person.tags)]


def filter_facet(company_id: str, kind: Kind, name: str, value: str) -> str:
    """The list of all persons of a kind of whom that is said."""
    return f"{kind}.{name}.{digest(company_id, f'filter {name}', value)}"


def _words(person: Person) -> set[str]:
    """Folded words of the name; O'Brien also as one."""
    joined = person.name.translate(_APOSTROPHES)
    return {word[:LONGEST] for word in (*words(person.name), *words(joined))}


def _addresses(person: Person) -> set[str]:
    return {one.value[:LONGEST] for one in person.contact_points if one.kind == "email"}


def _numbers(person: Person) -> set[str]:
    return {one.value.removeprefix("+") for one in person.contact_points if one.kind == "phone"}
