"""What someone on the waiting list reads when a time is kept for them: in the branch's language."""

from datetime import datetime
from typing import Literal

from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.waitlist.entry import Offer

Phrase = Literal["text", "subject", "mail"]
_PHRASES: dict[str, dict[Phrase, str]] = {
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


def say(phrase: Phrase, schedule: Schedule, offer: Offer, link: str) -> str:
    """What the message about an offer says, in the branch's language and by its clock; in English where there is no
    translation. Who does it is named only where they are published.
    """
    branch, clock = schedule.branch, schedule.branch.clock()
    language = branch.language if branch.language in _PHRASES else "en"
    service = schedule.find_service(offer.service_id)
    staff = next((one.name for one in schedule.staff if one.id == offer.staff_id and one.published), None)
    starts_at, until = offer.starts_at.astimezone(clock), offer.until.astimezone(clock)
    same_day = until.date() == starts_at.date()
    return _PHRASES[language][phrase].format(
        branch=branch.name,
        service=service.name if service else "",
        when=_moment(starts_at, language),
        until=until.strftime("%H:%M") if same_day else _moment(until, language),
        staff=_WITH[language].format(name=staff) if staff else "",
        link=link,
    )


def _moment(at: datetime, language: str) -> str:
    return f"{_DAYS[language][at.weekday()]} {at.strftime(_DATES[language])}, {at.strftime('%H:%M')}"
