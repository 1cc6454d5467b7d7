"""What was said in a call, turn by turn, together with the functions that the agent called."""

from collections.abc import Sequence
from typing import Any

import msgspec


class Turn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`role` as Retell names it: agent, user, transfer_target, tool_call_invocation, tool_call_result, dtmf, ….

    `at_seconds` into the call. `name` and `arguments` are a called function's; its result has the same `tool_call_id`.
    """

    role: str
    content: str | None = None
    at_seconds: float | None = None
    tool_call_id: str | None = None
    name: str | None = None
    arguments: Any = None
    successful: bool | None = None


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """`cut`: so long that some turns are left out; `text` is Retell's own rendering."""

    text: str
    turns: tuple[Turn, ...] = ()
    cut: bool = False

    def halved(self) -> "Transcript":
        """The first half of it."""
        turns, text = self.turns[: len(self.turns) // 2], self.text[: max(1, len(self.text) // 2)]
        return Transcript(text=text, turns=turns, cut=True)


def transcript_from(text: str | None, entries: Sequence[Any]) -> Transcript | None:
    """The transcript in Retell's words; None when nothing was said. What is no turn is left out."""
    turns = tuple(turn for turn in map(_turn, entries) if turn is not None)
    if not text and not turns:
        return None
    return Transcript(text=text or "\n".join(_line(turn) for turn in turns if turn.content), turns=turns)


def _line(turn: Turn) -> str:
    return f"{turn.role.capitalize()}: {turn.content}"


def _turn(entry: Any) -> Turn | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("role"), str):
        return None
    return Turn(
        role=entry["role"],
        content=_text(entry.get("content", entry.get("digit"))),
        at_seconds=_start(entry.get("words")),
        tool_call_id=_text(entry.get("tool_call_id")),
        name=_text(entry.get("name")),
        arguments=_arguments(entry.get("arguments")),
        successful=entry["successful"] if isinstance(entry.get("successful"), bool) else None,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _start(words: Any) -> float | None:
    first = words[0] if isinstance(words, list) and words else None
    start = first.get("start") if isinstance(first, dict) else None
    return float(start) if isinstance(start, (int, float)) else None


def _arguments(value: Any) -> Any:
    # Retell sends them as text that holds JSON.
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value
