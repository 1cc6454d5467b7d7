"""What we tell Twilio to do with a call, as TwiML.

The library is imported by the one function that needs it: only three endpoints ever speak TwiML.
"""

from collections.abc import Sequence
from typing import Any

CONTENT_TYPE = "text/xml; charset=utf-8"
LANGUAGES = {"de": "de-DE", "en": "en-GB", "it": "it-IT", "vi": "vi-VN"}
"""The voices that read our few sentences."""


def ring(
    targets: Sequence[str], seconds: int, then: str, *, caller_id: str | None = None, limit_seconds: int = 14_400
) -> str:
    """Ring all the targets (numbers or `sip:` URIs) at once for `seconds`; whatever comes of it, ask `then`."""
    made = _response()
    dial = made.dial(
        timeout=seconds,
        action=then,
        method="POST",
        caller_id=caller_id,
        answer_on_bridge=True,
        time_limit=limit_seconds,
    )
    for target in targets:
        if target.startswith(("sip:", "sips:")):
            dial.sip(target)
        else:
            dial.number(target)
    return str(made)


def record(prompt: str, language: str, then: str, recording_url: str, *, longest_seconds: int = 120) -> str:
    """Say the prompt, beep, and record what the caller says; ask `then`, and tell `recording_url` where it is."""
    made = _response()
    _say(made, prompt, language)
    made.record(
        action=then,
        method="POST",
        max_length=longest_seconds,
        finish_on_key="#",
        play_beep=True,
        trim="trim-silence",
        recording_status_callback=recording_url,
        recording_status_callback_method="POST",
        recording_status_callback_event="completed",
    )
    made.hangup()
    return str(made)


def gather_key(prompt: str, language: str, then: str, *, seconds: int = 10) -> str:
    """Say the prompt and wait for any key; ask `then` once it is pressed, and hang up if none is.

    Whoever rings a mobile may get its mailbox: a mailbox presses nothing.
    """
    made = _response()
    gather = made.gather(action=then, method="POST", num_digits=1, timeout=seconds, finish_on_key="")
    _say(gather, prompt, language)
    made.hangup()
    return str(made)


def hang_up(words: str = "", language: str = "en") -> str:
    """End the call, with a last sentence."""
    made = _response()
    if words:
        _say(made, words, language)
    made.hangup()
    return str(made)


def reject() -> str:
    """Do not take the call; it costs nothing."""
    made = _response()
    made.reject(reason="rejected")
    return str(made)


def _say(where: Any, words: str, language: str) -> None:
    where.say(words, language=LANGUAGES.get(language, LANGUAGES["en"]))


def _response() -> Any:
    from twilio.twiml.voice_response import VoiceResponse

    return VoiceResponse()
