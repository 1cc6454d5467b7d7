"""A person as a row: personal values sealed under their own key, the rest beside it."""

from typing import Any

import msgspec

from chalicelib.core import personal
from chalicelib.core.tables import encode
from chalicelib.crm.people.person import Person

SEALED = frozenset(
    {
        *("name", "prefix", "given_name", "middle_name", "family_name", "suffix", "language", "birth_date", "gender"),
        *("address", "contact_points", "tags", "alerts", "fields", "external_ids", "legacy_id"),
    }
)
"""Fields that say something about a person; the others say what became of a record."""


class Keyed(msgspec.Struct, frozen=True):
    """A person with the key that their values are sealed under, as it is kept."""

    person: Person
    wrapped: bytes


def sealed(person: Person, wrapped: bytes | None) -> tuple[str, bytes, bytes]:
    """The open part as JSON, the sealed part, and the wrapped key: a new one for who has none yet."""
    key = personal.unwrap(person.company_id, person.id, wrapped) if wrapped else personal.new_key()
    values: dict[str, Any] = msgspec.to_builtins(person)
    secret = {name: values.pop(name) for name in SEALED if name in values}
    about = f"{person.company_id}#{person.id}"
    return (
        encode(values),
        personal.seal(key, msgspec.json.encode(secret), about),
        wrapped or personal.wrap(person.company_id, person.id, key),
    )


def unsealed(row: Any) -> Keyed:
    """The person in a row; raises Unavailable `person_sealed` where their key is gone or does not open."""
    company_id, _, person_id = row.pk.partition("#")
    key = personal.unwrap(company_id, person_id, row.wrapped)
    values: dict[str, Any] = msgspec.json.decode(row.data)
    values |= msgspec.json.decode(personal.unseal(key, row.sealed, row.pk))
    # Another person's joining sets these without reading the record.
    values |= {"household_id": row.household_id, "version": int(row.version)}
    return Keyed(msgspec.convert(values, Person), row.wrapped)
