"""What someone on the waiting list reads when a time is kept for him: in the branch's language."""

from datetime import datetime
from typing import Literal

import msgspec

Phrase = Literal["text", "subject", "mail"]
_SPOKEN = "en"
_WORDS: dict[str, dict[Phrase, str]] = {
    "en": {
        "text": "{branch}: {service} is free on {when}{staff}. We keep it for you until {until}: {link}",
        "subject": "A time has become free at {branch}",
        "mail": (
            "{service} at {branch} is free on {when}{staff}.\n\nWe keep it for you until {until}. "
            "Take it or turn it down here:\n{link}\n"
        ),
    },
    "de": {
        "text": "{branch}: {service} ist frei am {when}{staff}. Für Sie reserviert bis {until}: {link}",
        "subject": "Ein Termin ist frei geworden: {branch}",
        "mail": (
            "{service} bei {branch} ist frei am {when}{staff}.\n\nWir halten den Termin bis {until} für Sie frei. "
            "Hier können Sie zusagen oder ablehnen:\n{link}\n"
        ),
    },
    "it": {
        "text": "{branch}: {service} è libero {when}{staff}. Lo teniamo per Lei fino alle {until}: {link}",
        "subject": "Si è liberato un appuntamento: {branch}",
        "mail": (
            "{service} presso {branch} è libero {when}{staff}.\n\nLo teniamo per Lei fino alle {until}. "
            "Può accettare o rifiutare qui:\n{link}\n"
        ),
    },
    "vi": {
        "text": "{branch}: {service} còn trống vào {when}{staff}. Chúng tôi giữ chỗ đến {until}: {link}",
        "subject": "Có lịch trống tại {branch}",
        "mail": (
            "{service} tại {branch} còn trống vào {when}{staff}.\n\nChúng tôi giữ chỗ cho quý khách đến {until}. "
            "Nhận hoặc từ chối tại đây:\n{link}\n"
        ),
    },
}
_WITH = {"en": " with {name}", "de": " mit {name}", "it": " con {name}", "vi": " với {name}"}
_DAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "de": ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
    "it": ("lun", "mar", "mer", "gio", "ven", "sab", "dom"),
    "vi": ("T2", "T3", "T4", "T5", "T6", "T7", "CN"),
}
_DATES = {"en": "%Y-%m-%d", "de": "%d.%m.%Y", "it": "%d/%m/%Y", "vi": "%d/%m/%Y"}


class OfferMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of an offer; times on the branch's clock. `staff`: a name, if it may be told."""

    branch: str
    service: str
    starts_at: datetime
    until: datetime
    staff: str | None
    link: str


def say(phrase: Phrase, language: str, told: OfferMessage) -> str:
    """The phrase in that language; in English where it is not spoken here."""
    spoken = language if language in _WORDS else _SPOKEN
    same_day = told.until.date() == told.starts_at.date()
    return _WORDS[spoken][phrase].format(
        branch=told.branch,
        service=told.service,
        when=_moment(told.starts_at, spoken),
        until=told.until.strftime("%H:%M") if same_day else _moment(told.until, spoken),
        staff=_WITH[spoken].format(name=told.staff) if told.staff else "",
        link=told.link,
    )


def _moment(at: datetime, spoken: str) -> str:
    return f"{_DAYS[spoken][at.weekday()]} {at.strftime(_DATES[spoken])}, {at.strftime('%H:%M')}"
