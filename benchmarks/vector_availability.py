"""Vectors of the kind "availability": the whole search, asked in the vectors' terms."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime

from dateutil.relativedelta import relativedelta
from msgspec.structs import replace

from benchmarks.peers.limits import Period, Unit, full
from benchmarks.peers.query import Rules, TeamHost, TeamQuery
from benchmarks.peers.routing import PATIENCE, choose, search_routed
from benchmarks.peers.search import Found
from benchmarks.peers.seats import Taken, attendance, blocked_windows, seated, with_a_seat
from benchmarks.peers.starts import TeamSpec
from benchmarks.vector_kinds import (
    MINUTE_MS,
    Json,
    days_between,
    is_working,
    ms,
    read_hours,
    text,
    until,
)
from chalicelib.booking.engine import bits
from chalicelib.booking.engine.clocks import DAY, day_of, day_start
from chalicelib.booking.engine.hours import Hours, opened
from chalicelib.booking.engine.query import Frame, frame_of
from chalicelib.booking.engine.starts import Alignment
from chalicelib.booking.engine.windows import Window, without

ALIGNMENTS: dict[str, Alignment] = {
    "range_start_rounded_up": "rounded",
    "free_range_start": "gap",
    "fixed_grid_from_window_start": "opening",
}
LIMIT_ZONE = "limit_tz"
"""Where the zone stands in which limits are counted, when it is not that of the hosts."""
UNITS: dict[str, Unit] = {"PER_DAY": "day", "PER_WEEK": "week", "PER_MONTH": "month", "PER_YEAR": "year"}


def availability(given: Json) -> Json:
    """The starts that can be booked, those shown as away, and how many attend already."""
    asked = _asked_ranges(given)
    found = [_search(given, first, last) for first, last in asked]
    starts = sorted({start for each in found for start in each.starts})
    away = sorted({start for each in found for start in each.away})
    zone = given["viewer_tz"]
    counts = Counter(date.fromordinal(day_of(zone, start)).isoformat() for start in starts)
    answer: Json = {"slots": [text(start * MINUTE_MS) for start in starts], "by_viewer_date": dict(counts)}
    if away:
        answer["away_slots"] = [text(start * MINUTE_MS) for start in away]
    attending = attendance([*starts, *away], _attending(given))
    if attending:
        answer["attendees"] = {text(start * MINUTE_MS): people for start, people in attending.items()}
    return answer


def _asked_ranges(given: Json) -> list[Window]:
    if dates := given.get("dates_only"):
        zone = given["hosts"][0]["tz"]
        days = [date.fromisoformat(day).toordinal() for day in dates]
        return [(day_start(zone, day), day_start(zone, day + 1)) for day in days]
    return [(ms(given["range"]["from"]) // MINUTE_MS, until(ms(given["range"]["to"])))]


def _search(given: Json, first: int, last: int) -> Found:
    service, routing = given["service"], given.get("routing") or {}
    spec = _ask(given)
    now = ms(given["now"])
    rules = _rules(given)
    whole_days = given.get("service_day_of_start_only")
    query = TeamQuery(
        now=now,
        first=_window_start(given, first),
        last=last + DAY if whole_days else last,
        viewer=given["viewer_tz"],
        spec=spec,
        hosts=(),
        assignment=service["assignment"],
        notice=service["min_notice_min"],
        rules=rules,
        days=(day_of(given["viewer_tz"], first), day_of(given["viewer_tz"], last - 1))
        if spec.alignment == "rounded"
        else None,
    )
    frame = frame_of(min(query.first, now // MINUTE_MS), max(query.last, now // MINUTE_MS + PATIENCE))
    if not routing:
        frame = frame_of(query.first, query.last)
    hosts = [_host(given, host, spec, frame, (first, last)) for host in given["hosts"]]
    before = routing.get("same_host_on_reschedule")
    if before is True:
        before = next((b["host"] for b in given["bookings"] if b.get("being_rescheduled")), None)
    turns = [host for host in hosts if not host.fixed]
    hosts = [*turns, *(host for host in hosts if host.fixed)]
    query = replace(query, hosts=tuple(_limited(given, hosts, frame)))
    turns = [host for host in query.hosts if not host.fixed]
    routed = [str(host) for host in routing.get("routed_hosts") or []]
    choice = choose(turns, _name(routing.get("preferred_host")), routed, _name(before))
    if rules.period and rules.period.kind == "range":
        query = replace(query, rules=replace(rules, period=_range(given, query.zone)))
    found = search_routed(query, choice, frame)
    if spec.alignment == "gap" and (service.get("seats") or 1) > 1:
        taken = _taken(given, given["hosts"][0]["id"])
        return Found(with_a_seat(found.starts, taken, spec.duration, service["seats"]))
    return found


def _name(host: int | str | None) -> str | None:
    return None if host is None else str(host)


def _window_start(given: Json, first: int) -> int:
    # Bookable days are counted from now on, not from the month that is looked at.
    if (given["service"].get("period") or {}).get("type") != "rolling_window":
        return first
    back = datetime.fromisoformat(given["range"]["from"]) - relativedelta(months=1)
    return max(ms(given["now"]) // MINUTE_MS, min(first, ms(back.isoformat()) // MINUTE_MS))


def _ask(given: Json) -> TeamSpec:
    service = given["service"]
    return TeamSpec(
        duration=max(service["duration_min"], 1),
        step=max(service["slot_interval_min"], 1),
        before=service["buffer_before_min"],
        after=service["buffer_after_min"],
        alignment=ALIGNMENTS[given["alignment"]],
        offset=service.get("offset_start_min") or 0,
        optimized=bool(service.get("optimized_slots")),
    )


def _rules(given: Json) -> Rules:
    service, viewer = given["service"], given["viewer_tz"]
    restriction = service.get("restriction")
    period = service.get("period")
    return Rules(
        strictly=given["alignment"] != "range_start_rounded_up",
        period=Period(
            kind=period["type"],
            days=period.get("days") or 0,
            calendar_days=bool(period.get("count_calendar_days", True)),
        )
        if period
        else None,
        restriction=read_hours(
            viewer if restriction["tz"] == "viewer" else restriction["tz"],
            restriction["weekly"],
            restriction.get("overrides") or [],
            late=True,
        )
        if restriction
        else None,
        held=tuple((hold.start, hold.end) for hold in _holds(given) if not hold.same_service),
        opening_pause=service.get("day_start_buffer_min") or 0,
        advance=service.get("advance_limit_days"),
        first_of_day=bool(service.get("only_first_slot_per_day")),
    )


def _range(given: Json, zone: str) -> Period:
    period = given["service"]["period"]
    days = [
        date.fromisoformat(end).toordinal() if len(end) == 10 else day_of(zone, ms(end) // MINUTE_MS)
        for end in (period["start"], period["end"])
    ]
    return Period(kind="range", first=days[0], last=days[1])


def _host(given: Json, host: Json, spec: TeamSpec, frame: Frame, asked: Window) -> TeamHost:
    seats = given["service"].get("seats")
    hours = _hours(given, host)
    grouped = spec.alignment == "gap" and (seats or 1) > 1
    taken = [] if grouped else _taken(given, host["id"])
    busy, unavailable = blocked_windows(taken, spec, seats)
    busy.extend(_external(given, host, taken, seats))
    if given.get("service_day_of_start_only"):
        windows = opened(hours, frame.first - 1, frame.first + frame.days)
        unavailable.extend(window for window in windows if not asked[0] <= window[0] < asked[1])
    return TeamHost(
        id=str(host["id"]),
        hours=hours,
        busy=bits.mask(busy, frame.origin, frame.size),
        unavailable=tuple(unavailable),
        fixed=bool(host["fixed"]),
        group=host.get("group"),
        away=_away(host, hours),
    )


def _hours(given: Json, host: Json) -> Hours:
    late = given["alignment"] == "range_start_rounded_up"
    zone = host["tz"]
    return read_hours(zone, host["weekly"], host.get("overrides") or [], host.get("travel") or [], late=late)


def _away(host: Json, hours: Hours) -> frozenset[int]:
    away = [day for out in host.get("out_of_office") or [] for day in days_between(out["from"], out["to"])]
    away.extend(date.fromisoformat(day[:10]).toordinal() for day in host.get("holidays") or [])
    # Out of office counts on days on which they work at all, by their weekly hours.
    return frozenset(day for day in away if is_working(hours, day))


def _taken(given: Json, host: int | str) -> list[Taken]:
    """What stands in this host's calendar."""
    return [
        Taken(
            start=ms(booking["start"]) // MINUTE_MS,
            end=-(-ms(booking["end"]) // MINUTE_MS),
            before=booking.get("buffer_before_min") or 0,
            after=booking.get("buffer_after_min") or 0,
            same_service=bool(booking["same_service"]),
            people=booking.get("attendees") or 1,
        )
        for booking in given["bookings"]
        if _stands(booking) and (booking["host"] == host or host in (booking.get("attending_hosts") or []))
    ]


def _stands(booking: Json) -> bool:
    if booking.get("being_rescheduled"):
        return False
    return booking["status"] == "accepted" or (booking["status"] == "pending" and bool(booking.get("pending_blocks")))


def _external(given: Json, host: Json, taken: Sequence[Taken], seats: int | None) -> list[Window]:
    # An event in a connected calendar that mirrors a group with seats left, or the booking being moved, is no obstacle.
    mirrored = [group for group, people in seated(taken).items() if seats and people < seats]
    mirrored.extend(
        (ms(booking["start"]) // MINUTE_MS, -(-ms(booking["end"]) // MINUTE_MS))
        for booking in given["bookings"]
        if booking.get("being_rescheduled")
    )
    events = [
        (ms(event["start"]) // MINUTE_MS, -(-ms(event["end"]) // MINUTE_MS))
        for event in host.get("external_busy") or []
    ]
    return without(events, mirrored)


def _limited(given: Json, hosts: Sequence[TeamHost], frame: Frame) -> list[TeamHost]:
    """The hosts, unavailable in the periods in which a limit is reached."""
    service = given["service"]
    zone = given.get(LIMIT_ZONE) or hosts[0].hours.zone
    names = {host.id for host in hosts}
    counted = [b for b in given["bookings"] if b["status"] == "accepted" and not b.get("being_rescheduled")]
    own = [b for b in counted if b["same_service"] and str(b["host"]) in names]
    team = [b for b in counted if b.get("team") or b["same_service"]]
    days = (frame.first, frame.first + frame.days)

    def unavailable(key: str, bookings: Sequence[Json], adds: int, counts: Callable[[Json], int]) -> list[Window]:
        limits = {UNITS[unit]: most for unit, most in (service.get(key) or {}).items() if most}
        taken = [(day_of(zone, ms(booking["start"]) // MINUTE_MS), counts(booking)) for booking in bookings]
        return full(limits, taken, adds, zone, days)

    everyone = [*unavailable("booking_limits", own, 1, _one), *unavailable("team_booking_limits", team, 1, _one)]
    limited = []
    for host in hosts:
        mine = [booking for booking in own if str(booking["host"]) == host.id]
        minutes = unavailable("duration_limits_min", mine, service["duration_min"], _length)
        limited.append(replace(host, unavailable=(*host.unavailable, *everyone, *minutes)))
    return limited


def _one(booking: Json) -> int:
    return 1


def _length(booking: Json) -> int:
    return (ms(booking["end"]) - ms(booking["start"])) // MINUTE_MS


def _holds(given: Json) -> list[Taken]:
    """Holds of other visitors that have not lapsed; of a seat of this service: `same_service`."""
    return [
        Taken(
            start=ms(hold["start"]) // MINUTE_MS,
            end=-(-ms(hold["end"]) // MINUTE_MS),
            same_service=bool(hold.get("seat")) and bool(hold["same_service"]),
        )
        for hold in given.get("holds") or []
        if hold["by"] == "other" and ms(hold["expires"]) > ms(given["now"])
        if not hold.get("seat") or hold["same_service"]
    ]


def _attending(given: Json) -> list[Taken]:
    """Whoever takes a seat of this service already, in bookings and holds."""
    if not given["service"].get("seats"):
        return []
    bookings = [
        Taken(start=ms(b["start"]) // MINUTE_MS, end=0, same_service=True, people=b.get("attendees") or 1)
        for b in given["bookings"]
        if b["same_service"] and b["status"] == "accepted"
    ]
    return [*bookings, *(hold for hold in _holds(given) if hold.same_service)]
