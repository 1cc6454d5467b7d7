"""Bringing Twilio's callbacks about a call into its record, in any order and any number of times."""

from chalicelib.calls import phone_store as store
from chalicelib.calls.answer_phone import voicemail_of
from chalicelib.calls.events import OutboundCallStarted
from chalicelib.calls.jobs import ApplyPhoneEvent, SettlePhoneCall
from chalicelib.calls.phone_call import PhoneCall
from chalicelib.core import inbox
from chalicelib.core.jobs import JobContext
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed
from chalicelib.vendors.twilio.webhook import VoiceEvent, parse_voice

SETTLE_SECONDS = 15
"""How long the answer to a Dial may come behind the end of the call; the two are told by different requests."""


def apply_delivery(job: ApplyPhoneEvent, context: JobContext) -> None:
    """Act on a delivery in the inbox."""
    event = parse_voice(inbox.load("twilio", job.delivery_id))

    def attempt() -> None:
        seen = _find(job.reference, event)
        if seen is None:
            log.info("callback about no call of ours", extra={"delivery_id": job.delivery_id})
            return
        call = _changed(seen, event, context)
        if call != seen:
            _save(call, seen, context)

    until_committed(attempt)


def _find(reference: str, event: VoiceEvent) -> PhoneCall | None:
    parts = reference.split(".")
    return store.find(parts[0], parts[2]) if len(parts) >= 3 else store.find_by_sid(event.call_sid)


def _changed(call: PhoneCall, event: VoiceEvent, context: JobContext) -> PhoneCall:
    if event.recording_url and event.recording_status in (None, "completed"):
        return call.with_voicemail(voicemail_of(event))
    if call.vendor_id is None:  # our own request for this call was never answered: here is its answer
        call = call.started(event.call_sid, event.call_status or "queued")
    if event.call_sid != call.vendor_id or not event.call_status:
        return call
    return call.with_status(event.call_status, event.sequence, event.seconds, context.clock())


def _save(call: PhoneCall, seen: PhoneCall, context: JobContext) -> None:
    unit = context.unit(call.company_id)
    store.save(unit, call, seen)
    if seen.vendor_id is None and call.vendor_id:
        store.claim_vendor_id(unit, call)
        unit.publish(OutboundCallStarted(phone_call_id=call.id, through=call.through))
    if call.direction == "inbound" and call.ended_at and call.outcome == "open":
        settle = SettlePhoneCall(company_id=call.company_id, phone_call_id=call.id)
        unit.enqueue(settle, delay_seconds=SETTLE_SECONDS)
    unit.commit()
