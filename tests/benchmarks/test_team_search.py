"""The search for teams against the definition, minute by minute, and the rules of the peers."""

from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from benchmarks.availability import texts
from benchmarks.peers.limits import Period
from benchmarks.peers.query import Assignment, Rules, TeamHost, TeamQuery
from benchmarks.peers.search import search
from benchmarks.peers.starts import TeamSpec
from chalicelib.booking.engine import bits
from chalicelib.booking.engine.clocks import DAY, day_of, day_start, offset_at
from chalicelib.booking.engine.hours import Hours
from chalicelib.booking.engine.query import frame_of
from chalicelib.booking.engine.search import search_each
from chalicelib.booking.engine.starts import ROUND
from chalicelib.booking.engine.windows import Window
from tests.booking.engine.brute import fits, open_minutes, taken_minutes
from tests.booking.engine.drawn import PLACES, bookings, hours, slot_specs
from tests.sizes import examples

property_test = settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])
NINE_TO_FIVE = Hours(zone="UTC", weekly=(((540, 1020),),) * 7)
MONDAY = date(2026, 6, 1).toordinal()
MIDNIGHT = day_start("UTC", MONDAY)


def team_spec(data: st.DataObject) -> TeamSpec:
    return TeamSpec(**asdict(data.draw(slot_specs())), optimized=data.draw(st.booleans()))


def spec_of(data: st.DataObject, place: tuple[str, date]) -> tuple[TeamQuery, dict[str, list[Window]]]:
    """A query about two days of a place, with one to three hosts; long before `now` matters."""
    zone, day = place[0], place[1].toordinal()
    first, last = day_start(zone, day), day_start(zone, day + 2)
    frame = frame_of(first, last)
    hosts, taken = [], {}
    for number in range(data.draw(st.integers(1, 3))):
        name = str(number)
        taken[name] = data.draw(bookings(zone, day))
        busy = bits.mask(taken[name], frame.origin, frame.size)
        fixed = data.draw(st.booleans())
        group = data.draw(st.sampled_from([None, "g"]))
        hosts.append(TeamHost(id=name, hours=data.draw(hours(zone, day)), busy=busy, fixed=fixed, group=group))
    assignment: Assignment = data.draw(st.sampled_from(["single", "collective", "round_robin"]))
    query = TeamQuery(
        now=0, first=first, last=last, viewer=zone, spec=team_spec(data), hosts=tuple(hosts), assignment=assignment
    )
    return query, taken


def free_for_team(query: TeamQuery, start: int, taken: dict[str, list[Window]]) -> bool:
    """Whether everyone who must be there is free, and of each group of the others one."""
    day = day_of(query.viewer, query.first)
    free = {}
    for host in query.hosts:
        opened = open_minutes(host.hours, day - 3, day + 4)
        free[host.id] = fits(start, query.spec, opened, taken_minutes(taken[host.id]))
    if query.assignment != "round_robin":
        return all(free.values())
    groups = {host.group for host in query.hosts if not host.fixed}
    return all(free[host.id] for host in query.hosts if host.fixed) and all(
        any(free[host.id] for host in query.hosts if not host.fixed and host.group == group) for group in groups
    )


@property_test
@given(st.data(), st.sampled_from(PLACES))
def test_what_is_offered_is_free(data: st.DataObject, place: tuple[str, date]) -> None:
    query, taken = spec_of(data, place)
    frame = frame_of(query.first, query.last)
    found = search(query, frame).starts
    assert found == sorted(set(found))
    for start in found:
        assert free_for_team(query, start, taken)
        assert query.first <= start <= query.last - query.spec.duration


@property_test
@given(st.data(), st.sampled_from(PLACES))
def test_nothing_on_the_clock_s_own_grid_is_left_out(data: st.DataObject, place: tuple[str, date]) -> None:
    query, taken = spec_of(data, place)
    spec = TeamSpec(
        duration=query.spec.duration,
        step=data.draw(st.sampled_from(ROUND)),
        before=query.spec.before,
        after=query.spec.after,
    )
    query = TeamQuery(
        now=0,
        first=query.first,
        last=query.last,
        viewer=data.draw(st.sampled_from(["Asia/Kolkata", "Asia/Kathmandu", "UTC"])),
        spec=spec,
        hosts=query.hosts,
        assignment=query.assignment,
    )
    zone = query.viewer
    on_grid = [
        start
        for start in range(query.first, query.last - spec.duration + 1)
        if (start + offset_at(zone, start)) % spec.step == 0
    ]
    expected = [start for start in on_grid if free_for_team(query, start, taken)]
    assert search(query, frame_of(query.first, query.last)).starts == expected


@property_test
@given(st.data(), st.sampled_from(PLACES))
def test_the_engine_finds_each_alone_as_a_team_of_one(data: st.DataObject, place: tuple[str, date]) -> None:
    query, _ = spec_of(data, place)
    frame = frame_of(query.first, query.last)
    query = replace(query, spec=replace(query.spec, optimized=False))
    for host, found in search_each(query, frame).items():
        (alone,) = (each for each in query.hosts if each.id == host)
        asked = TeamQuery(
            now=0, first=query.first, last=query.last, viewer=query.viewer, spec=query.spec, hosts=(alone,)
        )
        assert found == search(asked, frame).starts


def starts(rules: Rules, *, spec: TeamSpec | None = None, now: int = 0, days: int = 7, notice: int = 0) -> list[str]:
    """What is free of a week of nine to five, as day and hour."""
    query = replace(week(rules, spec=spec, now=now, days=days), notice=notice)
    found = search(query, frame_of(query.first, query.last)).starts
    return [f"{(start - MIDNIGHT) // DAY} {(start - MIDNIGHT) % DAY // 60:02}:{start % 60:02}" for start in found]


def week(
    rules: Rules, *, spec: TeamSpec | None = None, now: int = 0, days: int = 7, away: frozenset[int] = frozenset()
) -> TeamQuery:
    return TeamQuery(
        now=(MIDNIGHT + now) * 60_000,
        first=MIDNIGHT,
        last=MIDNIGHT + days * DAY,
        viewer="UTC",
        spec=spec or TeamSpec(duration=240, step=60),
        hosts=(TeamHost(id="a", hours=NINE_TO_FIVE, away=away),),
        rules=rules,
    )


def test_notice_is_kept_to_the_minute_and_strictly_where_wanted() -> None:
    assert starts(Rules(), now=11 * 60, days=1, notice=60) == ["0 12:00", "0 13:00"]
    later = TeamSpec(duration=240, step=60, alignment="gap")
    assert starts(Rules(strictly=True), spec=later, now=11 * 60, days=1, notice=60) == ["0 13:00"]


def test_a_rolling_period_ends_with_the_viewer_s_day_and_may_leave_out_weekends() -> None:
    assert starts(Rules(period=Period(kind="rolling", days=1)))[-1] == "1 13:00"
    thursday = 3 * DAY
    assert (
        starts(Rules(period=Period(kind="rolling", days=2, calendar_days=False)), now=thursday, days=10)[-1]
        == "7 13:00"
    )


def test_a_rolling_window_counts_the_days_on_which_something_is_free() -> None:
    query = week(Rules(period=Period(kind="rolling_window", days=2)))
    host = TeamHost(id="a", hours=NINE_TO_FIVE, unavailable=((MIDNIGHT + DAY, MIDNIGHT + 2 * DAY),))
    found = search(
        TeamQuery(
            now=query.now,
            first=query.first,
            last=query.last,
            viewer="UTC",
            spec=query.spec,
            hosts=(host,),
            rules=query.rules,
        ),
        frame_of(query.first, query.last),
    )
    assert sorted({(start - MIDNIGHT) // DAY for start in found.starts}) == [0, 2]


def test_the_first_of_each_day_a_pause_at_opening_and_a_limit_ahead() -> None:
    assert starts(Rules(first_of_day=True), days=2) == ["0 09:00", "1 09:00"]
    opening = TeamSpec(duration=240, step=120, alignment="opening")
    assert starts(Rules(opening_pause=30), spec=opening, days=1) == ["0 11:00", "0 13:00"]
    assert starts(Rules(advance=2), now=8 * 60)[-1] == "2 13:00"


def test_what_is_held_or_restricted_is_left_out() -> None:
    held = ((MIDNIGHT + 12 * 60, MIDNIGHT + 13 * 60),)
    assert starts(Rules(held=held), days=1) == ["0 13:00"]
    morning = Hours(zone="UTC", weekly=(((540, 840),),) * 7)
    assert starts(Rules(restriction=morning), days=1) == ["0 09:00", "0 10:00"]


def test_days_away_are_shown_apart_for_one_host_and_left_out_for_a_team() -> None:
    query = week(Rules(), days=2, away=frozenset({MONDAY + 1}))
    frame = frame_of(query.first, query.last)
    found = search(query, frame)
    assert {start // DAY for start in found.away} == {MIDNIGHT // DAY + 1}
    assert {start // DAY for start in found.starts} == {MIDNIGHT // DAY}
    team = replace(query, assignment="collective")
    assert search(team, frame).away == []
    assert search(team, frame).starts == found.starts


def test_minutes_are_written_as_instants() -> None:
    assert texts([MIDNIGHT, MIDNIGHT + 545]) == ["2026-06-01T00:00:00Z", "2026-06-01T09:05:00Z"]
