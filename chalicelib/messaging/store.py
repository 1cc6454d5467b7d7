"""Texts and refusals in DynamoDB."""

from typing import Any

from chalicelib.core import directory
from chalicelib.core.clock import stamp
from chalicelib.core.directory import Claim
from chalicelib.core.errors import DomainError, Stale
from chalicelib.core.pages import NEWEST_FIRST, Listing, Page, page
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit
from chalicelib.messaging.refusal import Refusal
from chalicelib.messaging.tables import MessagingRow
from chalicelib.messaging.text import Text

TWILIO = "twilio_message"
"""The kind of directory key under which Twilio's id of a text leads to ours."""
BY_COMPANY = Listing(MessagingRow, "by_company", "company_id", "created_at")


def find_text(company_id: str, text_id: str) -> Text | None:
    """One request."""
    row = MessagingRow.find(f"{company_id}#{text_id}", "text")
    return row.model(Text) if row else None


def add_text(unit: Unit, text: Text) -> None:
    """Add it."""
    unit.add(_row(text))


def save_text(unit: Unit, text: Text) -> None:
    """Write its next version; the unit ends as Stale when someone else was faster."""
    unit.put(_row(text), MessagingRow.version == text.version - 1)


def claim_sid(unit: Unit, text: Text, sid: str) -> None:
    """Make Twilio's id lead to this text, and to no other; Stale when it leads to another."""
    directory.claim(unit, Claim(TWILIO, sid, text.id), Stale())


def is_claimed(text: Text, sid: str) -> bool:
    """Whether Twilio's id leads to another text; one request."""
    found = directory.find(TWILIO, sid)
    return found is not None and (found.company_id, found.record) != (text.company_id, text.id)


def refusal_key(company_id: str, number: str) -> Key:
    """Where a refusal lies, for a fetch together with other records."""
    return Key(MessagingRow, f"{company_id}#refusal#{number}", "refusal")


def refusal_of(row: Any) -> Refusal | None:
    """The refusal in a fetched row."""
    return row.model(Refusal) if row is not None else None


def find_refusal(company_id: str, number: str) -> Refusal | None:
    """One request."""
    return refusal_of(fetch_one(refusal_key(company_id, number)))


def save_refusal(unit: Unit, refusal: Refusal, otherwise: DomainError | None = None) -> None:
    """Write its next version, or the first; the unit ends as Stale (or `otherwise`) when someone else was faster."""
    before = MessagingRow.version == refusal.version - 1
    row = MessagingRow(
        *_address(unit.company_id, refusal.number),
        data=encode(refusal),
        version=refusal.version,
        company_id=unit.company_id,
        created_at=f"{stamp(refusal.created_at)}#{refusal.number}",
    )
    unit.put(row, MessagingRow.pk.does_not_exist() if refusal.version == 1 else before, otherwise)


def remove_refusal(unit: Unit, refusal: Refusal) -> None:
    """Remove it as it was read; Stale when someone else changed it."""
    unit.delete(MessagingRow(*_address(unit.company_id, refusal.number)), MessagingRow.version == refusal.version)


def page_refusals(company_id: str, *, limit: int, cursor: str | None) -> Page[Refusal]:
    """The newest first."""
    found = page(BY_COMPANY, company_id, limit=limit, cursor=cursor, selection=NEWEST_FIRST)
    return found.map(lambda row: row.model(Refusal))


def _address(company_id: str, number: str) -> tuple[str, str]:
    key = refusal_key(company_id, number)
    return key.pk, key.sk


def _row(text: Text) -> MessagingRow:
    return MessagingRow(
        f"{text.company_id}#{text.id}", "text", data=encode(text), version=text.version, status=text.status
    )
