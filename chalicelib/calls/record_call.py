"""Keeping the record of a call from Retell's webhooks, in any order and any number of times."""

from datetime import datetime
from typing import Any

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.practice.models import PHONE
from chalicelib.calls import store
from chalicelib.calls.analysis import booking_in_analysis
from chalicelib.calls.call import Call, CallFacts, CallLink
from chalicelib.calls.events import CallRecorded
from chalicelib.calls.jobs import LinkBookedCall, RecordCall
from chalicelib.calls.transcript import Transcript, transcript_from
from chalicelib.core import directory, inbox
from chalicelib.core.errors import Invalid, Stale
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext
from chalicelib.core.retry import until_committed
from chalicelib.core.tables import fetch_map
from chalicelib.core.unit import CompanyUnitFactory
from chalicelib.vendors.retell.webhook import RetellCall, parse_call_event

LATENCIES = ("p50", "p90", "p95", "p99", "min", "max")


def record_delivery(job: RecordCall, context: JobContext) -> None:
    """Act on a delivery in the inbox."""
    event = parse_call_event(inbox.load("retell", job.delivery_id))
    record(event.call, context.unit)


def record(call: RetellCall, new_unit: CompanyUnitFactory) -> str:
    """Add what Retell tells to the call's record, creating it where it is new; returns our id of the call."""
    facts, transcript = facts_of(call)
    booking_found = booking_in_analysis(call.call_analysis.custom_analysis_data if call.call_analysis else None)
    return until_committed(lambda: _record_once(facts, transcript, booking_found, new_unit))


def _record_once(
    facts: CallFacts,
    transcript: Transcript | None,
    found: tuple[dict[str, Any], bool] | None,
    new_unit: CompanyUnitFactory,
) -> str:
    known, company_id, branch_id = locate(facts)
    unit = new_unit(company_id)
    if known is None:
        call_id, erased = new_id("call"), False
        link = CallLink(branch_id=branch_id)
        store.add_call(unit, call_id, facts, _with_booking(link, found) or link)
    else:
        call_id = known
        call = _read(company_id, call_id)
        erased = call.erased_at is not None
        merged = call.facts.merged(facts)
        merged = merged.without_recording() if erased else merged
        new_link = _with_booking(call.link, found)
        if merged == call.facts and new_link is None:
            return call_id
        store.save_facts(unit, call, merged, new_link)
    if transcript and not erased:
        store.save_transcript(unit, call_id, transcript)
    unit.publish(CallRecorded(call_id=call_id, status=facts.status))
    unit.audit("call.recorded", call_id, ("facts",))
    unit.commit()
    return call_id


def _with_booking(link: CallLink, found: tuple[dict[str, Any], bool] | None) -> CallLink | None:
    """The link with the booking that the agent's provider made beside us; None when there is nothing new in it."""
    if found is None or link.appointment_id is not None:
        return None
    details, confirmed = found
    if link.booking_details and (link.booking_confirmed or not confirmed):
        return None
    return msgspec.structs.replace(
        link,
        booking_details=link.booking_details or details,
        booking_confirmed=link.booking_confirmed or confirmed,
    )


def _read(company_id: str, call_id: str) -> Call:
    found = store.calls_at(company_id, [call_id])
    if not found:  # just now it has become a company's
        raise Stale
    return found[0]


def locate(facts: CallFacts) -> tuple[str | None, str, str | None]:
    """Our id of the call if it is known, its company (the platform for a number of nobody's), its branch; one request.

    The company's number is the one called, or, in an outbound call, the one calling.
    """
    call_key = directory.key(store.RETELL, facts.retell_call_id)
    number_key = directory.key(PHONE, facts.our_number or "none")
    rows = fetch_map([call_key, number_key])
    known, called = directory.entry(rows[call_key]), directory.entry(rows[number_key])
    company_id = known.company_id if known else called.company_id if called else inbox.PLATFORM
    branch_id = called.record if called and called.company_id == company_id else None
    return known.record if known else None, company_id, branch_id


def facts_of(call: RetellCall) -> tuple[CallFacts, Transcript | None]:
    """What a webhook tells, in our words, and the transcript, which is kept apart."""
    analysis = call.call_analysis
    transcript = transcript_from(call.transcript, call.transcript_with_tool_calls or call.transcript_object)
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
        latency=_latency(call.latency),
        has_transcript=transcript is not None,
    )
    return facts, transcript


def _latency(given: Any) -> dict[str, dict[str, float]] | None:
    # Each part also lists every value it was measured at: the percentiles are what people look at.
    parts = given.items() if isinstance(given, dict) else ()
    found = {
        str(part): {name: float(values[name]) for name in LATENCIES if isinstance(values.get(name), (int, float))}
        for part, values in parts
        if isinstance(values, dict)
    }
    return {part: values for part, values in found.items() if values} or None


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
    appointment = appointment_store.find_appointment(job.company_id, job.appointment_id)
    if call is None or appointment is None or call.link.booking_confirmed or not appointment.was_booked():
        return
    unit = context.unit()
    link = msgspec.structs.replace(
        call.link,
        booking_confirmed=True,
        appointment_id=appointment.id,
        customer_id=appointment.customer_id,
        branch_id=appointment.branch_id,
    )
    store.save_link(unit, call.id, link, call.link_version)
    unit.audit("call.linked", call.id, ("booking_confirmed", "appointment_id"))
    unit.commit()
