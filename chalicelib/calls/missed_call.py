"""Calls that nobody answered: finding out, and the text back."""

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Branch
from chalicelib.calls import phone_store as store
from chalicelib.calls.events import CallMissed
from chalicelib.calls.jobs import AlertMissedCall, SettlePhoneCall, TextMissedCaller
from chalicelib.calls.missed_call_texts import say
from chalicelib.calls.phone_call import PhoneCall
from chalicelib.core.errors import Conflict
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.phones import takes_texts
from chalicelib.messaging import send_text
from chalicelib.messaging import store as messaging
from chalicelib.messaging.send_text import NewText

AGAIN_SECONDS = 300
ALERT_SECONDS = 60
"""The recording is ready some seconds after the call; staff shall hear of both at once."""


class _TextedAlready(Conflict):
    """This caller got a text within the hour."""

    def __init__(self) -> None:
        super().__init__("texted_already", "This caller got a text within the hour.")


def settle(job: SettlePhoneCall, context: JobContext) -> None:
    """Find out what became of an incoming call; does nothing when that is known."""
    seen = store.find(job.company_id, job.phone_call_id)
    if seen is None or seen.outcome != "open" or seen.direction != "inbound":
        return
    # Where the flow came to its end by our own TwiML, nobody answered; otherwise only Twilio knows who did.
    call = seen.missed() if seen.stage == "over" else _as_twilio_knows(seen)
    unit = context.unit()
    store.save(unit, call, seen)
    if call.outcome == "missed":
        unit.publish(CallMissed(phone_call_id=call.id, branch_id=call.branch_id))
        unit.enqueue(TextMissedCaller(company_id=call.company_id, phone_call_id=call.id))
        alert = AlertMissedCall(company_id=call.company_id, phone_call_id=call.id)
        unit.enqueue(alert, delay_seconds=ALERT_SECONDS)
    unit.audit(f"phone_call.{call.outcome}", call.id, ("outcome",))
    unit.commit()


def _as_twilio_knows(call: PhoneCall) -> PhoneCall:
    # Imported here: most calls are settled by what Twilio told already.
    from chalicelib.vendors.twilio.client import OVER, connected

    assert call.vendor_id, "an incoming call has Twilio's id from the start"
    twilio = connected()
    try:
        if twilio.call(call.vendor_id).status not in OVER:
            raise Postpone(AGAIN_SECONDS, "the call is still on")
        answered = any(leg.status == "completed" for leg in twilio.legs_of(call.vendor_id))
    finally:
        twilio.close()
    if not answered:
        return call.missed()
    return call.answered("agent" if call.stage == "agent" else "staff")


def text_back(job: TextMissedCaller, context: JobContext) -> None:
    """Text the caller, unless they cannot or shall not get one; once per caller and hour, however often it comes."""
    call = store.find(job.company_id, job.phone_call_id)
    if call is None or call.outcome != "missed" or call.text_back is not None:
        return
    branch = practice_store.get_schedule(call.company_id, call.branch_id).branch
    against = _against(call, branch)
    if against is None:
        try:
            _text(call, branch, context)
            return
        except _TextedAlready:
            against = "texted_already"
    _note(call, against, context)


def _against(call: PhoneCall, branch: Branch) -> str | None:
    if not branch.call_routing.text_back:
        return "switched_off"
    if call.caller is None:
        return "number_withheld"
    if call.caller in (branch.phone, *branch.call_routing.staff_numbers):
        return "one_of_us"
    if not takes_texts(call.caller):
        return "landline"
    refusal = messaging.find_refusal(call.company_id, call.caller)
    return "refused" if refusal and refusal.texts else None


def _text(call: PhoneCall, branch: Branch, context: JobContext) -> None:
    now, unit = context.clock(), context.unit()
    assert call.caller, "a withheld number is not texted"
    store.claim_text(unit, call.caller, now, _TextedAlready())
    new = NewText(
        to=call.caller,
        sender=branch.call_routing.text_from or call.our_number,
        body=say("text_back", branch.language, branch=branch.name, phone=call.our_number),
        purpose="missed_call",
        not_before=branch.next_outbound(now) if branch.quiet_hours.texts else None,
    )
    text = send_text.stage_text(unit, new, now)
    store.save(unit, call.texted("queued", text.id), call)
    unit.audit("phone_call.texted", call.id, ("text_back",), text_id=text.id)
    unit.commit()


def _note(call: PhoneCall, why: str, context: JobContext) -> None:
    unit = context.unit()
    store.save(unit, call.texted(why), call)
    unit.commit()
