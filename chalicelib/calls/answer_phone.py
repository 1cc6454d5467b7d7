"""What Twilio is told to do with a call: one that comes in, and one that we made for a member of staff."""

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import PHONE, Branch
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls import phone_store as store
from chalicelib.calls.jobs import SettlePhoneCall
from chalicelib.calls.missed_call_texts import say
from chalicelib.calls.phone_call import PhoneCall, Stage, Voicemail
from chalicelib.calls.routing import ANSWERED, next_stage, numbers_to_ring, shown_number
from chalicelib.core import directory
from chalicelib.core.clock import Clock
from chalicelib.core.ids import new_id
from chalicelib.core.logging import log
from chalicelib.core.queues import LONGEST_DELAY_SECONDS
from chalicelib.core.retry import until_committed
from chalicelib.core.settings import settings
from chalicelib.core.tables import fetch_map
from chalicelib.core.unit import CompanyUnitFactory, Unit
from chalicelib.vendors.twilio import twiml
from chalicelib.vendors.twilio.webhook import VoiceEvent

VOICE = "/webhooks/twilio/voice"
STATUS = f"{VOICE}/status"
RECORDING = f"{VOICE}/recording"
BRIDGE = f"{VOICE}/bridge"
AGENT_RING_SECONDS = 30
OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
AFTER: dict[str, Stage] = {"staff": "staff", "agent": "agent", "voicemail": "voicemail"}


def url(path: str, call: PhoneCall, step: str = "") -> str:
    """One of our webhooks about this call. One parameter, of letters that need no escaping: it is signed as it stands,
    and API Gateway keeps neither order nor escapes.
    """
    return f"{settings().public_url.rstrip('/')}{path}?call={call.reference}{f'.{step}' if step else ''}"


def answer(event: VoiceEvent, new_unit: CompanyUnitFactory, clock: Clock) -> str:
    """The first TwiML of a call that rings; the same again when Twilio asks again.

    Two reads, one transaction. A number that is nobody's is not answered.
    """
    call_key = directory.key(store.KIND["twilio"], event.call_sid)
    number_key = directory.key(PHONE, event.to_number or "none")

    def attempt() -> str:
        rows = fetch_map([call_key, number_key])
        known, called = directory.entry(rows[call_key]), directory.entry(rows[number_key])
        if called is None:
            log.warning("call to a number of nobody's", extra={"call_sid": event.call_sid})
            return twiml.reject()
        schedule = practice_store.get_schedule(called.company_id, called.record)
        branch = schedule.branch
        call = store.find(known.company_id, known.record) if known else None
        if call is None:
            call = _new(event, schedule, clock)
            _add(new_unit(branch.company_id), call)
        return _instruct(call, branch, next_stage(schedule, call.caller, call.started_at, None))

    return until_committed(attempt)


def _new(event: VoiceEvent, schedule: Schedule, clock: Clock) -> PhoneCall:
    at, caller, branch = clock(), shown_number(event.from_number), schedule.branch
    return PhoneCall(
        id=new_id("pho"),
        company_id=branch.company_id,
        branch_id=branch.id,
        direction="inbound",
        our_number=branch.phone or event.to_number or "",
        caller=caller,
        vendor_id=event.call_sid,
        stage=next_stage(schedule, caller, at, None),
        started_at=at,
    )


def _add(unit: Unit, call: PhoneCall) -> None:
    store.add(unit, call)
    # Should no callback of Twilio's ever come, this asks what became of the call.
    unit.enqueue(
        SettlePhoneCall(company_id=call.company_id, phone_call_id=call.id), delay_seconds=LONGEST_DELAY_SECONDS
    )
    unit.audit("phone_call.began", call.id, branch=call.branch_id)
    unit.commit()


def go_on(reference: str, event: VoiceEvent, new_unit: CompanyUnitFactory) -> str:
    """What follows once a stage of an incoming call is over (the `action` of our Dial or Record).

    The stage that ended stands in the URL, and only a later one can follow: nothing rings twice, however often and in
    whichever order Twilio asks.
    """
    company_id, branch_id, call_id, step = _parts(reference)
    if step not in AFTER:
        return twiml.hang_up()
    call_key, schedule_key = store.key(company_id, call_id), practice_store.schedule_key(company_id, branch_id)

    def attempt() -> str:
        rows = fetch_map([call_key, schedule_key])
        seen = store.of(rows[call_key])
        if seen is None:
            return twiml.hang_up()
        schedule = practice_store.schedule_of(rows[schedule_key], branch_id)
        call, stage = _after(seen, schedule, AFTER[step], event)
        if call != seen:
            _save(new_unit(company_id), call, seen)
        return _instruct(call, schedule.branch, stage)

    return until_committed(attempt)


def _after(call: PhoneCall, schedule: Schedule, ended: Stage, event: VoiceEvent) -> tuple[PhoneCall, Stage]:
    if event.dial_call_status in ANSWERED and ended in ("staff", "agent"):
        return call.answered("staff" if ended == "staff" else "agent"), "over"
    if event.recording_url and ended == "voicemail":
        call = call.with_voicemail(voicemail_of(event))
    if event.call_status in OVER and ended != "voicemail":
        return call, "over"  # the caller hung up: what was next does not begin
    stage = next_stage(schedule, call.caller, call.started_at, ended)
    return call.moved_to(stage), stage


def voicemail_of(event: VoiceEvent) -> Voicemail:
    """What the caller left."""
    return Voicemail(recording_sid=event.recording_sid, url=event.recording_url or "", seconds=event.recorded_seconds)


def _save(unit: Unit, call: PhoneCall, seen: PhoneCall) -> None:
    store.save(unit, call, seen)
    if call.stage == "over" and call.outcome == "open":
        unit.enqueue(SettlePhoneCall(company_id=call.company_id, phone_call_id=call.id))
    unit.commit()


def _instruct(call: PhoneCall, branch: Branch, stage: Stage) -> str:
    routing, language = branch.call_routing, branch.language
    if stage == "staff":
        return twiml.ring(numbers_to_ring(branch, call.caller), routing.ring_seconds, url(VOICE, call, "staff"))
    if stage == "agent":
        return twiml.ring([routing.agent or ""], AGENT_RING_SECONDS, url(VOICE, call, "agent"))
    if stage == "voicemail":
        prompt = say("leave_message", language, branch=branch.name)
        return twiml.record(prompt, language, url(VOICE, call, "voicemail"), url(RECORDING, call))
    return twiml.hang_up("" if call.outcome == "answered" or call.voicemail else say("goodbye", language), language)


def bridge(reference: str) -> str:
    """What follows once the member of staff has answered: any key connects with the customer, once."""
    company_id, branch_id, call_id, step = _parts(reference)
    call_key, schedule_key = store.key(company_id, call_id), practice_store.schedule_key(company_id, branch_id)
    rows = fetch_map([call_key, schedule_key])
    call = store.of(rows[call_key])
    if call is None or call.other is None or step not in ("", "confirmed"):
        return twiml.hang_up()
    branch = practice_store.schedule_of(rows[schedule_key], branch_id).branch
    if step == "":
        prompt = say("press_key", branch.language, branch=branch.name)
        return twiml.gather_key(prompt, branch.language, url(BRIDGE, call, "confirmed"))
    return twiml.ring([call.other], AGENT_RING_SECONDS, url(BRIDGE, call, "ended"), caller_id=call.our_number)


def _parts(reference: str) -> tuple[str, str, str, str]:
    parts = [*reference.split("."), "", "", "", ""][:4]
    return parts[0] or "none", parts[1] or "none", parts[2] or "none", parts[3]
