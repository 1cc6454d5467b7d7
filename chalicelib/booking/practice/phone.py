"""A branch's telephone: who answers it, and when nobody is called from it."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.core.errors import invalid
from chalicelib.core.people import clean_email
from chalicelib.core.phones import e164

MOST_STAFF_NUMBERS = 10
"""Twilio rings at most ten at once."""
FURTHEST_DAYS = 60
SIP = re.compile(r"sips?:[^\s@<>#]+@[^\s@<>#]+")
SERVICE = re.compile(r"MG[0-9a-f]{32}")
MinuteOfDay = Annotated[int, msgspec.Meta(ge=0, le=1440)]


class CallRouting(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers an incoming call: first staff, where they are to be rung, then the voice agent, then the mailbox.

    `agent`: a SIP URI or a number under which the voice agent is reached. `ring_staff`: when `staff_numbers` ring, all
    at once, for `ring_seconds`. `text_back`: whether a missed caller gets a text, sent from `text_from` (a number or a
    messaging service; None: the branch's own number). `alert_emails`: who is told of missed calls and messages; empty:
    the admins. `transfer_to`: where a caller who wants a person is put through to.
    `agent_id`: the Retell agent that makes the branch's outgoing calls; None: the number's own.
    """

    agent: str | None = None
    staff_numbers: tuple[str, ...] = ()
    ring_seconds: int = 20
    ring_staff: Literal["never", "open_hours", "always"] = "never"
    voicemail: bool = True
    text_back: bool = True
    text_from: str | None = None
    alert_emails: tuple[str, ...] = ()
    transfer_to: str | None = None
    agent_id: str | None = None


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """When nobody is called, by the branch's own clock: daily from minute `start` to minute `end`, over midnight.

    `weekdays`: whole quiet days (0 = Monday). `public_holidays`: those of the branch's country, and of `region` (ISO
    3166-2, such as BE for Berlin). `dates`: further quiet days. `texts`: whether replies to missed calls wait as well.
    """

    start: MinuteOfDay = 21 * 60
    end: MinuteOfDay = 8 * 60
    weekdays: tuple[int, ...] = (6,)
    public_holidays: bool = True
    region: str | None = None
    dates: tuple[date, ...] = ()
    texts: bool = False

    def next_allowed(self, at: datetime, clock: ZoneInfo, country: str) -> datetime:
        """`at` itself, or the end of the quiet time that it lies in; in UTC. A day off at a time, sixty at most."""
        moment = at.astimezone(clock)
        for _ in range(FURTHEST_DAYS):
            if self._is_quiet_day(moment.date(), country):
                moment = _at(moment.date() + timedelta(days=1), 0, clock)
                continue
            end = self._quiet_until(moment, clock)
            if end is None:
                return moment.astimezone(UTC)
            moment = end
        return moment.astimezone(UTC)

    def _quiet_until(self, moment: datetime, clock: ZoneInfo) -> datetime | None:
        minute = moment.hour * 60 + moment.minute
        over_midnight = self.start > self.end
        if over_midnight and minute >= self.start:
            return _at(moment.date() + timedelta(days=1), self.end, clock)
        if (over_midnight and minute < self.end) or self.start <= minute < self.end:
            return _at(moment.date(), self.end, clock)
        return None

    def _is_quiet_day(self, day: date, country: str) -> bool:
        if day.weekday() in self.weekdays or day in self.dates:
            return True
        return self.public_holidays and is_holiday(day, country, self.region)


def is_holiday(day: date, country: str, region: str | None) -> bool:
    """Whether it is a public holiday; False where none are known of the country."""
    # Imported here: its tables would slow the start of every Lambda that reads a branch.
    import holidays

    try:
        return day in holidays.country_holidays(country, subdiv=region, years=day.year)
    except NotImplementedError:
        return False


def check_routing(routing: CallRouting, path: str) -> None:
    """Raises Invalid about `path` for numbers that cannot be called and times that make no sense."""
    if routing.agent and not SIP.fullmatch(routing.agent):
        _check_number(routing.agent, f"{path}.agent")
    for position, number in enumerate(routing.staff_numbers):
        _check_number(number, f"{path}.staff_numbers[{position}]")
    if len(routing.staff_numbers) > MOST_STAFF_NUMBERS:
        raise invalid(f"{path}.staff_numbers", "too_many", f"At most {MOST_STAFF_NUMBERS} ring at once.")
    if not 5 <= routing.ring_seconds <= 120:
        raise invalid(f"{path}.ring_seconds", "out_of_range", "Ring for 5 to 120 seconds.")
    if routing.transfer_to:
        _check_number(routing.transfer_to, f"{path}.transfer_to")
    if routing.text_from and not SERVICE.fullmatch(routing.text_from):
        _check_number(routing.text_from, f"{path}.text_from")
    for position, address in enumerate(routing.alert_emails):
        clean_email(address, f"{path}.alert_emails[{position}]")


def check_quiet_hours(quiet: QuietHours, country: str, path: str) -> None:
    """Raises Invalid about `path` for minutes, days or a region that do not exist."""
    if not (0 <= quiet.start <= 1440 and 0 <= quiet.end <= 1440):
        raise invalid(path, "out_of_range", "Minutes of a day go from 0 to 1440.")
    if any(not 0 <= day <= 6 for day in quiet.weekdays):
        raise invalid(f"{path}.weekdays", "out_of_range", "Weekdays go from 0 (Monday) to 6.")
    if len(set(quiet.weekdays)) == 7 or (quiet.start == 0 and quiet.end == 1440):
        raise invalid(path, "always_quiet", "There has to be a time at which people may be called.")
    if quiet.region:
        import holidays

        if quiet.region not in holidays.list_supported_countries().get(country, []):
            raise invalid(f"{path}.region", "unknown_region", f"{quiet.region!r} is not a region of {country}.")


def _check_number(number: str, path: str) -> None:
    if e164(number, None, path) != number:
        raise invalid(path, "not_e164", "Write the number as E.164, such as +493055501000.")


def _at(day: date, minute: int, clock: ZoneInfo) -> datetime:
    # By way of UTC: a minute that the clock skips becomes the one it jumps to.
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    return wall.replace(tzinfo=clock).astimezone(UTC).astimezone(clock)
