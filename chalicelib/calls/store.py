"""Calls in DynamoDB."""

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from pynamodb.expressions.condition import Condition

from chalicelib.calls.call import Call, CallFacts, CallLink, CallNotes, CallSettings, Transfer
from chalicelib.calls.tables import CallRow
from chalicelib.calls.transcript import Transcript
from chalicelib.core import directory
from chalicelib.core.clock import stamp
from chalicelib.core.directory import Claim
from chalicelib.core.errors import Conflict, NotFound, Stale
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.tables import Key, encode, fetch, fetch_map, fetch_one
from chalicelib.core.unit import Unit

RETELL = "retell_call"
"""The kind of directory key under which Retell's id of a call leads to ours."""
LEGACY = "legacy_call"
"""The kind under which a company's number of a call in an older system leads to ours."""
LARGEST_TRANSCRIPT = 350_000
"""Compressed bytes; DynamoDB's items end at 400 kB."""


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
    facts: CallFacts = row.model(CallFacts)
    return Call(
        id=row.call_id,
        company_id=None if row.company_id == PLATFORM else str(row.company_id),
        facts=facts,
        link=CallRow(data=row.link).model(CallLink),
        notes=CallRow(data=row.notes).model(CallNotes),
        created_at=datetime.fromisoformat(row.created_at.partition("#")[0]),
        version=int(row.version or 1),
        link_version=int(row.link_version or 0),
        erased_at=datetime.fromisoformat(row.erased_at) if row.erased_at else None,
        transfer=CallRow(data=row.transfer).model(Transfer) if row.transfer else None,
        legacy_id=row.legacy_id,
    )


def get_call(company_id: str, call_id: str) -> Call:
    """By our id, Retell's, or its number in an older system; raises NotFound, also for another company's."""
    found = find_call(company_id, call_id)
    if found is None:
        raise _no_call(call_id)
    return found


def find_call(company_id: str, call_id: str) -> Call | None:
    """Like `get_call`, or None; one request, two unless it is our id."""
    ours = our_id(company_id, call_id)
    return call_of(fetch_one(call_key(company_id, ours))) if ours else None


def read_call(company_id: str, call_id: str) -> tuple[Call, Transcript | None]:
    """The call with its transcript, in one request (two unless by our id); raises NotFound like `get_call`."""
    ours = our_id(company_id, call_id) or call_id
    at, beside = call_key(company_id, ours), transcript_key(company_id, ours)
    rows = fetch_map([at, beside])
    call = call_of(rows[at])
    if call is None:
        raise _no_call(call_id)
    return call, transcript_of(rows[beside])


def calls_at(company_id: str, ids: Sequence[str]) -> list[Call]:
    """Those of the ids that there are, in that order; one request a hundred."""
    found = fetch([call_key(company_id, each) for each in ids])
    return [call for call in map(call_of, found) if call is not None]


def find_id(company_id: str, retell_call_id: str) -> str | None:
    """Our id of the company's call that has this id at Retell; one request."""
    entry = directory.find(RETELL, retell_call_id)
    return entry.record if entry and entry.company_id == company_id else None


def our_id(company_id: str, call_id: str) -> str | None:
    """Our id behind any id of a call; a request unless it is ours."""
    if call_id.startswith("call_") and len(call_id) == len("call_") + 20:
        return call_id
    keys = [directory.key(RETELL, call_id), directory.key(LEGACY, f"{company_id}#{call_id}")]
    entries = map(directory.entry, fetch(keys))
    return next((entry.record for entry in entries if entry and entry.company_id == company_id), None)


def _no_call(call_id: str) -> NotFound:
    return NotFound("call_not_found", f"There is no call {call_id}.")


def transcript_of(row: Any) -> Transcript | None:
    """The transcript in a fetched row."""
    return msgspec.json.decode(zlib.decompress(row.packed), type=Transcript) if row is not None else None


def add_call(unit: Unit, call_id: str, facts: CallFacts, link: CallLink, transfer: Transfer | None = None) -> None:
    """Add a call and make Retell's id lead to it; the unit ends as Stale when someone else added it first."""
    directory.claim(unit, Claim(RETELL, facts.retell_call_id, call_id), Stale())
    company = None if unit.company_id == PLATFORM else unit.company_id
    began = facts.started_at or unit.clock()
    new = Call(id=call_id, company_id=company, facts=facts, link=link, created_at=began, transfer=transfer)
    unit.add(_row(new))


def adopt(unit: Unit, orphan: Call, adopted: Call, transcript: Transcript | None) -> None:
    """Move a call of nobody's into the unit's company, as `adopted`; Stale if anything of it changed meanwhile."""
    old = call_key(PLATFORM, orphan.id)
    unseen = (CallRow.version == orphan.version) & _link_is(orphan.link_version)
    unit.delete(CallRow(old.pk, old.sk), unseen)
    unit.delete(CallRow(old.pk, transcript_key(PLATFORM, orphan.id).sk))
    unit.add(_row(adopted))
    if transcript:
        save_transcript(unit, orphan.id, transcript)
    directory.hand_over(unit, Claim(RETELL, orphan.facts.retell_call_id, orphan.id), PLATFORM)


def save_facts(unit: Unit, call: Call, facts: CallFacts, link: CallLink | None = None) -> None:
    """Write what Retell tells (and `link`), if nobody wrote newer since `call` was read; Stale otherwise."""
    key = call_key(unit.company_id, call.id)
    changes = [
        CallRow.data.set(encode(facts)),
        CallRow.version.set(call.version + 1),
        *_set(CallRow.status, facts.status),
        *_set(CallRow.direction, facts.direction),
        *_set(CallRow.sentiment, facts.sentiment),
        *_set(CallRow.kept, unit.company_id if facts.has_recording else None),
    ]
    unseen = CallRow.version == call.version
    if link is not None:
        changes += _link_changes(unit.company_id, link)
        unseen &= _link_is(call.link_version)
    unit.update(CallRow(key.pk, key.sk), changes, unseen)


def save_link(unit: Unit, call_id: str, link: CallLink, seen: int | None = None) -> None:
    """Write what we know of the call: whatever stands there, or (`seen`) only over that version, else Stale."""
    key = call_key(unit.company_id, call_id)
    condition = CallRow.pk.exists() if seen is None else CallRow.pk.exists() & _link_is(seen)
    unit.update(CallRow(key.pk, key.sk), _link_changes(unit.company_id, link), condition)


def save_notes(unit: Unit, call: Call, notes: CallNotes) -> None:
    """Write people's notes over the version before; Stale otherwise."""
    key = call_key(unit.company_id, call.id)
    before = call.notes.version
    unseen = CallRow.notes_version == before if before else CallRow.notes_version.does_not_exist()
    changes = [
        CallRow.notes.set(encode(notes)),
        CallRow.notes_version.set(notes.version),
        CallRow.tags.set(set(notes.tags)) if notes.tags else CallRow.tags.remove(),
    ]
    unit.update(CallRow(key.pk, key.sk), changes, CallRow.pk.exists() & unseen)


def save_number(unit: Unit, call_id: str, legacy_id: str) -> None:
    """Let the call be found by its number in an older system; the unit fails when another call has it."""
    key = call_key(unit.company_id, call_id)
    unit.update(CallRow(key.pk, key.sk), [CallRow.legacy_id.set(legacy_id)], CallRow.pk.exists())
    taken = Conflict("legacy_id_taken", f"Another call has the number {legacy_id}.")
    directory.claim(unit, Claim(LEGACY, f"{unit.company_id}#{legacy_id}", call_id), taken)


def erase(unit: Unit, call: Call, at: datetime) -> None:
    """Remove transcript and recording for good; Stale if the call changed meanwhile."""
    key = call_key(unit.company_id, call.id)
    changes = [
        CallRow.data.set(encode(call.facts.without_recording())),
        CallRow.version.set(call.version + 1),
        CallRow.erased_at.set(stamp(at)),
        CallRow.kept.remove(),
    ]
    unit.update(CallRow(key.pk, key.sk), changes, CallRow.version == call.version)
    beside = transcript_key(unit.company_id, call.id)
    unit.delete(CallRow(beside.pk, beside.sk))


def save_transfer(unit: Unit, call_id: str, transfer: Transfer) -> None:
    """Write whom the caller wanted; the last time counts."""
    key = call_key(unit.company_id, call_id)
    unit.update(CallRow(key.pk, key.sk), [CallRow.transfer.set(encode(transfer))], CallRow.pk.exists())


def save_transcript(unit: Unit, call_id: str, transcript: Transcript) -> None:
    """Keep the transcript beside the call; what DynamoDB could not take is cut off at its end."""
    key = transcript_key(unit.company_id, call_id)
    packed = zlib.compress(msgspec.json.encode(transcript), 6)
    while len(packed) > LARGEST_TRANSCRIPT:
        transcript = transcript.halved()
        packed = zlib.compress(msgspec.json.encode(transcript), 6)
    unit.put(CallRow(key.pk, key.sk, packed=packed))


def position(call: Call) -> str:
    """Where a call stands in lists by time."""
    return f"{stamp(call.created_at)}#{call.id}"


def settings_of(company_ids: Sequence[str]) -> dict[str, CallSettings]:
    """The settings by company; one request a hundred."""
    keys = {company_id: _settings_key(company_id) for company_id in company_ids}
    rows = fetch_map(keys.values())
    return {
        company_id: row.model(CallSettings) if (row := rows[key]) is not None else CallSettings()
        for company_id, key in keys.items()
    }


def get_settings(company_id: str) -> CallSettings:
    """The company's settings; one request."""
    return settings_of([company_id])[company_id]


def save_settings(unit: Unit, settings: CallSettings) -> None:
    """Write them over the version before; Stale otherwise."""
    at = _settings_key(unit.company_id)
    first = settings.version == 1
    unseen = CallRow.pk.does_not_exist() if first else CallRow.version == settings.version - 1
    unit.put(CallRow(at.pk, at.sk, data=encode(settings), version=settings.version), unseen)


def _settings_key(company_id: str) -> Key:
    return Key(CallRow, f"{company_id}#settings", "settings")


def _row(call: Call) -> CallRow:
    company_id = call.company_id or PLATFORM
    at, facts, link = call_key(company_id, call.id), call.facts, call.link
    return CallRow(
        at.pk,
        at.sk,
        call_id=call.id,
        company_id=company_id,
        created_at=position(call),
        data=encode(facts),
        version=call.version,
        link=encode(link),
        link_version=call.link_version,
        notes=encode(call.notes) if call.notes.version else None,
        notes_version=call.notes.version or None,
        tags=set(call.notes.tags) or None,
        status=facts.status,
        direction=facts.direction,
        sentiment=facts.sentiment,
        kept=company_id if facts.has_recording else None,
        erased_at=stamp(call.erased_at) if call.erased_at else None,
        transfer=encode(call.transfer) if call.transfer else None,
        legacy_id=call.legacy_id,
        **_link_attributes(company_id, link),
    )


def _link_attributes(company_id: str, link: CallLink) -> dict[str, Any]:
    return {
        "branch": link.branch_id,
        "customer": f"{company_id}#{link.customer_id}" if link.customer_id else None,
        "appointment": link.appointment_id,
        "chain": company_id if link.concerns_booking else None,
        "backlog": company_id if link.awaits_backfill else None,
    }


def _link_changes(company_id: str, link: CallLink) -> list[Any]:
    changes = [CallRow.link.set(encode(link)), CallRow.link_version.add(1)]
    for name, value in _link_attributes(company_id, link).items():
        changes += _set(getattr(CallRow, name), value)
    return changes


def _set(attribute: Any, value: str | None) -> list[Any]:
    return [attribute.set(value) if value is not None else attribute.remove()]


def _link_is(version: int) -> Condition:
    seen: Condition = CallRow.link_version == version
    return seen if version else seen | CallRow.link_version.does_not_exist()
