"""Keeping the record of a call from Retell's webhooks, in any order and any number of times."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from chalicelib.booking import store as booking
from chalicelib.booking.practice import PHONE
from chalicelib.calls import store
from chalicelib.calls.call import Call, CallFacts, CallLink
from chalicelib.calls.events import CallRecorded
from chalicelib.calls.jobs import LinkBookedCall, RecordCall
from chalicelib.core import directory, inbox
from chalicelib.core.errors import Invalid, Stale
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext
from chalicelib.core.tables import fetch
from chalicelib.core.unit import Unit
from chalicelib.vendors.retell import RetellCall, parse_call_event

TRIES = 8


def record_delivery(job: RecordCall, context: JobContext) -> None:
    """Act on a delivery in the inbox."""
    event = parse_call_event(inbox.load("retell", job.delivery_id))
    record(event.call, context.unit, context.clock())


def record(call: RetellCall, begin: Callable[[str], Unit], at: datetime) -> str:
    """Add what Retell tells to the call's record, creating it where it is new; returns our id of the call."""
    facts, transcript = facts_of(call)
    for _ in range(TRIES):
        try:
            return _record_once(facts, transcript, begin, at)
        except Stale:
            continue
    raise Stale


def _record_once(facts: CallFacts, transcript: str | None, begin: Callable[[str], Unit], at: datetime) -> str:
    known, company_id, branch_id = locate(facts)
    unit = begin(company_id)
    if known is None:
        call_id = new_id("call")
        store.add_call(unit, call_id, facts, CallLink(branch_id=branch_id), at)
    else:
        call_id = known
        call = store.get_call(company_id, call_id) if company_id != inbox.PLATFORM else _orphan(call_id)
        merged = call.facts.merged(facts)
        if merged == call.facts:
            return call_id
        store.save_facts(unit, call, merged)
    if transcript:
        store.save_transcript(unit, call_id, transcript)
    unit.publish(CallRecorded(call_id=call_id, status=facts.status))
    unit.audit("call.recorded", call_id, ("facts",))
    unit.commit()
    return call_id


def _orphan(call_id: str) -> Call:
    call = store.call_of(fetch([store.call_key(inbox.PLATFORM, call_id)])[0])
    if call is None:
        raise Stale
    return call


def locate(facts: CallFacts) -> tuple[str | None, str, str | None]:
    """Our id of the call if it is known, its company (the platform for a number of nobody's), its branch; one request.

    The company's number is the one called, or, in an outbound call, the one calling.
    """
    number = facts.from_number if facts.direction == "outbound" else facts.to_number
    keys = [directory.key(store.RETELL, facts.retell_call_id), directory.key(PHONE, number or "none")]
    known, called = (directory.entry(row) for row in fetch(keys))
    company_id = known.company_id if known else called.company_id if called else inbox.PLATFORM
    branch_id = called.record if called and called.company_id == company_id else None
    return known.record if known else None, company_id, branch_id


def facts_of(call: RetellCall) -> tuple[CallFacts, str | None]:
    """What a webhook tells, in our words, and the transcript, which is kept apart."""
    analysis = call.call_analysis
    status = call.call_status or ("ended" if call.end_timestamp else "ongoing")
    facts = CallFacts(
        retell_call_id=call.call_id,
        from_number=call.from_number,
        to_number=call.to_number,
        direction=call.direction,
        agent_id=call.agent_id,
        status=status,
        started_at=_instant(call, "started_at"),
        ended_at=_instant(call, "ended_at"),
        duration_ms=call.duration_ms,
        summary=analysis.call_summary if analysis else None,
        sentiment=analysis.user_sentiment if analysis else None,
        disconnection_reason=call.disconnection_reason,
        recording_url=call.recording_url,
        cost=call.call_cost.combined_cost if call.call_cost else None,
        has_transcript=bool(call.transcript),
    )
    return facts, call.transcript or None


def _instant(call: RetellCall, name: str) -> datetime | None:
    # An absurd timestamp is Retell's fault and no reason to lose the rest of the call.
    try:
        found: datetime | None = getattr(call, name)
    except Invalid:
        return None
    return found


def link_booked(job: LinkBookedCall, context: JobContext) -> None:
    """Write `booking_confirmed` into the call, if it is not there yet."""
    call = store.find_call(job.company_id, job.call_id)
    appointment = booking.find_appointment(job.company_id, job.appointment_id)
    if call is None or appointment is None or call.link.booking_confirmed or not appointment.was_booked():
        return
    unit = context.unit()
    store.save_link(
        unit,
        call.id,
        msgspec.structs.replace(
            call.link,
            booking_confirmed=True,
            appointment_id=appointment.id,
            customer_id=appointment.customer_id,
            branch_id=appointment.branch_id,
        ),
    )
    unit.audit("call.linked", call.id, ("booking_confirmed", "appointment_id"))
    unit.commit()
