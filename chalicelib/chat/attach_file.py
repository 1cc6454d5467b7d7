"""Attaching a file: the client puts it into the bucket itself, by a signed link, and then sends a message with it."""

from datetime import datetime

import msgspec

from chalicelib.chat import store
from chalicelib.chat.message import Attachment
from chalicelib.core import files
from chalicelib.core.clock import Clock
from chalicelib.core.ids import new_id
from chalicelib.core.unit import UnitFactory
from chalicelib.text_sessions import activity, participants
from chalicelib.text_sessions.refusals import counted
from chalicelib.text_sessions.session import ChatUser

CONTENT_TYPES = (
    "application/pdf",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "image/heic",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/plain",
)
"""Nothing that a browser would run."""
LARGEST_BYTES = 10 * 1024 * 1024


class NewFile(msgspec.Struct, frozen=True):
    """A file as its owner announces it; `size` in bytes."""

    name: str
    content_type: str
    size: int


class Upload(msgspec.Struct, frozen=True):
    """Where to PUT the attachment's bytes, with which headers, until when."""

    attachment: Attachment
    url: str
    headers: dict[str, str]
    expires_at: datetime


@counted
def attach(new_unit: UnitFactory, who: ChatUser, file: NewFile, clock: Clock) -> Upload:
    """Let the caller upload a file of exactly this type and size; one read, one transaction.

    Raises NotFound for an appointment unknown or not one's own, Forbidden for an admin, Conflict `no_session`,
    `session_ended`.
    """
    present = participants.read(who)
    side, session, at = present.side, activity.running(present), clock()
    attachment = Attachment(new_id("att"), file.name, file.content_type, file.size)
    key = store.file_key(who.company_id, who.appointment_id, attachment.id)
    url, headers = files.upload_link(key, file.content_type, file.size)
    upload = Upload(attachment, url, headers, at + files.UPLOAD_FOR)
    unit = new_unit()
    store.add_attachment(unit, who.appointment_id, side, attachment, at)
    unit.audit("chat.attached", session.id, side=side, attachment=attachment.id)
    unit.commit(upload)
    return upload
