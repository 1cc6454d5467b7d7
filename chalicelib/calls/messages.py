"""Messages for staff: taking one down during a call, mailing it, marking it done."""

from datetime import timedelta

from chalicelib.calls import message_store
from chalicelib.calls.caller import number_of
from chalicelib.calls.events import CallMessageMarked, CallMessageTaken
from chalicelib.calls.function_args import MessageArgs
from chalicelib.calls.function_context import Answer, FunctionContext, Tools, keep, on_record
from chalicelib.calls.jobs import MailCallMessage
from chalicelib.calls.message import CallMessage, Status
from chalicelib.core import mail
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext
from chalicelib.core.people import clean_name
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import UnitFactory

REMEMBERED = timedelta(days=14)
MOST_RECIPIENTS = 50


def take(context: FunctionContext, request: MessageArgs, tools: Tools) -> Answer:
    """Write the message down for staff, in one commit with its event and the guard."""
    phone = context.caller.number
    if request.phone:
        from chalicelib.core.phones import e164

        phone = number_of(e164(str(request.phone), context.schedule.branch.country, "args.phone"))
    unit = tools.new_unit(context.company_id)
    message = CallMessage(
        id=new_id("msg"),
        company_id=context.company_id,
        branch_id=context.schedule.branch.id,
        call_id=on_record(unit, context),
        customer_id=context.customer_id,
        name=clean_name(request.name, "args.name") if request.name else None,
        phone=phone,
        text=request.message.strip(),
        created_at=context.now,
        updated_at=context.now,
    )
    answer: Answer = {
        "message": context.voice.phrases.message_taken,
        "status": "taken",
        "message_id": message.id,
        "call_back": phone,
    }
    message_store.add_message(unit, message)
    keep(unit, context, answer, message.id)
    unit.publish(CallMessageTaken(message_id=message.id, call_id=message.call_id, branch_id=message.branch_id))
    unit.audit("call_message.taken", message.id, ("text", "name", "phone"), call=message.call_id)
    unit.commit()
    return answer


def mark(new_unit: UnitFactory, message_id: str, status: Status, clock: Clock) -> CallMessage:
    """Mark it done, or open again; marking it as it is changes nothing. Raises NotFound."""

    def attempt() -> CallMessage:
        unit = new_unit()
        message = message_store.get_message(unit.company_id, message_id)
        if message.status == status:
            return message
        marked = message.marked(status, unit.actor.id, clock())
        message_store.save_message(unit, marked)
        unit.publish(CallMessageMarked(message_id=message.id, status=status, version=marked.version))
        unit.audit("call_message.marked", message.id, ("status",))
        unit.commit(marked)
        return marked

    return until_committed(attempt)


def mail_message(job: MailCallMessage, context: JobContext) -> None:
    """Mail a message to the branch's addresses, or to the company's staff where it has none.

    At least once: a crash between mailing and marking mails it a second time.
    """
    from chalicelib.booking.practice import store as practice_store
    from chalicelib.calls.language import language
    from chalicelib.calls.speech import Voice
    from chalicelib.identity import guard_store
    from chalicelib.identity import store as identity

    message = message_store.find_message(job.company_id, job.message_id)
    if message is None or message.status == "done" or guard_store.has_mailed(job.company_id, context.id):
        return
    branch = practice_store.get_schedule(job.company_id, message.branch_id).branch
    to = list(branch.call_routing.alert_emails) or identity.addresses(job.company_id, "calls:read", MOST_RECIPIENTS)
    if not to:
        return
    company = identity.find_company(job.company_id)
    voice = Voice(language(company.language if company else branch.language), branch.clock(), context.clock())
    said = voice.phrases
    caller = message.name or message.phone or said.mail_unknown_caller
    text = said.mail_text.format(
        caller=caller,
        branch=branch.name,
        moment=voice.on_moment(message.created_at),
        text=message.text,
        phone=message.phone or "–",
    )
    mail.send(to[:MOST_RECIPIENTS], said.mail_subject.format(caller=caller), text)
    unit = context.unit()
    guard_store.mark_mailed(unit, context.id, epoch(context.clock() + REMEMBERED))
    unit.commit()
