"""Calls on the telephone in DynamoDB."""

from datetime import datetime, timedelta
from typing import Any

from chalicelib.calls.phone_call import PhoneCall
from chalicelib.calls.tables import PhoneRow
from chalicelib.core import directory, guards
from chalicelib.core.clock import stamp
from chalicelib.core.directory import Claim
from chalicelib.core.errors import DomainError, NotFound, Stale
from chalicelib.core.guards import Guard
from chalicelib.core.pages import NEWEST_FIRST, Listing, Page, page
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit

KIND = {"twilio": "twilio_call", "retell": "retell_outbound"}
"""Kinds of directory keys under which a vendor's id of a call leads to ours."""
MISSED = Listing(PhoneRow, "by_listing", "listing", "listed_at")
TEXT_AGAIN = timedelta(hours=1)


def key(company_id: str, phone_call_id: str) -> Key:
    """The address of a call, for a fetch together with other records."""
    return Key(PhoneRow, f"{company_id}#{phone_call_id}", "phone")


def of(row: Any) -> PhoneCall | None:
    """The call in a fetched row."""
    return row.model(PhoneCall) if row is not None else None


def find(company_id: str, phone_call_id: str) -> PhoneCall | None:
    """One request."""
    return of(fetch_one(key(company_id, phone_call_id)))


def get(company_id: str, phone_call_id: str) -> PhoneCall:
    """One request; raises NotFound, also for another company's."""
    found = find(company_id, phone_call_id)
    if found is None:
        raise NotFound("phone_call_not_found", f"There is no call {phone_call_id} on the telephone.")
    return found


def find_by_sid(sid: str) -> PhoneCall | None:
    """By Twilio's CallSid; two requests."""
    found = directory.find(KIND["twilio"], sid)
    return find(found.company_id, found.record) if found else None


def add(unit: Unit, call: PhoneCall) -> None:
    """Add a call, and make the vendor's id lead to it; Stale when someone else added it first."""
    unit.add(_row(call))
    if call.vendor_id:
        claim_vendor_id(unit, call)


def save(unit: Unit, call: PhoneCall, seen: PhoneCall) -> None:
    """Write what it has become since it was `seen`; the unit ends as Stale when someone else was faster."""
    unit.put(_row(call), PhoneRow.version == seen.version)


def claim_vendor_id(unit: Unit, call: PhoneCall) -> None:
    """Make the vendor's id lead to this call, and to no other."""
    directory.claim(unit, Claim(KIND[call.through], call.vendor_id or "", call.id), Stale())


def is_claimed(call: PhoneCall, vendor_id: str) -> bool:
    """Whether the vendor's id leads to another call; one request."""
    found = directory.find(KIND[call.through], vendor_id)
    return found is not None and (found.company_id, found.record) != (call.company_id, call.id)


def page_missed(company_id: str, *, limit: int, cursor: str | None) -> Page[PhoneCall]:
    """Missed calls, the newest first."""
    found = page(MISSED, f"{company_id}#missed", limit=limit, cursor=cursor, selection=NEWEST_FIRST)
    return found.map(lambda row: row.model(PhoneCall))


def claim_text(unit: Unit, number: str, at: datetime, otherwise: DomainError) -> None:
    """Let this be the one text to a missed caller within the hour; fails with `otherwise` when there was one."""
    guards.add(unit, f"{unit.company_id}#missed_text#{number}", Guard(until=at + TEXT_AGAIN), otherwise)


def _row(call: PhoneCall) -> PhoneRow:
    missed = call.outcome == "missed"
    return PhoneRow(
        f"{call.company_id}#{call.id}",
        "phone",
        data=encode(call),
        version=call.version,
        listing=f"{call.company_id}#missed" if missed else None,
        listed_at=f"{stamp(call.started_at)}#{call.id}" if missed else None,
    )
