"""A language that the voice agent speaks and understands: everything about it lies in one file of `languages/`."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

import msgspec

from chalicelib.core.settings import settings

FOLDER = Path(__file__).parent / "languages"


def one_or_more(count: int) -> str:
    """The plural rule of English, German and Italian."""
    return "one" if count == 1 else "other"


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """How days and times are said.

    `date` takes {weekday}, {day}, {month}; `date_of_year`, for any year but this one, also {year}. `near` is today and
    tomorrow, `near_date` takes {near} and {date}. `hour` takes {hour} and {minute}, `full_hour` {hour}; with `halves`
    (AM, PM) hours go to twelve. `moment` takes {date} and {clock}; `on_moment` is the same within a sentence ("on …").
    `decimal`: the mark in amounts of money.
    """

    weekdays: tuple[str, str, str, str, str, str, str]
    months: tuple[str, str, str, str, str, str, str, str, str, str, str, str]
    first_day: str = "1"
    date: str
    date_of_year: str
    near: tuple[str, str]
    near_date: str
    hour: str
    full_hour: str
    halves: tuple[str, str] | None = None
    moment: str
    on_moment: str
    either: str
    both: str
    decimal: str = ","


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """What words of time mean. Keys are lower case, without accents where `accents` do not matter.

    `days`: from today. `later`: how to say "in n days", `(?P<n>\\d+)` for the number. `numbers` become digits first.
    `clocks`: patterns with the groups `h`, `plus` or `minus` (minutes), and fixed minutes to add. `year` is a word that
    may stand before a year. `filler` may be left out; any other word that is left over means that the text was not
    understood.
    """

    accents: bool = False
    days: dict[str, int]
    later: tuple[str, ...]
    weekdays: dict[str, int]
    coming: tuple[str, ...]
    next_week: tuple[str, ...]
    months: dict[str, int]
    numbers: dict[str, int]
    before_noon: tuple[str, ...]
    after_noon: tuple[str, ...]
    noon: tuple[str, ...]
    clocks: tuple[tuple[str, int], ...]
    day_first: bool = True
    year: str = ""
    filler: tuple[str, ...]


class Phrases(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent says, and what staff are mailed; a dict has a form for each plural of the language.

    {moment} begins with "on" where the language says so; {moments} and {appointments} are lists.
    """

    our_team: str
    free: str
    free_day: str
    nothing_free: str
    booked: str
    who_for: str
    who_for_alone: str
    taken: str
    taken_alone: str
    pending: str
    trouble: str
    unknown_number: str
    appointment: str
    appointments: dict[str, str]
    no_appointments: str
    which_one: str
    name_it: str
    not_found: str
    too_many_attempts: str
    moved: str
    move_pending: str
    changed_since: str
    cancelled: str
    cancel_pending: str
    cancel_fee: str
    cannot_change: str
    message_taken: str
    transfer: str
    transfer_to: str
    closed: str
    closed_for_long: str
    nobody_available: str
    mail_subject: str
    mail_text: str
    mail_unknown_caller: str


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """`code` is ISO 639-1. `plural` names the form for a count; `plurals` are all it may name."""

    code: str
    calendar: Calendar
    vocabulary: Vocabulary
    phrases: Phrases
    plural: Callable[[int], str] = one_or_more
    plurals: tuple[str, ...] = ("one", "other")


def codes() -> list[str]:
    """Every language there is."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def language(code: str | None) -> Language:
    """The language of a code such as `de` or `de-CH`; the stage's own, or else English, where it is not spoken here.

    Only its own file is imported.
    """
    for candidate in (code or "", settings().default_language, "en"):
        found = _load(candidate.partition("-")[0].lower())
        if found:
            return found
    raise AssertionError("English is always there")


@cache
def _load(code: str) -> Language | None:
    if not (len(code) == 2 and code.isascii() and code.isalpha()):
        return None
    name = f"{__package__}.languages.{code}"
    try:
        found: Language = import_module(name).LANGUAGE
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
    return found
