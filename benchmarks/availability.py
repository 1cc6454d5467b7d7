"""`python -m benchmarks.availability FILE`: time the engine on a workload (schema booking-availability-workload/1).

Each scenario starts from the bytes that a Query returns and ends with the list of slots as text, whose sha256 is
checked against the reference. Two interval sweeps (`benchmarks.sweep`) do the same in the same run: a plain one with
datetimes, and one tuned for speed, on minutes.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import msgspec

from benchmarks import sweep
from benchmarks.peers.query import TeamHost, TeamQuery
from benchmarks.peers.search import search
from benchmarks.peers.starts import TeamSpec
from benchmarks.vector_kinds import MINUTE_MS, ms, read_hours
from chalicelib.booking.calendar.entries import Days, Entry, Kind, blocked_minutes, with_entry
from chalicelib.booking.engine.clocks import DAY, EPOCH_DAY, moment_of
from chalicelib.booking.engine.hours import Hours
from chalicelib.booking.engine.query import Frame, frame_of
from chalicelib.booking.engine.search import search_each

Json = dict[str, Any]
SECONDS = 1.5
"""How long each scenario is repeated; at least FEWEST times."""
FEWEST = 15
IN_TURN = 5


class Member(msgspec.Struct, frozen=True):
    """One of the staff: hours as compiled, and the calendar as stored."""

    id: str
    hours: Hours
    days: Days


class Workload(msgspec.Struct, frozen=True):
    """What is asked, of whom."""

    now: int
    asked: tuple[int, int]
    viewer: str
    spec: TeamSpec
    frame: Frame
    dates: tuple[date, ...]
    staff: Mapping[str, Member]

    def hosts(self, wanted: Iterable[str], *, fixed: bool) -> tuple[TeamHost, ...]:
        """The staff, with what is taken read from the stored bytes."""
        now = datetime.fromtimestamp(self.now / 1000, UTC)
        members = (self.staff[each] for each in wanted)
        return tuple(
            TeamHost(id=m.id, hours=m.hours, busy=blocked_minutes(m.days, self.dates, now), fixed=fixed)
            for m in members
        )

    def query(self, hosts: tuple[TeamHost, ...]) -> TeamQuery:
        """All free starts of these."""
        first, last = self.asked
        return TeamQuery(
            now=self.now,
            first=first,
            last=last,
            viewer=self.viewer,
            spec=self.spec,
            hosts=hosts,
            assignment="single" if hosts[0].fixed else "round_robin",
        )


def main(arguments: list[str]) -> int:
    """Run a workload and print; 1 when an answer is wrong."""
    if len(arguments) != 1:
        print("usage: python -m benchmarks.availability FILE", file=sys.stderr)
        return 2
    given = json.loads(Path(arguments[0]).read_text())
    workload = read(given)
    results = {}
    print(f"{'scenario':10} {'engine':>9} {'plain':>9} {'ratio':>6} {'tuned':>9} {'ratio':>6}   p50, ms")
    for scenario in given["scenarios"]:
        wanted, mode = [str(number) for number in sorted(scenario["staff_ids"])], scenario["mode"]
        ways = [partial(way, workload, wanted, mode) for way in (engine, plain, tuned)]
        correct = all(matches(way(), scenario["reference"]) for way in ways)
        took = timed(*ways)
        results[scenario["id"]] = {"p50_ms": round(took[0], 4), "correct": correct}
        ratios = [each / took[0] for each in took[1:]]
        print(f"{scenario['id']:10} {took[0]:9.3f} {took[1]:9.3f} {ratios[0]:6.1f} {took[2]:9.3f} {ratios[1]:6.1f}")
    everyone = list(workload.staff)
    (decoding,) = timed(lambda: workload.hosts(everyone, fixed=True))
    print(f"decoding   {decoding:9.3f}   the stored form of all {len(everyone)}, part of every scenario above")
    print(json.dumps(results))
    return 0 if all(result["correct"] for result in results.values()) else 1


def read(given: Json) -> Workload:
    """The workload in the house's own terms: its bookings put into calendars one by one, as they would be."""
    service = given["service"]
    spec = TeamSpec(
        duration=service["duration_min"],
        step=service["slot_interval_min"],
        before=service["buffer_before_min"],
        after=service["buffer_after_min"],
    )
    now = ms(given["now"])
    first, last = (ms(given["range"][key]) // MINUTE_MS for key in ("from", "to"))
    frame = frame_of(first, last)
    hours: dict[str, Hours] = {}
    staff = {}
    for each in given["staff"]:
        rules = json.dumps([each["tz"], each["weekly"], each["overrides"]])
        if rules not in hours:
            hours[rules] = read_hours(each["tz"], each["weekly"], each["overrides"], late=False)
        staff[str(each["id"])] = Member(str(each["id"]), hours[rules], _calendar(each["bookings"], spec, now))
    dates = tuple(date.fromordinal(frame.first + number) for number in range(frame.days))
    return Workload(now, (first, last), given["viewer_tz"], spec, frame, dates, staff)


def engine(workload: Workload, wanted: Sequence[str], mode: str) -> list[str]:
    """The slots as the engine finds them."""
    if mode == "each":
        found = search_each(workload.query(workload.hosts(wanted, fixed=True)), workload.frame)
        return [f"{member} {text}" for member, each in found.items() for text in texts(each)]
    hosts = workload.hosts(wanted, fixed=mode != "any")
    return texts(search(workload.query(hosts), workload.frame).starts)


def plain(workload: Workload, wanted: Sequence[str], mode: str) -> list[str]:
    """The slots as a plain sweep finds them, with datetimes."""
    first, last = (moment_of(minute) for minute in workload.asked)
    members = [workload.staff[each] for each in wanted]
    found = {m.id: sweep.plain(m.days, m.hours, (first, last), workload.spec) for m in members}
    if mode == "each":
        return [f"{member} {_text(start)}" for member, starts in found.items() for start in starts]
    return [_text(start) for start in sorted({start for starts in found.values() for start in starts})]


def tuned(workload: Workload, wanted: Sequence[str], mode: str) -> list[str]:
    """The slots as a sweep finds them that is written for speed, on minutes."""
    members = [workload.staff[each] for each in wanted]
    found = {
        m.id: sweep.tuned(m.days, m.hours, (workload.asked, workload.spec), workload.frame, workload.dates)
        for m in members
    }
    if mode == "each":
        return [f"{member} {text}" for member, starts in found.items() for text in texts(starts)]
    return texts(sorted({start for starts in found.values() for start in starts}))


def texts(minutes: Iterable[int]) -> list[str]:
    """Each minute as RFC 3339 in UTC: a date is written once, a time of day once for all days."""
    times = _times()
    return [_date(minute // DAY) + times[minute % DAY] for minute in minutes]


@lru_cache(maxsize=1024)
def _date(day: int) -> str:
    return date.fromordinal(day + EPOCH_DAY).isoformat()


@lru_cache(maxsize=1)
def _times() -> list[str]:
    return [f"T{minute // 60:02}:{minute % 60:02}:00Z" for minute in range(DAY)]


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def matches(slots: Sequence[str], reference: Json) -> bool:
    """Whether these are the reference's slots, in its order: by staff number where each is asked, then by time."""
    digest = sha256("\n".join(slots).encode()).hexdigest()
    return bool(len(slots) == reference["count"] and digest == reference["sha256"])


def timed(*each: Callable[[], object]) -> list[float]:
    """The median time of each in ms, a few calls in turn, so that what else the machine does falls on all alike."""
    times: list[list[float]] = [[] for _ in each]
    until = perf_counter() + SECONDS
    while perf_counter() < until or len(times[0]) < FEWEST:
        for number, work in enumerate(each):
            for _ in range(IN_TURN):
                begun = perf_counter()
                work()
                times[number].append((perf_counter() - begun) * 1000)
    return [median(taken) for taken in times]


def _calendar(bookings: Iterable[Json], spec: TeamSpec, now: int) -> Days:
    days: dict[date, bytes] = {}
    at = datetime.fromtimestamp(now / 1000, UTC)
    for number, booking in enumerate(bookings):
        start, end = (datetime.fromisoformat(booking[key]) for key in ("start", "end"))
        length = (end - start).seconds // 60
        reference = number.to_bytes(12, "big")
        entry = Entry(start, length, spec.before, spec.after, Kind.BOOKING, 1, reference)
        days.update(with_entry(days, entry, at))
    return days


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
