"""Talking in a room through its endpoints."""

from typing import Any

from infra.local.invoking import Answer, Caller, call
from tests.text_sessions.room import Room


def call_chat(
    room: Room, method: str, action: str, caller: Caller | None = None, key: str | None = None, **fields: Any
) -> Answer:
    """Ask a route of the chat."""
    path = f"/api/text-appointments/{room.appointment.id}/{action}"
    headers = {"idempotency-key": key} if key else {}
    body = fields if method == "POST" else None
    query = None if method == "POST" else {name: str(value) for name, value in fields.items()}
    return call(method, path, caller=caller or room.caller(), body=body, query=query, headers=headers)


def say(room: Room, text: str, side: Any = "patient", **more: Any) -> Any:
    """Send a message; returns it."""
    answer = call_chat(room, "POST", "messages", room.caller(side), text=text, **more)
    assert answer.status == 201, answer
    return answer.json


def hear(room: Room, side: Any = "patient", **query: Any) -> Any:
    """Read the chat."""
    answer = call_chat(room, "GET", "messages", room.caller(side), **query)
    assert answer.status == 200, answer
    return answer.json


def texts(news: Any) -> list[str]:
    """What the messages say."""
    return [each["text"] for each in news["data"]]
