"""What the voice agent says: short sentences in the branch's language, times as people say them on its clock."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.practice.models import Branch
from chalicelib.calls.language import Language, Phrases, language
from chalicelib.core.money import written


class Voice(msgspec.Struct, frozen=True):
    """A language on a clock, at a moment: who speaks knows what today is."""

    language: Language
    zone: ZoneInfo
    now: datetime

    @property
    def phrases(self) -> Phrases:
        """The sentences."""
        return self.language.phrases

    def on_clock(self, zone: ZoneInfo) -> "Voice":
        """The same voice on another branch's clock."""
        return Voice(self.language, zone, self.now)

    def day(self, instant: datetime) -> str:
        """`Tuesday, December 1`; `today, …` and `tomorrow, …` for those; with the year when it is not this one."""
        near = self._near(instant)
        calendar = self.language.calendar
        date = self.date(instant)
        return calendar.near_date.format(near=near, date=date) if near else date

    def clock(self, instant: datetime) -> str:
        """`9:30 AM`, `9:30 Uhr`."""
        local, calendar = instant.astimezone(self.zone), self.language.calendar
        hour, half = local.hour, ""
        if calendar.halves:
            half = calendar.halves[local.hour // 12]
            hour = local.hour % 12 or 12
        said = calendar.hour if local.minute else calendar.full_hour
        return said.format(hour=hour, minute=f"{local.minute:02}", half=half)

    def moment(self, instant: datetime) -> str:
        """`Tuesday, December 1 at 9:30 AM`."""
        return self.language.calendar.moment.format(date=self.day(instant), clock=self.clock(instant))

    def on_moment(self, instant: datetime) -> str:
        """`on Tuesday, December 1 at 9:30 AM`, within a sentence."""
        if self._near(instant):
            return self.moment(instant)
        return self.language.calendar.on_moment.format(date=self.date(instant), clock=self.clock(instant))

    def either(self, parts: Sequence[str]) -> str:
        """`a`, `a or b`, `a, b or c`."""
        return _joined(parts, self.language.calendar.either)

    def both(self, parts: Sequence[str]) -> str:
        """`a`, `a and b`, `a, b and c`."""
        return _joined(parts, self.language.calendar.both)

    def counted(self, forms: dict[str, str], count: int, **values: str) -> str:
        """The plural form for a count, filled in."""
        return forms[self.language.plural(count)].format(count=count, **values)

    def free(self, service: str, starts: Sequence[datetime]) -> str:
        """What is free, the first few, by day."""
        if not starts:
            return self.phrases.nothing_free.format(service=service)
        by_day: dict[str, list[str]] = {}
        for at in starts:
            by_day.setdefault(self.day(at), []).append(self.clock(at))
        said = self.phrases.free_day
        days = [said.format(date=date, times=self.either(times)) for date, times in by_day.items()]
        return self.phrases.free.format(service=service, days="; ".join(days))

    def taken(self, alternatives: Sequence[datetime]) -> str:
        """The wished time is gone; what about these?"""
        if not alternatives:
            return self.phrases.taken_alone
        return self.phrases.taken.format(moments=self.either([self.moment(at) for at in alternatives]))

    def appointment(self, service: str, staff: str | None, starts_at: datetime) -> str:
        """`Massage with Ada Keller on Tuesday, December 1 at 9:30 AM`."""
        who = staff or self.phrases.our_team
        return self.phrases.appointment.format(service=service, staff=who, moment=self.on_moment(starts_at))

    def money(self, amount: int, currency: str) -> str:
        """`20.50 EUR`, of minor units."""
        return written(amount, currency, self.language.calendar.decimal)

    def date(self, instant: datetime) -> str:
        """`Tuesday, December 1`, also of today."""
        local, calendar = instant.astimezone(self.zone), self.language.calendar
        this_year = local.year == self.now.astimezone(self.zone).year
        return (calendar.date if this_year else calendar.date_of_year).format(
            weekday=calendar.weekdays[local.weekday()],
            day=calendar.first_day if local.day == 1 else local.day,
            month=calendar.months[local.month - 1],
            year=local.year,
        )

    def _near(self, instant: datetime) -> str | None:
        today = self.now.astimezone(self.zone).date()
        ahead = (instant.astimezone(self.zone).date() - today) // timedelta(days=1)
        return self.language.calendar.near[ahead] if ahead in (0, 1) else None


def voice_of(branch: Branch, now: datetime) -> Voice:
    """How the branch speaks."""
    return Voice(language(branch.language), branch.clock(), now)


def _joined(parts: Sequence[str], last_two: str) -> str:
    if len(parts) == 1:
        return parts[0]
    return last_two.format(most=", ".join(parts[:-1]), last=parts[-1])
