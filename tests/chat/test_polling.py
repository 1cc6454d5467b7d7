"""Waiting for news: it comes when it is said, no wait is longer than asked, and only so many wait at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from chalicelib.chat import polling
from chalicelib.core import slots
from chalicelib.core.clock import now
from chalicelib.core.settings import settings
from chalicelib.text_sessions.session import ChatUser
from tests.chat.talk import call_chat, hear, say, texts
from tests.text_sessions.room import COMPANY, Room


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Set as soon as a request waits; it looks every few milliseconds."""
    waits, wake = Event(), Event()

    def pause(seconds: float) -> None:
        waits.set()
        wake.wait(0.01)

    monkeypatch.setattr(polling, "pause", pause)
    return waits


@pytest.mark.parametrize(
    ("news", "seen"),
    [
        (lambda room: say(room, "There you are", "doctor"), lambda polled: texts(polled) == ["There you are"]),
        (
            lambda room: call_chat(room, "POST", "typing", room.caller("doctor")),
            lambda polled: polled["presence"]["doctor"]["typing"] and not polled["data"],
        ),
    ],
)
def test_who_waits_hears_it_when_it_is_said(
    room: Room, waiting: Event, news: Callable[[Room], Any], seen: Callable[[Any], bool]
) -> None:
    with ThreadPoolExecutor(1) as pool:
        polled = pool.submit(hear, room, after=0)
        assert waiting.wait(10)
        assert not polled.done()
        news(room)
        assert seen(polled.result(10))
    with slots.one_of("chat", 2, polling.LONGEST_WAIT_SECONDS, now()) as free:
        assert free  # the place was given back


def test_nobody_waits_longer_than_asked(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[float] = []

    def pause(seconds: float) -> None:
        passed.append(seconds)
        room.at += timedelta(seconds=seconds)

    monkeypatch.setattr(polling, "pause", pause)
    room.at = now()
    polled = polling.news(ChatUser(COMPANY, room.patient.id, room.appointment.id), polling.PollQuery(0, 50), room.clock)
    assert (polled.messages, sum(passed), polled.poll_after_ms) == ([], polling.LONGEST_WAIT_SECONDS, 0)


def test_when_all_places_are_taken_one_comes_back_later(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_CHAT_WAITERS", "4")
    settings.cache_clear()
    at, window = now(), polling.LONGEST_WAIT_SECONDS
    one, two, three = (slots.one_of("chat", settings().chat_waiters, window, at) for _ in range(3))
    with one as first, two as second, three as third:
        assert (first, second, third) == (True, True, False)
        polled = polling.news(
            ChatUser(COMPANY, room.patient.id, room.appointment.id), polling.PollQuery(0, 50), lambda: at
        )
        assert polled.poll_after_ms == polling.COME_BACK_MS
