"""The directory: keys that exist before the company is known (phone number, login, token hash) -> company, record."""

import hashlib
from typing import Any

import msgspec
from pynamodb.exceptions import UpdateError

from chalicelib.core.errors import DomainError
from chalicelib.core.logging import log
from chalicelib.core.rows import DirectoryRow
from chalicelib.core.tables import Key
from chalicelib.core.unit import Unit


class Entry(msgspec.Struct, frozen=True):
    """Whom a global key belongs to; `data` is what the reader needs at once. Times in seconds since 1970."""

    company_id: str
    record: str
    data: dict[str, Any]
    expires_at: int | None
    last_used_at: int | None = None


def digest_of(secret: str) -> str:
    """The form in which a secret is kept, here and elsewhere: SHA-256 in hex, as secrets are random and long."""
    return hashlib.sha256(secret.encode()).hexdigest()


def key(kind: str, value: str) -> Key:
    """The address of an entry, for a fetch together with other rows."""
    return Key(DirectoryRow, f"{kind}#{value}", "directory")


def entry(row: DirectoryRow | None) -> Entry | None:
    """What a fetched row says."""
    if row is None:
        return None
    return Entry(
        row.company_id,
        row.record,
        msgspec.json.decode(row.data or "{}"),
        int(row.expires_at) if row.expires_at else None,
        int(row.last_used_at) if row.last_used_at else None,
    )


def find(kind: str, value: str, *, consistent: bool = True) -> Entry | None:
    """Whom `value` belongs to, or None; one GetItem."""
    return entry(DirectoryRow.find(f"{kind}#{value}", "directory", consistent=consistent))


def touch(kind: str, value: str, at: int, *, if_before: int) -> None:
    """Note that the key was used at `at`, unless that was noted at `if_before` or later; one UpdateItem, no unit.

    Says nothing when it fails: what the key was used for does not depend on the note.
    """
    known_and_old = DirectoryRow.pk.exists() & (
        DirectoryRow.last_used_at.does_not_exist() | (DirectoryRow.last_used_at < if_before)
    )
    try:
        DirectoryRow(f"{kind}#{value}", "directory").update([DirectoryRow.last_used_at.set(at)], known_and_old)
    except UpdateError as error:
        if error.cause_response_code != "ConditionalCheckFailedException":
            log.warning("use not noted", extra={"kind": kind, "why": error.cause_response_code})


class Claim(msgspec.Struct, frozen=True):
    """A key, and the record of the unit's company that it is to lead to. `data` and `expires_at` as in Entry."""

    kind: str
    value: str
    record: str
    data: dict[str, Any] = {}
    expires_at: int | None = None


def claim(unit: Unit, entry: Claim, otherwise: DomainError) -> None:
    """Take the key for the record; fails with `otherwise` when another record has it."""
    mine = (DirectoryRow.company_id == unit.company_id) & (DirectoryRow.record == entry.record)
    unit.put(_row(unit, entry), DirectoryRow.pk.does_not_exist() | mine, otherwise)


def hand_over(unit: Unit, entry: Claim, from_company: str) -> None:
    """Let another company's key lead to the record in the unit's company; Stale when it is not that company's."""
    theirs = (DirectoryRow.company_id == from_company) & (DirectoryRow.record == entry.record)
    unit.put(_row(unit, entry), theirs)


def release(unit: Unit, kind: str, value: str) -> None:
    """Give the key up, if it is still the company's."""
    mine = DirectoryRow.company_id == unit.company_id
    unit.delete(_row(unit, Claim(kind, value, "")), DirectoryRow.pk.does_not_exist() | mine)


def spend(unit: Unit, kind: str, value: str, otherwise: DomainError) -> None:
    """Use up a key that may be used once; fails with `otherwise` when it is gone."""
    mine = DirectoryRow.company_id == unit.company_id
    unit.delete(_row(unit, Claim(kind, value, "")), mine, otherwise)


def _row(unit: Unit, entry: Claim) -> DirectoryRow:
    return DirectoryRow(
        f"{entry.kind}#{entry.value}",
        "directory",
        company_id=unit.company_id,
        record=entry.record,
        data=msgspec.json.encode(entry.data).decode() if entry.data else None,
        expires_at=entry.expires_at,
    )
