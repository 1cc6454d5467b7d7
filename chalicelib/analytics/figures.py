"""The figures that dashboards show, as they are answered; each follows from the counters of its periods."""

from collections.abc import Sequence
from datetime import date

import msgspec

from chalicelib.analytics.counters import Counters
from chalicelib.analytics.periods import Period, total

ONLINE = ("web", "mobile", "api")
"""The sources whose bookings follow a search; by phone and at providers others do the searching."""
HOURS, WEEKDAYS = 24, 7


class Dates(msgspec.Struct, frozen=True, kw_only=True):
    """From one local date to another, both included."""

    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")


class ConversionPeriod(Dates, frozen=True, kw_only=True):
    """`bookings`: those made in these days on the web, by app or API; `rate`: of searches that led to one."""

    searches: int
    bookings: int
    rate: float | None


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """From searches of free times to bookings."""

    total: ConversionPeriod
    periods: list[ConversionPeriod]


class LeadTimePeriod(Dates, frozen=True, kw_only=True):
    """How long before its time what was booked in these days was booked."""

    bookings: int
    average_hours: float | None


class LeadTime(msgspec.Struct, frozen=True, kw_only=True):
    """From booking to start, by the time that appointments have now."""

    total: LeadTimePeriod
    periods: list[LeadTimePeriod]


class CancellationPeriod(Dates, frozen=True, kw_only=True):
    """Appointments due in these days. `cancellation_rate`: of all; `no_show_rate`: of those that were not called off.

    Days to come count as well: whoever wants only what is over ends the range yesterday.
    """

    due: int
    cancelled: int
    declined: int
    no_shows: int
    completed: int
    cancellation_rate: float | None
    no_show_rate: float | None


class Cancellations(msgspec.Struct, frozen=True, kw_only=True):
    """What did not take place."""

    total: CancellationPeriod
    periods: list[CancellationPeriod]


class UtilisationPeriod(Dates, frozen=True, kw_only=True):
    """Minutes booked of those that staff work. No `rate` where nobody works, or some days were not measured."""

    booked_minutes: int
    available_minutes: int
    unmeasured_days: int
    rate: float | None


class Utilisation(msgspec.Struct, frozen=True, kw_only=True):
    """How full the calendars are."""

    total: UtilisationPeriod
    periods: list[UtilisationPeriod]


class PopularTimes(Dates, frozen=True, kw_only=True):
    """How many appointments begin in which hour of the branch's clock: `heat[weekday][hour]`, Monday first."""

    appointments: int
    heat: list[list[int]]


class ServiceDemand(msgspec.Struct, frozen=True, kw_only=True):
    """`appointments`: also those that were called off; `minutes`: of those that were not."""

    service_id: str
    appointments: int
    minutes: int
    share: float


class Demand(Dates, frozen=True, kw_only=True):
    """What is asked for in these days, the most wanted first."""

    appointments: int
    services: list[ServiceDemand]


class SourceShare(msgspec.Struct, frozen=True, kw_only=True):
    """Bookings that came by one way."""

    source: str
    bookings: int
    share: float


class Sources(Dates, frozen=True, kw_only=True):
    """By which way the bookings of these days came, the most first."""

    bookings: int
    sources: list[SourceShare]


class Recent(Sources, frozen=True, kw_only=True):
    """The last thirty days, today included. An active day is one with a booking."""

    average_lead_hours: float | None
    active_days: int
    average_per_active_day: float | None


def conversion(periods: Sequence[Period]) -> Conversion:
    """From searches to bookings."""

    def of(over: Sequence[Period]) -> ConversionPeriod:
        counters, first, last = _summed(over)
        searches = sum(period.searches for period in over)
        bookings = sum(counters.get(f"source:{source}", 0) for source in ONLINE)
        rate = _rate(bookings, searches)
        return ConversionPeriod(first=first, last=last, searches=searches, bookings=bookings, rate=rate)

    return Conversion(total=of(periods), periods=[of([period]) for period in periods])


def lead_time(periods: Sequence[Period]) -> LeadTime:
    """From booking to start."""

    def of(over: Sequence[Period]) -> LeadTimePeriod:
        counters, first, last = _summed(over)
        return LeadTimePeriod(
            first=first, last=last, bookings=counters.get("booked", 0), average_hours=_hours(counters)
        )

    return LeadTime(total=of(periods), periods=[of([period]) for period in periods])


def cancellations(periods: Sequence[Period]) -> Cancellations:
    """What was cancelled, declined and missed."""

    def of(over: Sequence[Period]) -> CancellationPeriod:
        counters, first, last = _summed(over)
        due, cancelled, declined = (counters.get(name, 0) for name in ("due", "cancelled", "declined"))
        missed = counters.get("no_show", 0)
        return CancellationPeriod(
            first=first, last=last, due=due, cancelled=cancelled, declined=declined, no_shows=missed,
            completed=counters.get("completed", 0), cancellation_rate=_rate(cancelled, due),
            no_show_rate=_rate(missed, due - cancelled - declined),
        )  # fmt: skip

    return Cancellations(total=of(periods), periods=[of([period]) for period in periods])


def utilisation(periods: Sequence[Period]) -> Utilisation:
    """Booked against available minutes."""

    def of(over: Sequence[Period]) -> UtilisationPeriod:
        counters, first, last = _summed(over)
        booked, available = counters.get("minutes", 0), sum(period.available for period in over)
        unmeasured = sum(period.unmeasured for period in over)
        return UtilisationPeriod(
            first=first, last=last, booked_minutes=booked, available_minutes=available, unmeasured_days=unmeasured,
            rate=None if unmeasured else _rate(booked, available),
        )  # fmt: skip

    return Utilisation(total=of(periods), periods=[of([period]) for period in periods])


def popular_times(periods: Sequence[Period]) -> PopularTimes:
    """Weekday by hour."""
    counters, first, last = _summed(periods)
    heat = [[counters.get(f"hour:{day}:{hour}", 0) for hour in range(HOURS)] for day in range(WEEKDAYS)]
    return PopularTimes(first=first, last=last, appointments=sum(map(sum, heat)), heat=heat)


def demand(periods: Sequence[Period]) -> Demand:
    """By service."""
    counters, first, last = _summed(periods)
    found = _ranked(counters, "service:")
    due = sum(number for _, number in found)
    services = [
        ServiceDemand(
            service_id=name, appointments=n, minutes=counters.get(f"served:{name}", 0), share=_rate(n, due) or 0.0
        )
        for name, n in found
    ]
    return Demand(first=first, last=last, appointments=due, services=services)


def sources(periods: Sequence[Period]) -> Sources:
    """By source."""
    counters, first, last = _summed(periods)
    return Sources(first=first, last=last, bookings=counters.get("booked", 0), sources=_shares(counters))


def recent(periods: Sequence[Period]) -> Recent:
    """Of periods that are days."""
    counters, first, last = _summed(periods)
    booked = counters.get("booked", 0)
    active = sum(period.counters.get("booked", 0) > 0 for period in periods)
    return Recent(
        first=first, last=last, bookings=booked, sources=_shares(counters), average_lead_hours=_hours(counters),
        active_days=active, average_per_active_day=round(booked / active, 2) if active else None,
    )  # fmt: skip


def _summed(periods: Sequence[Period]) -> tuple[Counters, date, date]:
    return total(period.counters for period in periods), periods[0].range.first, periods[-1].range.last


def _shares(counters: Counters) -> list[SourceShare]:
    found = _ranked(counters, "source:")
    bookings = sum(number for _, number in found)
    return [SourceShare(source=name, bookings=n, share=_rate(n, bookings) or 0.0) for name, n in found]


def _ranked(counters: Counters, prefix: str) -> list[tuple[str, int]]:
    found = [(name.removeprefix(prefix), n) for name, n in counters.items() if name.startswith(prefix) and n]
    return sorted(found, key=lambda each: (-each[1], each[0]))


def _hours(counters: Counters) -> float | None:
    booked = counters.get("booked", 0)
    return round(counters.get("lead", 0) / booked / 60, 2) if booked else None


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole > 0 else None
