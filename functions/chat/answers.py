"""What clients see of chats."""

from datetime import datetime

from chalicelib.chat import store
from chalicelib.chat.attach_file import Upload
from chalicelib.chat.message import Attachment, Message
from chalicelib.chat.polling import Poll
from chalicelib.chat.presence import Presence
from chalicelib.chat.rating import Rating
from chalicelib.core.payloads import Answer


class AttachmentAnswer(Answer):
    """A file sent along; `size` in bytes. `url`: where to get it within the hour; null in the answer to sending."""

    id: str
    name: str
    content_type: str
    size: int
    url: str | None


class MessageAnswer(Answer):
    """A message. `number` counts from 1 without gaps. `sender`: patient, doctor or system.

    A system message's `code` is `ending_soon` (`facts`: ends_at) or `ended` (reason, sessions_used); `text` says the
    same in English.
    """

    id: str
    appointment_id: str
    session_id: str
    number: int
    sender: str
    user_id: str | None
    text: str
    attachments: list[AttachmentAnswer]
    client_id: str | None
    code: str
    facts: dict[str, str | int]
    created_at: datetime


class PresenceAnswer(Answer):
    """Up to which number a side has read (0: nothing), when it said so, and whether it is typing."""

    read_up_to: int
    read_at: datetime | None
    typing: bool


class BothAnswer(Answer):
    """Both sides' presence."""

    patient: PresenceAnswer
    doctor: PresenceAnswer


class ChatAnswer(Answer):
    """Messages: from the newest backwards (`next_cursor` goes on), or those after a number, in order.

    For news ask with `after` and `state` as they are here, in `poll_after_ms` milliseconds or later.
    """

    data: list[MessageAnswer]
    next_cursor: str | None
    presence: BothAnswer
    after: int
    state: str
    poll_after_ms: int


class UploadAnswer(Answer):
    """PUT exactly the announced bytes to `url` with these headers before `expires_at`, then send the `id`."""

    id: str
    method: str
    url: str
    headers: dict[str, str]
    expires_at: datetime


class RatingAnswer(Answer):
    """The patient's rating, 1 to 5."""

    appointment_id: str
    session_id: str
    rating: int
    text: str
    created_at: datetime


def show_message(appointment_id: str, message: Message, company_id: str | None = None) -> MessageAnswer:
    """The message as clients see it; with links to its files where a company is given, which is kept nowhere."""
    made = {"appointment_id", "attachments"}
    fields = {name: getattr(message, name) for name in MessageAnswer.__struct_fields__ if name not in made}
    shown = [_show_attachment(each, appointment_id, company_id) for each in message.attachments]
    return MessageAnswer(**fields, appointment_id=appointment_id, attachments=shown)


def _show_attachment(attachment: Attachment, appointment_id: str, company_id: str | None) -> AttachmentAnswer:
    from chalicelib.core import files

    key = store.file_key(company_id, appointment_id, attachment.id) if company_id else None
    url = files.download_link(key, attachment.name, attachment.content_type) if key else None
    return AttachmentAnswer(
        id=attachment.id, name=attachment.name, content_type=attachment.content_type, size=attachment.size, url=url
    )


def show_poll(company_id: str, appointment_id: str, poll: Poll, at: datetime) -> ChatAnswer:
    """What is in the chat now."""
    return ChatAnswer(
        data=[show_message(appointment_id, each, company_id) for each in poll.messages],
        next_cursor=poll.next_cursor,
        presence=BothAnswer(
            patient=_show_presence(poll.presences.patient, at), doctor=_show_presence(poll.presences.doctor, at)
        ),
        after=poll.after,
        state=poll.state,
        poll_after_ms=poll.poll_after_ms,
    )


def _show_presence(presence: Presence, at: datetime) -> PresenceAnswer:
    return PresenceAnswer(read_up_to=presence.read_up_to, read_at=presence.read_at, typing=presence.typing(at))


def show_upload(upload: Upload) -> UploadAnswer:
    """Where to put the file."""
    return UploadAnswer(
        id=upload.attachment.id, method="PUT", url=upload.url, headers=upload.headers, expires_at=upload.expires_at
    )


def show_rating(appointment_id: str, rating: Rating) -> RatingAnswer:
    """The rating as clients see it."""
    return RatingAnswer(
        appointment_id=appointment_id,
        session_id=rating.session_id,
        rating=rating.stars,
        text=rating.text,
        created_at=rating.created_at,
    )
