"""The kinds of vector whose input is windows: what the engine answers, in the vectors' own terms."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from benchmarks.peers.limits import days_ahead, window_end
from benchmarks.peers.starts import TeamSpec, rounded
from benchmarks.peers.windows import clipped, merged, of_team, without_contained
from chalicelib.booking.engine.clocks import DAY, day_of, offset_at, weekday
from chalicelib.booking.engine.hours import Hours, Travel, by_day
from chalicelib.booking.engine.windows import Window, common, continuous, overlaps, without

Json = dict[str, Any]
MINUTE_MS = 60_000
LAST_MINUTE = 23 * 60 + 59
RECORDED_AT_OFFSET_MIN = 11 * 60
"""`rolling_window_end` gives its start as an instant; the offset it was recorded at, UTC+11 throughout the peer's
tests of that function, is not in the vector."""


def slots_from_windows(given: Json) -> Json:
    """Windows to starts, as cal.com's getSlots."""
    zone = given["viewer_tz"]
    soonest = ms(given["now"]) + given["min_notice_min"] * MINUTE_MS
    spec = TeamSpec(
        duration=max(given["duration_min"], 1),
        step=max(given["slot_interval_min"], 1),
        offset=given.get("offset_start_min") or 0,
        optimized=bool(given.get("optimized_slots")),
    )
    windows = [(max(start, soonest) // MINUTE_MS, until(end)) for start, end in read_windows(given["windows"])]
    return {"slots": [text(start * MINUTE_MS) for start in rounded(windows, spec, zone)]}


def working_windows(given: Json) -> Json:
    """Weekly hours and overrides to windows; weekly ones within `from` and `to`, overrides whole."""
    hours = read_hours(given["tz"], given.get("weekly") or [], given["overrides"], given.get("travel") or [], late=True)
    special = [day for day, _ in hours.overrides]
    weekly: list[Window] = []
    if given.get("from"):
        first, last = ms(given["from"]), ms(given["to"])
        days = [day_of(given["tz"], moment // MINUTE_MS) for moment in (first, last)]
        weekly = _in_ms(hours, [day for day in range(days[0] - 1, days[1] + 1) if day not in special])
        weekly = [_to_midnight(window, given["tz"]) for window in clipped(weekly, first, last)]
        special = [day for day in special if days[0] - 1 <= day <= days[1] + 1]
    return write_windows(continuous([*weekly, *_in_ms(hours, special)]))


def team_windows(given: Json) -> Json:
    """Hosts' windows to the team's."""
    assignment = given.get("assignment")
    is_team = assignment in ("collective", "round_robin") or len(given["hosts"]) > 1
    key = "windows_without_away_days" if is_team else "windows"
    hosts = [(read_windows(host[key]), bool(host.get("fixed")), host.get("group")) for host in given["hosts"]]
    return write_windows(of_team(hosts, assignment != "round_robin"))


def conflict(given: Json) -> Json:
    """Whether a start clashes with what is busy."""
    start = ms(given["start"])
    wanted = (start, start + given["duration_min"] * MINUTE_MS)
    return {"conflict": overlaps(wanted, read_windows(given["busy"]))}


def rolling_window_end(given: Json) -> Json:
    """The end of the day by which enough bookable days have passed."""
    offset = given.get("viewer_utc_offset_min", RECORDED_AT_OFFSET_MIN)
    today = _day(ms(given["start_viewer_local"]), offset)
    bookable = {date.fromisoformat(day).toordinal() for day in given["bookable_dates"]}
    last = window_end(today, given["days_needed"], bool(given["count_non_business_days"]), bookable)
    return {"end": _end_of(last, offset)}


def period_limits(given: Json) -> Json:
    """From and until when may be booked."""
    bounds: Json = {"rolling_end": None, "range_start": None, "range_end": None}
    if given["type"] == "rolling":
        today = _day(ms(given["now"]), given["viewer_utc_offset_min"])
        last = days_ahead(today, given["days"] or 0, bool(given["count_calendar_days"]))
        bounds["rolling_end"] = _end_of(last, given["viewer_utc_offset_min"])
    elif given["type"] == "range":
        offset, ends = given["host_utc_offset_min"], [ms(given["start"]), ms(given["end"])]
        # A date is kept as midnight in UTC; older ones as midnight of some browser, read by the host's clock.
        dates = all(end % (DAY * MINUTE_MS) == 0 for end in ends)
        first, last = (_day(end, 0 if dates else offset) for end in ends)
        bounds |= {"range_start": text(_start_of(first, offset)), "range_end": _end_of(last, offset)}
    return bounds


KINDS: dict[str, Callable[[Json], Json]] = {
    "slots_from_windows": slots_from_windows,
    "working_windows": working_windows,
    "team_windows": team_windows,
    "conflict": conflict,
    "rolling_window_end": rolling_window_end,
    "period_limits": period_limits,
    "subtract": lambda given: write_windows(without(read_windows(given["windows"]), read_windows(given["busy"]))),
    "intersect": lambda given: write_windows(common([read_windows(each) for each in given["window_sets"]])),
    "merge_windows": lambda given: write_windows(merged(read_windows(given["windows"]))),
    "drop_contained_windows": lambda given: write_windows(without_contained(read_windows(given["windows"]))),
}


def ms(moment: str) -> int:
    """An instant in milliseconds since 1970."""
    read = datetime.fromisoformat(moment)
    return round((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000)


def text(moment_ms: int) -> str:
    """As the vectors write an instant."""
    moment = datetime.fromtimestamp(moment_ms // 1000, UTC) + timedelta(milliseconds=moment_ms % 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def until(moment_ms: int) -> int:
    """The minute by which something must have ended; the last second of a minute counts as its end."""
    return (moment_ms + 1000) // MINUTE_MS


def read_windows(windows: Iterable[Json]) -> list[Window]:
    """Windows in milliseconds."""
    return [(ms(window["start"]), ms(window["end"])) for window in windows]


def write_windows(windows: Iterable[Window]) -> Json:
    """Windows as the vectors write them."""
    return {"windows": [{"start": text(start), "end": text(end)} for start, end in windows]}


def read_hours(
    zone: str,
    weekly: Iterable[Json],
    overrides: Iterable[Json],
    travel: Iterable[Json] = (),
    *,
    late: bool,
) -> Hours:
    """Hours as the vectors give them: days from Sunday. `late`: 23:59 stands for the end of the day (cal.com)."""
    by_weekday: list[list[Window]] = [[] for _ in range(7)]
    for rule in weekly:
        for day in rule["days"]:
            by_weekday[(day + 6) % 7].append(_window(rule, late))
    special: dict[int, list[Window]] = {}
    for rule in overrides:
        window = _window(rule, late)
        windows = special.setdefault(date.fromisoformat(rule["date"][:10]).toordinal(), [])
        windows.extend([window] if window[0] < window[1] else [])
    return Hours(
        zone=zone,
        weekly=tuple(tuple(windows) for windows in by_weekday),
        overrides=tuple((day, tuple(windows)) for day, windows in sorted(special.items())),
        travel=tuple(_trip(trip, zone) for trip in travel),
    )


def working_days(hours: Hours) -> set[int]:
    """The weekdays with any hours."""
    return {number for number, windows in enumerate(hours.weekly) if windows}


def days_between(first: str, last: str) -> range:
    """The dates from one instant or date to another, as they are written."""
    return range(date.fromisoformat(first[:10]).toordinal(), date.fromisoformat(last[:10]).toordinal() + 1)


def is_working(hours: Hours, day: int) -> bool:
    """Whether their weekly hours know that day of the week."""
    return weekday(day) in working_days(hours)


def _window(rule: Json, late: bool) -> Window:
    start, end = (int(clock[:2]) * 60 + int(clock[3:5]) for clock in (rule["start"], rule["end"]))
    return start, DAY if late and end == LAST_MINUTE else end


def _trip(trip: Json, zone: str) -> Travel:
    last = trip.get("to")
    return Travel(_local_day(trip["from"], zone), None if last is None else _local_day(last, zone), trip["tz"])


def _local_day(moment: str, zone: str) -> int:
    if len(moment) == 10:
        return date.fromisoformat(moment).toordinal()
    return day_of(zone, ms(moment) // MINUTE_MS)


def _in_ms(hours: Hours, days: Iterable[int]) -> list[Window]:
    return [
        (start * MINUTE_MS, end * MINUTE_MS)
        for day in days
        for _, windows in by_day(hours, day, day)
        for start, end in windows
    ]


def _to_midnight(window: Window, zone: str) -> Window:
    # What ends at 23:59 (and some seconds) of the local clock lasts until the day is over, and as many seconds longer.
    minute = window[1] // MINUTE_MS
    shown = (minute + offset_at(zone, minute)) % DAY
    return (window[0], window[1] + MINUTE_MS) if shown == LAST_MINUTE else window


def _day(moment_ms: int, offset_min: int) -> int:
    return (moment_ms // MINUTE_MS + offset_min) // DAY + date(1970, 1, 1).toordinal()


def _start_of(day: int, offset_min: int) -> int:
    return ((day - date(1970, 1, 1).toordinal()) * DAY - offset_min) * MINUTE_MS


def _end_of(day: int, offset_min: int) -> str:
    return text(_start_of(day + 1, offset_min) - 1)
