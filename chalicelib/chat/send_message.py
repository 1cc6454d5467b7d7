"""Sending a message: it is stored, counts as activity and gets its number in one transaction."""

from typing import Any

from chalicelib.chat import store
from chalicelib.chat.message import Attachment, Draft, Message
from chalicelib.core import metrics
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Fault, raise_faults
from chalicelib.core.ids import new_id
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.files import store as file_store
from chalicelib.files.complete import is_there, stage_check
from chalicelib.files.file import UNSENT_FOR, File
from chalicelib.text_sessions import activity, participants
from chalicelib.text_sessions.activity import Said
from chalicelib.text_sessions.participants import Present
from chalicelib.text_sessions.refusals import counted
from chalicelib.text_sessions.session import ChatUser, Session

USED = Conflict("attachment_used", "One of these attachments has been sent with another message.")


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
    files_at = [file_store.file_key(company_id, each) for each in draft.attachments]
    present = participants.read(who, [*names.values(), *files_at])
    side = present.side
    if names:
        sent = store.sent_of(present.rows[names[side]])
        if sent:
            return _same(sent, draft)
    activity.running(present)  # before anybody is asked for the files
    files = _files(present, who, draft, clock)
    attached = tuple(_attachment(each) for each in files)
    message_id = new_id("msg")

    def written(session: Session) -> Message:
        return Message(
            id=message_id, number=session.messages, session_id=session.id, sender=side, user_id=who.user_id,
            text=draft.text, attachments=attached, client_id=draft.client_id, created_at=session.updated_at,
        )  # fmt: skip

    def hook(unit: Unit, session: Session) -> None:
        store.add_message(unit, appointment_id, written(session))
        for file in files:
            file_store.attach(unit, file.id, message_id, USED)
            if file.upload:
                stage_check(unit, file, file.upload)
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


def _files(present: Present, who: ChatUser, draft: Draft, clock: Clock) -> list[File]:
    """What is to go along; it need not have been looked at yet, but it has to be there."""
    at, faults, found = clock(), [], []
    for number, file_id in enumerate(draft.attachments):
        row = present.rows[file_store.file_key(who.company_id, file_id)]
        path, file = f"body.attachments[{number}]", _own(row, who)
        if file is None or file.created_at + UNSENT_FOR <= at:
            faults.append(Fault(path, "unknown_attachment", "There is no such attachment of yours left to send."))
        elif file.state == "refused":
            faults.append(Fault(path, "attachment_refused", f"This attachment was not taken: {file.refusal}."))
        elif file.upload and not file.upload.candidate and not is_there(file, file.upload):
            faults.append(Fault(path, "not_uploaded", "This attachment has not been uploaded."))
        else:
            found.append(file)
    raise_faults(faults)
    return found


def _own(row: Any, who: ChatUser) -> File | None:
    """The file in a fetched row, if it is this user's for this chat, and no message carries it yet."""
    file = file_store.file_of(row)
    if file is None or file.source != "chat" or file.deleted_at or file_store.attached_to(row) is not None:
        return None
    mine = file.created_by == f"user:{who.user_id}" and file.appointment_id == who.appointment_id
    return file if mine else None


def _attachment(file: File) -> Attachment:
    newest = file.contents[-1] if file.contents else file.upload
    assert newest is not None
    return Attachment(file.id, file.name, newest.content_type, newest.size)
