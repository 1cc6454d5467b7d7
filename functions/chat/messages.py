"""The chat of a text appointment: messages, files, what has been read, who is typing, and the rating at the end."""

from typing import Annotated

import msgspec

from chalicelib.chat.message import LONGEST_TEXT, MOST_ATTACHMENTS, Draft
from chalicelib.core.errors import invalid
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import PageQuery
from chalicelib.core.payloads import Body, Id
from chalicelib.core.requests import Request
from chalicelib.text_sessions.session import ChatUser
from functions.chat.answers import (
    ChatAnswer,
    MessageAnswer,
    RatingAnswer,
    UploadAnswer,
    show_message,
    show_poll,
    show_rating,
    show_upload,
)

function = Function(__name__)
READS = ("identity", "booking", "text_sessions")
CHAT = "/api/text-appointments/{appointment_id}"
NOT_FOUND, ONLY_LOOKING = "appointment_not_found 404", "not_a_participant 403"
NOT_RUNNING = (NOT_FOUND, ONLY_LOOKING, "no_session 409", "session_ended 409")
LARGEST_NUMBER = 10**9


class MessageBody(Body):
    """A text, files, or both. `client_id`: sent again with the same one, it is not said twice."""

    text: Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)] = ""
    attachments: Annotated[list[Id], msgspec.Meta(max_length=MOST_ATTACHMENTS)] = []
    client_id: Id | None = None

    def draft(self) -> Draft:
        """The same as a model; raises Invalid where there is nothing to say, or a file twice."""
        if not self.text.strip() and not self.attachments:
            raise invalid("body.text", "empty", "Send a text, an attachment, or both.")
        if len(set(self.attachments)) < len(self.attachments):
            raise invalid("body.attachments", "given_twice", "Send each attachment once.")
        return Draft(self.text, tuple(self.attachments), self.client_id)


class ChatQuery(PageQuery):
    """Without `after`: a page, the newest first. With it: what follows on that number.

    If there is nothing new, the answer waits up to `wait` seconds for a message, for somebody to type or to read.
    `state` as the last answer had it: what changed in between is news as well.
    """

    after: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_NUMBER)] | None = None
    wait: Annotated[int, msgspec.Meta(ge=0, le=20)] = 20
    state: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class AttachmentBody(Body):
    """A file to upload: its name, its type and its exact size in bytes, at most 10 MiB."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]
    content_type: Annotated[str, msgspec.Meta(max_length=100)]
    size: Annotated[int, msgspec.Meta(ge=1)]


class ReadBody(Body):
    """The number of the last message read."""

    up_to: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_NUMBER)]


class RatingBody(Body):
    """1 to 5, and why."""

    rating: Annotated[int, msgspec.Meta(ge=1, le=5)]
    text: Annotated[str, msgspec.Meta(max_length=2000)] = ""


@function.route(
    "POST",
    f"{CHAT}/messages",
    ability="text_sessions:write",
    needs=Needs(reads=("identity", "booking"), writes=("text_sessions", "chat", "files"), downloads=("incoming",)),
    status=201,
    errors=(*NOT_RUNNING, "attachment_used 409", "client_id_reused 409"),
    example={"text": "Good morning, how are you?", "client_id": "c0ffee-1"},
)
def send_chat_message(request: Request, appointment_id: str, body: MessageBody) -> MessageAnswer:
    """Say something while the session runs; it counts as activity."""
    from chalicelib.chat.send_message import send

    new_unit = lambda: request.unit(lambda said: show_message(appointment_id, said))  # noqa: E731
    sent = send(new_unit, _who(request, appointment_id), body.draft(), request.clock)
    return show_message(appointment_id, sent)


@function.route(
    "GET",
    f"{CHAT}/messages",
    ability="text_sessions:read",
    needs=Needs(reads=(*READS, "chat", "files"), updates=("guards",), downloads=("files",)),
    errors=(NOT_FOUND,),
)
def list_chat_messages(request: Request, appointment_id: str, query: ChatQuery) -> ChatAnswer:
    """The chat page by page, or what is new in it, now or within twenty seconds."""
    from chalicelib.chat import polling

    who = _who(request, appointment_id)
    if query.after is None:
        poll = polling.page(who, query.limit, query.cursor, request.clock)
    else:
        since = polling.PollQuery(query.after, query.limit, query.wait, query.state)
        poll = polling.news(who, since, request.clock)
    return show_poll(request.company_id, appointment_id, poll, request.clock())


@function.route(
    "POST",
    f"{CHAT}/attachments",
    ability="text_sessions:write",
    needs=Needs(reads=READS, writes=("files",), uploads=("incoming",)),
    status=201,
    idempotent=False,
    errors=(*NOT_RUNNING, "storage_full 409"),
    example={"name": "rash.jpg", "content_type": "image/jpeg", "size": 183_204},
)
def attach_to_chat(request: Request, appointment_id: str, body: AttachmentBody) -> UploadAnswer:
    """Be told where to put a file, and then send it with a message within the day."""
    from chalicelib.chat.attach_file import CONTENT_TYPES, LARGEST_BYTES, attach
    from chalicelib.files.announce import NewUpload

    if body.content_type not in CONTENT_TYPES:
        raise invalid("body.content_type", "not_accepted", f"One of {', '.join(CONTENT_TYPES)} is.")
    if body.size > LARGEST_BYTES:
        raise invalid("body.size", "too_large", f"At most {LARGEST_BYTES} bytes are accepted.")
    file = NewUpload(body.name, body.content_type, body.size)
    return show_upload(attach(request.unit, _who(request, appointment_id), file, request.clock))


@function.route(
    "POST",
    f"{CHAT}/read",
    ability="text_sessions:write",
    needs=Needs(reads=READS, writes=("chat",)),
    status=204,
    errors=(NOT_FOUND, ONLY_LOOKING, "no_session 409"),
    example={"up_to": 3},
)
def mark_chat_read(request: Request, appointment_id: str, body: ReadBody) -> None:
    """Let the other side see up to where one has read."""
    from chalicelib.chat.track_presence import read_up_to

    read_up_to(request.unit, _who(request, appointment_id), body.up_to, request.clock)


@function.route(
    "POST",
    f"{CHAT}/typing",
    ability="text_sessions:write",
    needs=Needs(reads=(*READS, "chat"), updates=("chat",)),
    status=204,
    idempotent=False,
    errors=NOT_RUNNING,
)
def note_typing(request: Request, appointment_id: str) -> None:
    """Let the other side see that one is typing; it is forgotten after six seconds."""
    from chalicelib.chat.track_presence import typing

    typing(_who(request, appointment_id), request.clock)


@function.route(
    "POST",
    f"{CHAT}/rating",
    ability="text_sessions:write",
    needs=Needs(reads=READS, writes=("chat",)),
    status=201,
    errors=(NOT_FOUND, "not_the_patient 403", "no_session 409", "session_running 409", "already_rated 409"),
    example={"rating": 5, "text": "Quick and kind."},
)
def rate_text_appointment(request: Request, appointment_id: str, body: RatingBody) -> RatingAnswer:
    """Say, once it is over, how it was."""
    from chalicelib.chat.rate import rate

    new_unit = lambda: request.unit(lambda rating: show_rating(appointment_id, rating))  # noqa: E731
    rated = rate(new_unit, _who(request, appointment_id), body.rating, body.text, request.clock)
    return show_rating(appointment_id, rated)


@function.route(
    "GET",
    f"{CHAT}/rating",
    ability="text_sessions:read",
    needs=Needs(reads=(*READS, "chat")),
    errors=(NOT_FOUND, "no_rating 404"),
)
def show_appointment_rating(request: Request, appointment_id: str) -> RatingAnswer:
    """How the patient found it."""
    from chalicelib.chat.rate import look

    return show_rating(appointment_id, look(_who(request, appointment_id)))


def _who(request: Request, appointment_id: str) -> ChatUser:
    return ChatUser(request.company_id, request.actor.id, appointment_id)
