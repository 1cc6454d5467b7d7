"""What a record is called at vendors; `core/reference_store.py` leads from there back to the record."""

from collections.abc import Iterable

import msgspec


class Reference(msgspec.Struct, frozen=True, array_like=True):
    """A record's id in a vendor's account.

    `connection`: the account. `kind`: what it is an id of there. `part`: which part of the record, if not all of it.
    """

    connection: str
    kind: str
    id: str
    part: str = ""


def id_of(references: Iterable[Reference], connection: str | None, kind: str, part: str = "") -> str | None:
    """The vendor's id of that kind among a record's references."""
    wanted = (connection, kind, part)
    return next((each.id for each in references if _slot(each) == wanted), None)


def updated(references: Iterable[Reference], newer: Iterable[Reference]) -> tuple[Reference, ...]:
    """The references of a record after the vendor has said newer ones; what it did not mention stays."""
    said = {_slot(each): each for each in newer}
    kept = [said.pop(_slot(each), each) for each in references]
    return (*kept, *said.values())


def _slot(reference: Reference) -> tuple[str, str, str]:
    return reference.connection, reference.kind, reference.part
