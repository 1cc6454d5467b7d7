"""Days and times as people say them ("tomorrow at half past three", "Montag um halb vier"), read into dates and hours.

A language model may pass on what it heard. What is not understood to its last word is not understood at all: a wrong
guess would move an appointment.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache

import msgspec

from chalicelib.calls.language import Vocabulary, language

NOON = 12 * 60
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_NUMERIC = re.compile(r"(?<![\d.:/])(\d{1,2})([./])(\d{1,2})(?:\2(\d{4})?)?(?![\d:])")
_DIGITS = re.compile(r"(?<!\d)(?P<h>\d{1,2})(?:[:.]|h ?)(?P<plus>\d{2})(?!\d)")
_GLUED = re.compile(r"(\d)(am|pm|a\.m|p\.m|uhr|giờ)\b")
_BARE = re.compile(r"(?<!\S)(?P<h>\d{1,2})(?!\S)")


class Hour(msgspec.Struct, frozen=True):
    """A time of day in minutes since midnight. Not `sure`: it may be meant of the afternoon as well."""

    minute: int
    sure: bool


class ParsedTime(msgspec.Struct, frozen=True):
    """What was understood: a day, a time of day, or both."""

    day: date | None
    hour: Hour | None


def understand(text: str, code: str, today: date) -> ParsedTime | None:
    """What `text` means in the language of `code`, or in English; None when no language makes sense of it."""
    for each in dict.fromkeys((language(code).code, "en")):
        parsed = _Reading(text, language(each).vocabulary, each).read(today)
        if parsed:
            return parsed
    return None


class _Reading:
    """One text read in one language; what has been understood is taken out of `left`."""

    def __init__(self, text: str, vocabulary: Vocabulary, code: str) -> None:
        self._words = vocabulary
        self._code = code
        self.left = " ".join(re.sub(r"[,;!?()\"'’]", " ", fold(text, accents=vocabulary.accents)).split())

    def read(self, today: date) -> ParsedTime | None:
        """The meaning, None when a word is left over or nothing is said."""
        try:
            day = self._written_day(today)
            self._mark()
            day = day or self._spoken_day(today)
            hour = self._hour()
        except ValueError:  # such as February 30
            return None
        left = set(self.left.replace(".", " ").split()) - set(self._words.filler)
        if left or (day is None and hour is None):
            return None
        return ParsedTime(day, hour)

    def _take(self, pattern: "re.Pattern[str]") -> "re.Match[str] | None":
        found = pattern.search(self.left)
        if found:
            self.left = " ".join(f"{self.left[: found.start()]} {self.left[found.end() :]}".split())
        return found

    def _written_day(self, today: date) -> date | None:
        found = self._take(_ISO)
        if found:
            return date(*(int(part) for part in found.groups()))
        found = _NUMERIC.search(self.left) if self._words.day_first else None
        # 3.10 may be a time; 3.10. and 3/10 are dates.
        if found and (found[2] == "/" or found[0].count(".") == 2):
            self._take(_NUMERIC)
            return _coming(int(found[1]), int(found[3]), found[4], today)
        return None

    def _mark(self) -> None:
        """Words become marks: `<d1>` tomorrow, `<w0>` Monday, `<m11>` November, and numbers become digits."""
        words = self._words
        text = _GLUED.sub(r"\1 \2", self.left)
        if words.year:
            text = re.sub(rf"\b{words.year} (\d{{4}})\b", r"\1", text)
        pattern, meaning = _marks(self._code)
        text = pattern.sub(lambda found: meaning[found[0]], text)
        self.left = " ".join(re.sub(r"\.(?!\d)", " ", text).split())

    def _spoken_day(self, today: date) -> date | None:
        for later in self._words.later:
            found = self._take(re.compile(later))
            if found:
                return today + timedelta(days=int(found["n"]))
        found = self._take(re.compile(r"(?:(\d{1,2})(?: of)? <m(\d+)>|<m(\d+)> (\d{1,2}))(?: (\d{4}))?(?!\d)"))
        weekday, near = self._take(re.compile(r"<w(\d)>")), self._take(re.compile(r"<d(\d)>"))
        if found:  # a weekday beside a date adds nothing
            return _coming(int(found[1] or found[4]), int(found[2] or found[3]), found[5], today)
        if weekday:
            return self._on_weekday(int(weekday[1]), today)
        return today + timedelta(days=int(near[1])) if near else None

    def _on_weekday(self, weekday: int, today: date) -> date:
        if self._take(re.compile("<nextweek>")):
            return today + timedelta(days=7 - today.weekday() + weekday)
        ahead = (weekday - today.weekday()) % 7
        # "Next Monday" said on a Monday is not today.
        return today + timedelta(days=7 if self._take(re.compile("<coming>")) and ahead == 0 else ahead)

    def _hour(self) -> Hour | None:
        half = self._take(re.compile("<(am|pm)>"))
        noon = self._take(re.compile("<noon>"))
        for pattern, more in [(_DIGITS, 0), *_clocks(self._code), (_BARE, 0)]:
            found = self._take(pattern)
            if found:
                return _hour(found, more, half[1] if half else None)
        return Hour(NOON, True) if noon else None


def _hour(found: "re.Match[str]", more: int, half: str | None) -> Hour | None:
    parts = found.groupdict()
    hour, plus, minus = (int(parts.get(name) or 0) for name in ("h", "plus", "minus"))
    if hour > 23 or plus > 59 or minus > 59:
        raise ValueError("no such time")
    sure = hour >= 12 or hour == 0 or parts["h"].startswith("0")
    if half and hour <= 12:
        hour, sure = hour % 12 + (12 if half == "pm" else 0), True
    return Hour((hour * 60 + more + plus - minus) % (24 * 60), sure)


def _coming(day: int, month: int, year: str | None, today: date) -> date:
    """That date in its year, or its next one."""
    if year:
        return date(int(year), month, day)
    this_year = date(today.year, month, day)
    return this_year if this_year >= today else date(today.year + 1, month, day)


def fold(text: str, *, accents: bool = False) -> str:
    """Lower case, and without accents unless they matter; ordinal signs become letters."""
    lower = text.casefold()
    if accents:
        return unicodedata.normalize("NFC", lower)
    apart = unicodedata.normalize("NFKD", lower)
    return "".join(char for char in apart if not unicodedata.combining(char))


@cache
def _marks(code: str) -> "tuple[re.Pattern[str], dict[str, str]]":
    words = language(code).vocabulary
    meaning: dict[str, list[str]] = {}

    def mean(phrases: Iterable[str], mark: str) -> None:
        for phrase in phrases:
            meaning.setdefault(phrase, []).append(mark)

    for name, among in (("d", words.days), ("w", words.weekdays), ("m", words.months)):
        for phrase, number in among.items():
            mean([phrase], f"<{name}{number}>")
    for phrase, number in words.numbers.items():
        mean([phrase], str(number))
    mean(words.coming, "<coming>")
    mean(words.next_week, "<nextweek>")
    mean(words.before_noon, "<am>")
    mean(words.after_noon, "<pm>")
    mean(words.noon, "<noon>")
    longest_first = sorted(meaning, key=len, reverse=True)
    either = "|".join(re.escape(phrase) for phrase in longest_first)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)"), {phrase: " ".join(meaning[phrase]) for phrase in meaning}


@cache
def _clocks(code: str) -> "tuple[tuple[re.Pattern[str], int], ...]":
    patterns = language(code).vocabulary.clocks
    return tuple((re.compile(rf"(?<!\S){pattern}(?!\S)"), more) for pattern, more in patterns)
