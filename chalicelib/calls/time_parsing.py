"""When the caller means: what a language model filled in for a day or a time, on the branch's clock."""

from datetime import UTC, date, datetime, time, timedelta

from dateutil.tz import datetime_ambiguous, datetime_exists

from chalicelib.booking.practice.hours import DAY_MINUTES
from chalicelib.booking.practice.models import Branch
from chalicelib.calls.spoken_times import Hour, understand
from chalicelib.core.errors import Invalid, invalid

ISO_DAY = len("2026-12-01")
FURTHEST_DAYS = 730
HALF_DAY = 12 * 60
EARLIEST_WORK = 7 * 60
"""Three o'clock on a day without hours is meant of the afternoon, eight o'clock of the morning."""


def instant(text: str, branch: Branch, now: datetime, path: str, day: date | None = None) -> datetime:
    """The instant meant, in UTC: ISO 8601, or words in the branch's language or English.

    `day` is the one meant where the words name none. Of an hour that may be of the morning or the afternoon, the one
    at which the branch is open. An hour that the clock shows twice is its first. Raises Invalid about `path`.
    """
    wall = _written(text) or _spoken(text, branch, now, path, day)
    clock = branch.clock()
    if wall.tzinfo is None:
        if not datetime_exists(wall, clock):
            raise invalid(path, "skipped_time", "The clocks are put forward then; this time does not exist.")
        wall = wall.replace(tzinfo=clock, fold=0 if datetime_ambiguous(wall, clock) else wall.fold)
    try:
        return wall.astimezone(UTC)
    except OverflowError:
        raise invalid(path, "not_a_time", f"{text!r} is not a time anyone can come.") from None


def coming_day(text: str, branch: Branch, now: datetime, path: str) -> date:
    """The day meant, today or later, whatever time is said with it; raises Invalid about `path`."""
    today = now.astimezone(branch.clock()).date()
    found = any_day(text, branch, now, path)
    if found < today:
        raise invalid(path, "in_the_past", "This day has passed.")
    if (found - today).days > FURTHEST_DAYS:
        raise invalid(path, "too_far_ahead", "This is more than two years ahead.")
    return found


def any_day(text: str, branch: Branch, now: datetime, path: str) -> date:
    """The day meant, also one that has passed; raises Invalid about `path`."""
    day = iso_day(text)
    if day is None:
        parsed = understand(text, branch.language, now.astimezone(branch.clock()).date())
        day = parsed.day if parsed else None
    if day is None:
        raise invalid(path, "not_a_date", f"{text!r} is not a day such as 2026-12-01, tomorrow or Monday.")
    return day


def iso_day(text: str) -> date | None:
    """The day that a text in ISO 8601 begins with; None for any other text."""
    try:
        return date.fromisoformat(text.strip()[:ISO_DAY])
    except ValueError:
        return None


def _written(text: str) -> datetime | None:
    stripped = text.strip()
    if len(stripped) <= ISO_DAY:
        return None
    try:
        return datetime.fromisoformat(stripped)
    except ValueError:
        return None


def _spoken(text: str, branch: Branch, now: datetime, path: str, day: date | None) -> datetime:
    today = now.astimezone(branch.clock()).date()
    parsed = understand(text, branch.language, today)
    if parsed is None:
        raise _not_a_time(path, f"{text!r} is not a time such as 2026-12-01T09:30 or tomorrow at half past three.")
    on = parsed.day or day
    if on is None or parsed.hour is None:
        missing = "the day" if on is None else "the time of day"
        raise _not_a_time(path, f"Give {missing} as well, such as 2026-12-01T09:30.")
    return datetime.combine(on, time()) + timedelta(minutes=_likely(parsed.hour, branch, on))


def _likely(hour: Hour, branch: Branch, on: date) -> int:
    if hour.sure or hour.minute >= HALF_DAY:
        return hour.minute
    later = hour.minute + HALF_DAY
    open_at = [minute for minute in (hour.minute, later) if _opens_at(branch, on, minute)]
    if len(open_at) == 1:
        return open_at[0]
    return hour.minute if hour.minute >= EARLIEST_WORK else later


def _not_a_time(path: str, message: str) -> Invalid:
    return invalid(path, "not_a_time", message)


def _opens_at(branch: Branch, day: date, minute: int) -> bool:
    """Whether it usually is open when its clock shows `minute` (since midnight) of the local `day`."""
    evening_before = (day.weekday() - 1) % 7
    return any(
        window.start <= minute + shift < window.end
        for window in branch.hours
        for on, shift in ((day.weekday(), 0), (evening_before, DAY_MINUTES))
        if window.day == on
    )
