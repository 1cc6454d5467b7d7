"""How a series recurs, and the instants of its occurrences: the local clock's time is kept, whatever the clocks do."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.practice.hours import local_instant
from chalicelib.booking.series import rrule
from chalicelib.booking.series.rrule import Rule
from chalicelib.core.errors import invalid

MOST = 100
LONGEST = timedelta(days=730)
Frequency = Literal["daily", "weekly", "every_two_weeks", "monthly", "custom"]
_PLAIN: dict[Frequency, Rule] = {
    "daily": Rule(freq="DAILY"),
    "weekly": Rule(freq="WEEKLY"),
    "every_two_weeks": Rule(freq="WEEKLY", interval=2),
    "monthly": Rule(freq="MONTHLY"),
}
_UNTIL = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z)?)?")


class Recurrence(msgspec.Struct, frozen=True, kw_only=True):
    """`rrule` (RFC 5545) with `custom` alone. It ends by `count` or by `until`, a local date that is still in it.

    `excluded`: local dates that are left out; they count towards `count`. A month without the day is skipped, as the
    RFC has it: what is on the 31st takes place in seven months. `FREQ=MONTHLY;BYMONTHDAY=-1` is the last day of each.
    """

    frequency: Frequency
    rrule: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=MOST)] | None = None
    until: date | None = None
    excluded: Annotated[tuple[date, ...], msgspec.Meta(max_length=MOST)] = ()

    def instants(self, first: datetime, zone: ZoneInfo, path: str = "body") -> list[datetime]:
        """When its occurrences start, in UTC, in order; the first is `first` itself, unless its date is excluded.

        A time that the clocks skip is the moment of the jump; of a time that comes twice, the first is meant. Raises
        Invalid about `starts_at` or a field of `recurrence` below `path`.
        """
        local = first.astimezone(zone)
        days = self._days(local.replace(tzinfo=None), zone, path)
        minute = local.hour * 60 + local.minute
        found = [first.astimezone(UTC) if day == local.date() else local_instant(day, minute, zone) for day in days]
        if not found:
            raise invalid(f"{path}.recurrence.excluded", "no_occurrence", "Every date of this series is excluded.")
        return found

    def _days(self, first: datetime, zone: ZoneInfo, path: str) -> list[date]:
        where = f"{path}.recurrence"
        rule = self._rule(f"{where}.rrule")
        count, until, bound = self._bound(rule, first, zone, where)
        end = first.date() + LONGEST
        days = list(islice(rule.dates(first.date(), min(until or end, end)), (count or MOST) + 1))
        if not days or days[0] != first.date():
            then = f"The first date by this rule would be {days[0]}." if days else "It names no date in two years."
            raise invalid(f"{path}.starts_at", "not_in_rule", f"The series does not begin on its own rule. {then}")
        if count and len(days) < count:
            raise invalid(bound, "too_far_ahead", "A series ends within two years.")
        days = days[:count]
        if len(days) > MOST:
            raise invalid(bound, "too_many", f"A series has at most {MOST} occurrences.")
        return [day for day in days if day not in self.excluded]

    def _rule(self, path: str) -> Rule:
        if self.frequency != "custom":
            if self.rrule is not None:
                raise invalid(path, "not_custom", "Give `rrule` with the frequency `custom` alone.")
            return _PLAIN[self.frequency]
        if self.rrule is None:
            raise invalid(path, "required", "Say how it recurs, such as FREQ=WEEKLY;BYDAY=TU,TH.")
        return rrule.parse(self.rrule, path)

    def _bound(self, rule: Rule, first: datetime, zone: ZoneInfo, path: str) -> tuple[int | None, date | None, str]:
        """How many, or until when; and the field that says so."""
        given = {"until": self.until, "count": self.count, "rrule": rule.count or rule.until}
        fields = [field for field, value in given.items() if value is not None]
        if len(fields) > 1 or (rule.count and rule.until):
            sentence = "A series ends by `count` or by `until`: give one, once."
            raise invalid(f"{path}.{fields[0]}", "two_bounds", sentence)
        if not fields:
            raise invalid(f"{path}.count", "required", "Say when it ends, by `count` or by `until`.")
        bound = f"{path}.{fields[0]}"
        if rule.count and rule.count > MOST:
            raise invalid(bound, "too_many", f"A series has at most {MOST} occurrences.")
        until = self.until or (_until(rule.until, first, zone, bound) if rule.until else None)
        if until and until < first.date():
            raise invalid(bound, "no_occurrence", "The series ends before it begins.")
        if until and until > first.date() + LONGEST:
            raise invalid(bound, "too_far_ahead", "A series ends within two years.")
        return self.count or rule.count, until, bound


def _until(text: str, first: datetime, zone: ZoneInfo, path: str) -> date:
    """The last local date that an UNTIL still lets in, for what takes place at the time of day of `first`."""
    match = _UNTIL.fullmatch(text)
    try:
        numbers = [int(part) for part in match.groups()[:6] if part is not None] if match else []
        at = datetime(*numbers[:6])  # type: ignore[arg-type]
        if len(numbers) == 3:
            return at.date()
        if match and match[7]:
            at = at.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
        return at.date() if first.time() <= at.time() else at.date() - timedelta(days=1)
    except (TypeError, ValueError, OverflowError):
        raise invalid(path, "bad_rule", "UNTIL is a date, 20271231, or a time, 20271231T225959Z.") from None
