"""Whether a branch is open, and when it opens next, on its own clock."""

from datetime import date, datetime, timedelta

from chalicelib.booking.practice import Branch, local_instant

DAYS_AHEAD = 14
"""A branch that does not open within two weeks says that it is closed, not until when."""
DAY_MINUTES = 1440


def opens_at(branch: Branch, day: date, minute: int) -> bool:
    """Whether it is open when its clock shows `minute` (since midnight) of the local `day`."""
    evening_before = (day.weekday() - 1) % 7
    return any(
        window.start <= minute + shift < window.end
        for window in branch.hours
        for on, shift in ((day.weekday(), 0), (evening_before, DAY_MINUTES))
        if window.day == on
    )


def is_open(branch: Branch, at: datetime) -> bool:
    """Whether it is open at the instant."""
    local = at.astimezone(branch.clock())
    return opens_at(branch, local.date(), local.hour * 60 + local.minute)


def next_opening(branch: Branch, after: datetime) -> datetime | None:
    """When it opens next, in UTC; None when that is too far away to say."""
    clock = branch.clock()
    today = after.astimezone(clock).date()
    for ahead in range(DAYS_AHEAD + 1):
        day = today + timedelta(days=ahead)
        opens = [local_instant(day, window.start, clock) for window in branch.hours if window.day == day.weekday()]
        coming = [at for at in opens if at > after]
        if coming:
            return min(coming)
    return None
