"""Letting the other side see that one has read, and that one is typing."""

from contextlib import suppress

from chalicelib.chat import store
from chalicelib.chat.presence import TYPING_FOR, Presence
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Stale, invalid
from chalicelib.core.unit import UnitFactory
from chalicelib.text_sessions import activity, participants
from chalicelib.text_sessions.participants import Present
from chalicelib.text_sessions.refusals import counted
from chalicelib.text_sessions.session import ChatUser


@counted
def read_up_to(new_unit: UnitFactory, who: ChatUser, number: int, clock: Clock) -> None:
    """Note that the caller has read up to that message; never back. One read and, where it is news, one transaction.

    Raises NotFound for an appointment unknown or not one's own, Forbidden for an admin, Conflict `no_session`, Invalid
    for a number that no message has.
    """
    present = _read(who)
    side, session = present.side, present.session
    if session is None:
        raise Conflict("no_session", "This appointment's session has not been started.")
    if number > session.messages:
        raise invalid("body.up_to", "no_such_message", f"The chat holds {session.messages} messages.")
    if _presence(present).read_up_to >= number:
        return
    unit = new_unit()
    store.save_read(unit, who.appointment_id, side, number, clock())
    unit.audit("chat.read", session.id, ("read_up_to",), side=side, up_to=str(number))
    with suppress(Stale):  # another window of the same person has read further
        unit.commit()


@counted
def typing(who: ChatUser, clock: Clock) -> None:
    """Note that the caller types, for six seconds; one read, and a write unless it was noted just now.

    Raises as `activity.note` does.
    """
    present = _read(who)
    side, at = present.side, clock()
    activity.running(present)
    until = _presence(present).typing_until
    if until is None or until < at + TYPING_FOR / 2:
        store.save_typing(who.company_id, who.appointment_id, side, at + TYPING_FOR)


def _read(who: ChatUser) -> Present:
    keys = store.presence_keys(who.company_id, who.appointment_id)
    return participants.read(who, list(keys.values()))


def _presence(present: Present) -> Presence:
    """The caller's own; raises Forbidden for somebody who only looks on."""
    keys = store.presence_keys(present.appointment.company_id, present.appointment.id)
    return store.presence_of(present.rows[keys[present.side]])
