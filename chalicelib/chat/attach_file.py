"""Attaching a file: the client puts it into the bucket itself, by a signed link, and then sends a message with it."""

from chalicelib.core.clock import Clock
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.files.announce import Announced, Belongs, NewUpload, announce
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
LARGEST_BYTES = 10 * 1024 * 1024


@counted
def attach(new_unit: UnitFactory, who: ChatUser, file: NewUpload, clock: Clock) -> Announced:
    """Let the caller upload a file of exactly this type and size; one read, one transaction.

    Raises NotFound for an appointment unknown or not one's own, Forbidden for an admin, Conflict `no_session`,
    `session_ended`, `storage_full`.
    """
    present = participants.read(who)
    side, session = present.side, activity.running(present)
    belongs = Belongs(
        source="chat",
        customer_id=present.appointment.customer_id,
        appointment_id=who.appointment_id,
    )

    def new_audited() -> Unit:
        unit = new_unit()
        unit.audit("chat.attached", session.id, side=side)
        return unit

    return announce(new_audited, file, belongs, clock)
