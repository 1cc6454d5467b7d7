"""Calls in DynamoDB."""

import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from chalicelib.calls.call import Call, CallFacts, CallLink, Transfer
from chalicelib.calls.tables import CallRow
from chalicelib.core import directory
from chalicelib.core.clock import stamp
from chalicelib.core.errors import NotFound, Stale
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.pages import Listing, Page, page
from chalicelib.core.tables import Key, encode, fetch
from chalicelib.core.unit import Unit

RETELL = "retell_call"
"""The kind of directory key under which Retell's id of a call leads to ours."""
BY_COMPANY = Listing(CallRow, "by_company", "company_id", "created_at")


def call_key(company_id: str, call_id: str) -> Key:
    """The address of a call, for a fetch together with other records."""
    return Key(CallRow, f"{company_id}#{call_id}", "call")


def transcript_key(company_id: str, call_id: str) -> Key:
    """The address of its transcript."""
    return Key(CallRow, f"{company_id}#{call_id}", "transcript")


def call_of(row: Any) -> Call | None:
    """The call in a fetched row."""
    if row is None:
        return None
    facts: CallFacts = row.noun(CallFacts)
    link = CallRow(data=row.link).noun(CallLink)
    company = None if row.company_id == PLATFORM else str(row.company_id)
    return Call(
        id=row.call_id,
        company_id=company,
        facts=facts,
        link=link,
        created_at=datetime.fromisoformat(row.created_at.partition("#")[0]),
        transfer=CallRow(data=row.transfer).noun(Transfer) if row.transfer else None,
        version=int(row.version or 1),
    )


def get_call(company_id: str, call_id: str) -> Call:
    """By our id or Retell's; one request by ours, two by Retell's. Raises NotFound, also for another company's."""
    found = find_call(company_id, call_id)
    if found is None:
        raise NotFound("call_not_found", f"There is no call {call_id}.")
    return found


def find_call(company_id: str, call_id: str) -> Call | None:
    """By our id or Retell's."""
    ours = _our_id(company_id, call_id)
    return call_of(fetch([call_key(company_id, ours)])[0]) if ours else None


def read_call(company_id: str, call_id: str) -> tuple[Call, str | None]:
    """The call with its transcript, in one request (two by Retell's id); raises NotFound like `get_call`."""
    ours = _our_id(company_id, call_id) or call_id
    row, transcript = fetch([call_key(company_id, ours), transcript_key(company_id, ours)])
    call = call_of(row)
    if call is None:
        raise NotFound("call_not_found", f"There is no call {call_id}.")
    return call, transcript_of(transcript)


def find_id(company_id: str, retell_call_id: str) -> str | None:
    """Our id of the company's call that has this id at Retell; one request."""
    entry = directory.find(RETELL, retell_call_id)
    return entry.record if entry and entry.company_id == company_id else None


def _our_id(company_id: str, call_id: str) -> str | None:
    if call_id.startswith("call_") and len(call_id) == len("call_") + 20:
        return call_id
    return find_id(company_id, call_id)


def transcript_of(row: Any) -> str | None:
    """The transcript in a fetched row."""
    return zlib.decompress(row.packed).decode() if row is not None else None


def add_call(
    unit: Unit, call_id: str, facts: CallFacts, link: CallLink, at: datetime, transfer: Transfer | None = None
) -> None:
    """Add a call and make Retell's id lead to it; the unit ends as Stale when someone else added it first."""
    directory.claim(unit, RETELL, facts.retell_call_id, call_id, Stale())
    place = call_key(unit.company_id, call_id)
    unit.add(
        CallRow(
            place.pk,
            place.sk,
            call_id=call_id,
            data=encode(facts),
            link=encode(link),
            status=facts.status,
            company_id=unit.company_id,
            created_at=f"{stamp(facts.started_at or at)}#{call_id}",
            chain=_chain(unit.company_id, link),
            transfer=encode(transfer) if transfer else None,
            version=1,
        )
    )


def save_facts(unit: Unit, call: Call, facts: CallFacts) -> None:
    """Write what Retell tells, if nobody wrote newer facts since `call` was read; Stale otherwise."""
    place = call_key(unit.company_id, call.id)
    changes = [CallRow.data.set(encode(facts)), CallRow.status.set(facts.status), CallRow.version.set(call.version + 1)]
    unit.update(CallRow(place.pk, place.sk), changes, CallRow.version == call.version)


def save_link(unit: Unit, call_id: str, link: CallLink) -> None:
    """Write what we know of the call; the newest booking in a call is the one it is linked to."""
    place = call_key(unit.company_id, call_id)
    changes = [CallRow.link.set(encode(link))]
    chain = _chain(unit.company_id, link)
    if chain:
        changes.append(CallRow.chain.set(chain))
    unit.update(CallRow(place.pk, place.sk), changes, CallRow.pk.exists())


def save_transfer(unit: Unit, call_id: str, transfer: Transfer) -> None:
    """Write whom the caller wanted; the last time counts."""
    place = call_key(unit.company_id, call_id)
    unit.update(CallRow(place.pk, place.sk), [CallRow.transfer.set(encode(transfer))], CallRow.pk.exists())


def save_transcript(unit: Unit, call_id: str, transcript: str) -> None:
    """Keep the transcript beside the call."""
    place = transcript_key(unit.company_id, call_id)
    unit.put(CallRow(place.pk, place.sk, packed=zlib.compress(transcript.encode(), 6)))


def page_calls(company_id: str, *, status: str | None, limit: int, cursor: str | None) -> Page[Call]:
    """The newest first."""
    only = CallRow.status == status if status else None
    found = page(BY_COMPANY, company_id, limit=limit, cursor=cursor, only=only, newest_first=True)
    return found.map(call_of)  # type: ignore[arg-type]


def calls_that_booked(company_id: str) -> Iterator[Call]:
    """Every call with booking_confirmed or booking_details, oldest first; reads nothing else."""
    for row in CallRow.query(company_id, index_name="by_chain", page_size=100):
        call = call_of(row)
        assert call
        yield call


def _chain(company_id: str, link: CallLink) -> str | None:
    return company_id if link.booking_confirmed or link.booking_details else None
