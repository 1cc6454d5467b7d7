"""A chat's messages: what somebody wrote, or what the system has to say to both."""

from datetime import datetime
from typing import Literal

import msgspec

Sender = Literal["patient", "doctor", "system"]
LONGEST_TEXT = 4000
MOST_ATTACHMENTS = 5


class Attachment(msgspec.Struct, frozen=True):
    """A file that was put beside a message; `size` in bytes."""

    id: str
    name: str
    content_type: str
    size: int


class Draft(msgspec.Struct, frozen=True):
    """What somebody wants to say. `attachments`: ids of uploaded files; `client_id`: the client's own name for it."""

    text: str = ""
    attachments: tuple[str, ...] = ()
    client_id: str | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`number` counts from 1 in each appointment's chat, without gaps, in the order in which messages were stored.

    Of a system message, `code` and `facts` say what it is about, for clients that say it in their own words.
    """

    id: str
    number: int
    session_id: str
    sender: Sender
    user_id: str | None = None
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    client_id: str | None = None
    code: str = ""
    facts: dict[str, str | int] = {}
    created_at: datetime

    def says(self, draft: Draft) -> bool:
        """Whether it is what was drafted."""
        return self.text == draft.text and tuple(each.id for each in self.attachments) == draft.attachments
