"""Sending a message: it is stored, counts as activity and gets its number in one transaction."""

from chalicelib.chat import store
from chalicelib.chat.message import Attachment, Draft, Message
from chalicelib.core import files, metrics
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Fault, Invalid
from chalicelib.core.ids import new_id
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.text_sessions import activity, participants
from chalicelib.text_sessions.activity import Said
from chalicelib.text_sessions.participants import Present
from chalicelib.text_sessions.refusals import counted
from chalicelib.text_sessions.session import ChatUser, Session


@counted
def send(new_unit: UnitFactory, who: ChatUser, draft: Draft, clock: Clock) -> Message:
    """Say it in the chat; one read and one transaction, and a request for each attachment.

    The same `client_id` again returns the message it was sent as. Raises NotFound for an appointment unknown or not
    one's own, Forbidden for an admin, Conflict `no_session`, `session_ended`, `client_id_reused`, `attachment_used`,
    and Invalid for attachments that are not there.
    """
    company_id, appointment_id = who.company_id, who.appointment_id
    # Which side asks is only known when it has been read: both sides' names are looked for, which is one request too.
    names = store.sent_keys(company_id, appointment_id, draft.client_id) if draft.client_id is not None else {}
    files_at = [store.attachment_key(company_id, appointment_id, each) for each in draft.attachments]
    present = participants.read(who, [*names.values(), *files_at])
    side = present.side
    if names:
        sent = store.sent_of(present.rows[names[side]])
        if sent:
            return _same(sent, draft)
    activity.running(present)  # before anybody is asked for the files
    attached = _attached(present, draft, clock)
    message_id = new_id("msg")

    def written(session: Session) -> Message:
        return Message(
            id=message_id, number=session.messages, session_id=session.id, sender=side, user_id=who.user_id,
            text=draft.text, attachments=attached, client_id=draft.client_id, created_at=session.updated_at,
        )  # fmt: skip

    def hook(unit: Unit, session: Session) -> None:
        store.add_message(unit, appointment_id, written(session))
        unit.audit("chat.sent", session.id, ("messages", "last_activity_time"), side=side, message=message_id)

    try:
        session = activity.note(new_unit, present, clock, Said(hook, written))
    except Conflict:
        sent = store.find_sent(names[side]) if names else None
        if sent is None:
            raise
        return _same(sent, draft)
    metrics.count("TextMessage", side=side)
    return written(session)


def _same(sent: Message, draft: Draft) -> Message:
    if not sent.says(draft):
        raise Conflict("client_id_reused", "This client_id was used with another message; take a new one for this.")
    return sent


def _attached(present: Present, draft: Draft, clock: Clock) -> tuple[Attachment, ...]:
    at, faults, found = clock(), [], []
    company_id, appointment_id = present.appointment.company_id, present.appointment.id
    for number, attachment_id in enumerate(draft.attachments):
        row = present.rows[store.attachment_key(company_id, appointment_id, attachment_id)]
        path, attachment = f"body.attachments[{number}]", store.attachment_of(row, present.side, at)
        if attachment is None:
            faults.append(Fault(path, "unknown_attachment", "There is no such attachment of yours left to send."))
        elif not files.exists(store.file_key(company_id, appointment_id, attachment.id)):
            faults.append(Fault(path, "not_uploaded", "This attachment has not been uploaded."))
        else:
            found.append(attachment)
    if faults:
        raise Invalid("invalid_request", f"{faults[0].path}: {faults[0].message}", faults=tuple(faults))
    return tuple(found)
