"""From a vendor's id to the record: keys of the directory, written in the transaction that writes the record."""

from typing import Any

from chalicelib.core import directory
from chalicelib.core.directory import Claim, Entry
from chalicelib.core.errors import DomainError
from chalicelib.core.references import Reference
from chalicelib.core.tables import Key
from chalicelib.core.unit import Unit

EXTERNAL = "external"
"""The kind of directory key."""


def key(reference: Reference) -> Key:
    """Where it leads to its record, for a fetch together with other rows."""
    return directory.key(EXTERNAL, _value(reference))


def find(reference: Reference) -> Entry | None:
    """The record behind it; one request."""
    return directory.find(EXTERNAL, _value(reference))


def claim(
    unit: Unit, reference: Reference, record: str, otherwise: DomainError, data: dict[str, Any] | None = None
) -> None:
    """Let it lead to the record of the unit's company; fails with `otherwise` when it leads to another one."""
    directory.claim(unit, Claim(EXTERNAL, _value(reference), record, data or {}), otherwise)


def _value(reference: Reference) -> str:
    return f"{reference.connection}#{reference.kind}#{reference.id}"
