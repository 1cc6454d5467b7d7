"""What clients see of chats."""

from collections.abc import Mapping
from datetime import datetime

from chalicelib.chat.message import Attachment, Message
from chalicelib.chat.polling import Poll
from chalicelib.chat.presence import Presence
from chalicelib.chat.rating import Rating
from chalicelib.core.payloads import Answer
from chalicelib.files.announce import Announced
from chalicelib.files.file import File


class AttachmentAnswer(Answer):
    """A file sent along; `size` in bytes. `url`: where to get it within a quarter of an hour.

    Null until it has been looked at, if it was refused (`state`), and in the answer to sending. Of an image it is a
    copy without metadata.
    """

    id: str
    name: str
    content_type: str
    size: int
    state: str
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


def show_message(appointment_id: str, message: Message, files: Mapping[str, File] | None = None) -> MessageAnswer:
    """The message as clients see it; with links to those of its files that are given, which are kept nowhere."""
    made = {"appointment_id", "attachments"}
    fields = {name: getattr(message, name) for name in MessageAnswer.__struct_fields__ if name not in made}
    shown = [_show_attachment(each, (files or {}).get(each.id)) for each in message.attachments]
    return MessageAnswer(**fields, appointment_id=appointment_id, attachments=shown)


def _show_attachment(attachment: Attachment, file: File | None) -> AttachmentAnswer:
    # What was sent is there: all that it waits for is to be looked at.
    state = file.state if file and file.state != "waiting" else "checking"
    fields = {name: getattr(attachment, name) for name in Attachment.__struct_fields__}
    return AttachmentAnswer(**fields, state=state, url=_url(file) if file and state == "ready" else None)


def _url(file: File) -> str:
    from chalicelib.files.download import link

    return link(file).url


def _files(company_id: str, messages: list[Message]) -> dict[str, File]:
    """The files that messages carry, by id; one request, none where there are none. What was deleted is left out."""
    ids = {each.id for message in messages for each in message.attachments}
    if not ids:
        return {}
    from chalicelib.core.tables import fetch_map
    from chalicelib.files.store import file_key, file_of

    rows = fetch_map([file_key(company_id, each) for each in sorted(ids)])
    files = [file for row in rows.values() if (file := file_of(row)) is not None and file.deleted_at is None]
    return {file.id: file for file in files}


def show_poll(company_id: str, appointment_id: str, poll: Poll, at: datetime) -> ChatAnswer:
    """What is in the chat now."""
    files = _files(company_id, poll.messages)
    return ChatAnswer(
        data=[show_message(appointment_id, each, files) for each in poll.messages],
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


def show_upload(announced: Announced) -> UploadAnswer:
    """Where to put the file."""
    return UploadAnswer(
        id=announced.file.id,
        method="PUT",
        url=announced.url,
        headers=announced.headers,
        expires_at=announced.expires_at,
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
