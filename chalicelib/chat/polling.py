"""Reading a chat: page by page, or what is new, for which a request may wait a while."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from chalicelib.chat import store
from chalicelib.chat.message import Message
from chalicelib.chat.presence import Presences
from chalicelib.core import slots
from chalicelib.core.clock import Clock
from chalicelib.core.settings import settings
from chalicelib.text_sessions import participants
from chalicelib.text_sessions.participants import Present
from chalicelib.text_sessions.refusals import counted
from chalicelib.text_sessions.session import ChatUser

LONGEST_WAIT_SECONDS = 20
LOOK_EVERY_SECONDS = 1.0
COME_BACK_MS = 3_000
"""Who may not wait looks again after so long,"""
COME_BACK_LATER_MS = 30_000
"""and who waits for nothing, after so long: the chat is over, or has not begun."""
LAST_WORDS = timedelta(minutes=1)
"""After the end there is still to come that it has ended."""
pause: Callable[[float], None] = time.sleep


class Poll(msgspec.Struct, frozen=True):
    """Messages and presence. `after`: the number to ask for news after; `poll_after_ms`: when, 0 for at once."""

    messages: list[Message]
    presences: Presences
    state: str
    after: int
    poll_after_ms: int
    next_cursor: str | None = None


class PollQuery(msgspec.Struct, frozen=True):
    """News after message number `after`, or another state of presence than `state`; `wait` seconds for it."""

    after: int
    limit: int
    wait: int = LONGEST_WAIT_SECONDS
    state: str | None = None


@counted
def page(who: ChatUser, limit: int, cursor: str | None, clock: Clock) -> Poll:
    """The chat from its end backwards; two requests. Raises NotFound for an appointment unknown or not one's own."""
    present = _read(who)
    found = store.page_messages(who.company_id, who.appointment_id, limit, cursor)
    presences, at = _presences(present), clock()
    after = found.data[0].number if found.data else 0
    come_back = 0 if _goes_on(present, at) else COME_BACK_LATER_MS
    return Poll(found.data, presences, presences.state(at, present.part), after, come_back, found.next_cursor)


@counted
def news(who: ChatUser, query: PollQuery, clock: Clock) -> Poll:
    """What is new, at once or as soon as there is something, at most `wait` seconds later.

    A request each second, and two for a place among those who may wait: where all are taken, and where nothing is to be
    expected, the answer comes at once and says when to ask again. Raises as `page` does.
    """
    present = _read(who)
    listener = _Listener(who, query, present, clock)
    poll = listener.listen()
    if poll.messages or poll.state != listener.state or not query.wait:
        return poll
    if not _goes_on(present, clock()):
        return msgspec.structs.replace(poll, poll_after_ms=COME_BACK_LATER_MS)
    begun = clock()
    with slots.one_of("chat", settings().chat_waiters, LONGEST_WAIT_SECONDS, begun) as may_wait:
        if not may_wait:
            return msgspec.structs.replace(poll, poll_after_ms=COME_BACK_MS)
        return listener.wait_until(begun + timedelta(seconds=query.wait), poll)


class _Listener:
    """Looks for news of one chat."""

    def __init__(self, who: ChatUser, query: PollQuery, present: Present, clock: Clock) -> None:
        self._where = who.company_id, who.appointment_id
        self._query, self._part, self._clock = query, present.part, clock
        self._presences = _presences(present)
        self.state = self._state() if query.state is None else query.state

    def listen(self) -> Poll:
        """What there is now; one request."""
        messages, presences = store.news(*self._where, self._query.after, self._query.limit)
        self._presences = presences or self._presences
        after = messages[-1].number if messages else self._query.after
        return Poll(messages, self._presences, self._state(), after, 0)

    def wait_until(self, end: datetime, poll: Poll) -> Poll:
        """Look each second until there is something, or until the end."""
        while not poll.messages and poll.state == self.state:
            left = (end - self._clock()).total_seconds()
            if left <= 0:
                break
            pause(min(LOOK_EVERY_SECONDS, left))
            poll = self.listen()
        return poll

    def _state(self) -> str:
        return self._presences.state(self._clock(), self._part)


def _read(who: ChatUser) -> Present:
    keys = store.presence_keys(who.company_id, who.appointment_id)
    return participants.read(who, list(keys.values()))


def _presences(present: Present) -> Presences:
    keys = store.presence_keys(present.appointment.company_id, present.appointment.id)
    return Presences(**{side: store.presence_of(present.rows[key]) for side, key in keys.items()})


def _goes_on(present: Present, at: datetime) -> bool:
    session = present.session
    return session is not None and (session.ended_at is None or at < session.ended_at + LAST_WORDS)
