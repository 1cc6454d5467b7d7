"""The search of each host against the definition, minute by minute; notice, days ahead; a reason for every refusal."""

from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.booking.engine import bits
from chalicelib.booking.engine.clocks import DAY, day_of, day_start, minute_of, moment_of, offset_at
from chalicelib.booking.engine.explain import Taken, Why, explain
from chalicelib.booking.engine.hours import Hours
from chalicelib.booking.engine.query import AvailabilityQuery, Host, frame_of
from chalicelib.booking.engine.search import search_each
from chalicelib.booking.engine.starts import ROUND, SlotSpec
from chalicelib.booking.engine.windows import Window
from tests.booking.engine.brute import fits, open_minutes, taken_minutes
from tests.booking.engine.drawn import PLACES, bookings, hours, slot_specs
from tests.sizes import examples

property_test = settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])
NINE_TO_FIVE = Hours(zone="UTC", weekly=(((540, 1020),),) * 7)
MONDAY = date(2026, 6, 1).toordinal()
MIDNIGHT = day_start("UTC", MONDAY)


def spec_of(data: st.DataObject, place: tuple[str, date]) -> tuple[AvailabilityQuery, dict[str, list[Window]]]:
    """A query about two days of a place, with one to three hosts; long before `now` matters."""
    zone, day = place[0], place[1].toordinal()
    first, last = day_start(zone, day), day_start(zone, day + 2)
    frame = frame_of(first, last)
    hosts, taken = [], {}
    for number in range(data.draw(st.integers(1, 3))):
        name = str(number)
        taken[name] = data.draw(bookings(zone, day))
        busy = bits.mask(taken[name], frame.origin, frame.size)
        hosts.append(Host(id=name, hours=data.draw(hours(zone, day)), busy=busy))
    query = AvailabilityQuery(
        now=0, first=first, last=last, viewer=zone, spec=data.draw(slot_specs()), hosts=tuple(hosts)
    )
    return query, taken


def is_free(query: AvailabilityQuery, host: Host, start: int, taken: list[Window]) -> bool:
    """Whether the appointment fits the host at that start, by the definition."""
    day = day_of(query.viewer, query.first)
    return fits(start, query.spec, open_minutes(host.hours, day - 3, day + 4), taken_minutes(taken))


@property_test
@given(st.data(), st.sampled_from(PLACES))
def test_what_is_offered_is_free_and_what_is_refused_has_a_reason(data: st.DataObject, place: tuple[str, date]) -> None:
    query, taken = spec_of(data, place)
    frame = frame_of(query.first, query.last)
    every = search_each(query, frame)
    for host in query.hosts:
        found, mine = every[host.id], taken[host.id]
        assert found == sorted(set(found))
        for start in found:
            assert is_free(query, host, start, mine)
            assert query.first <= start <= query.last - query.spec.duration
        for start in data.draw(st.lists(st.integers(query.first, query.last), min_size=3, max_size=3)):
            alone = replace(query, hosts=(host,))
            codes = {one.code for one in explain(alone, frame, start, [Taken(each, "booking") for each in mine])}
            assert (codes == {"free"}) == (start in found)
            inside = start + query.spec.duration <= query.last
            if start not in found and inside and is_free(query, host, start, mine):
                assert codes == {"off_the_grid"}
            if not is_free(query, host, start, mine):
                assert not codes & {"free", "off_the_grid"}


@property_test
@given(st.data(), st.sampled_from(PLACES))
def test_nothing_on_the_clock_s_own_grid_is_left_out(data: st.DataObject, place: tuple[str, date]) -> None:
    query, taken = spec_of(data, place)
    zone = data.draw(st.sampled_from(["Asia/Kolkata", "Asia/Kathmandu", "UTC"]))
    spec = replace(query.spec, step=data.draw(st.sampled_from(ROUND)), alignment="rounded", offset=0)
    query = replace(query, viewer=zone, spec=spec)
    on_grid = [
        start
        for start in range(query.first, query.last - spec.duration + 1)
        if (start + offset_at(zone, start)) % spec.step == 0
    ]
    found = search_each(query, frame_of(query.first, query.last))
    for host in query.hosts:
        assert found[host.id] == [start for start in on_grid if is_free(query, host, start, taken[host.id])]


def week(
    *, spec: SlotSpec | None = None, notice: int = 0, furthest: int | None = None, now: int = 0, days: int = 7
) -> AvailabilityQuery:
    """A question about days of nine to five, `now` in minutes of the first."""
    return AvailabilityQuery(
        now=(MIDNIGHT + now) * 60_000,
        first=MIDNIGHT,
        last=MIDNIGHT + days * DAY,
        viewer="UTC",
        spec=spec or SlotSpec(duration=240, step=60),
        hosts=(Host(id="a", hours=NINE_TO_FIVE),),
        notice=notice,
        furthest_days=furthest,
    )


def starts(query: AvailabilityQuery) -> list[str]:
    """What is free, as day and hour."""
    found = search_each(query, frame_of(query.first, query.last))["a"]
    return [f"{(start - MIDNIGHT) // DAY} {(start - MIDNIGHT) % DAY // 60:02}:{start % 60:02}" for start in found]


def test_notice_is_kept_to_the_minute() -> None:
    gap = SlotSpec(duration=240, step=60, alignment="gap")
    opening = SlotSpec(duration=240, step=60, alignment="opening")
    for spec in (None, gap, opening):
        assert starts(week(spec=spec, notice=60, now=11 * 60, days=1)) == ["0 12:00", "0 13:00"]
        assert starts(week(spec=spec, notice=60, now=11 * 60 + 1, days=1)) == ["0 13:00"]
    begun = replace(week(notice=60, days=1), now=(MIDNIGHT + 11 * 60) * 60_000 + 1)
    assert starts(begun) == ["0 13:00"]


def test_without_notice_a_start_is_rounded_from_the_next_minute_on() -> None:
    assert starts(week(now=12 * 60, days=1)) == ["0 13:00"]
    assert starts(week(now=12 * 60, days=1, spec=SlotSpec(duration=240, step=60, alignment="opening"))) == [
        "0 12:00",
        "0 13:00",
    ]


def test_the_furthest_day_is_the_viewer_s() -> None:
    assert starts(week(furthest=1))[-1] == "1 13:00"
    assert starts(week(furthest=1, now=DAY - 1))[-1] == "1 13:00"
    assert starts(week(furthest=1, now=DAY))[-1] == "2 13:00"
    assert starts(week())[-1] == "6 13:00"


def test_reasons_name_the_rule_and_what_took_the_time() -> None:
    query = week(notice=600, furthest=1, days=1)
    frame = frame_of(query.first, query.last)
    noon = MIDNIGHT + 12 * 60
    taken = Taken((noon, noon + 60), "time_off")
    full = (MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)
    busy = bits.mask([taken.blocked], frame.origin, frame.size)
    host = Host(id="a", hours=replace(NINE_TO_FIVE, closed=frozenset({MONDAY + 2})), busy=busy, unavailable=(full,))
    query = replace(query, hosts=(host,))

    def codes(start: int) -> list[Why]:
        return explain(query, frame, start, [taken])

    assert codes(MIDNIGHT + 9 * 60) == [Why("too_little_notice"), Why("taken", "a", "time_off")]
    assert codes(MIDNIGHT + 11 * 60) == [Why("taken", "a", "time_off")]
    assert codes(MIDNIGHT + 14 * 60) == [Why("ends_after_hours", "a")]
    assert codes(MIDNIGHT + 20 * 60) == [Why("outside_hours", "a")]
    assert codes(MIDNIGHT + 13 * 60) == [Why("free")]
    assert codes(MIDNIGHT + 13 * 60 + 1) == [Why("ends_after_hours", "a")]
    assert codes(MIDNIGHT - 60)[0] == Why("in_the_past")
    assert codes(MIDNIGHT + DAY + 9 * 60) == [Why("not_asked_for"), Why("limit_reached", "a")]
    assert codes(MIDNIGHT + 2 * DAY + 9 * 60) == [Why("too_far_ahead"), Why("not_asked_for"), Why("closed", "a")]


def test_a_moment_is_read_and_written_alike() -> None:
    assert minute_of(moment_of(MIDNIGHT)) == MIDNIGHT
