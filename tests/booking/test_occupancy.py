"""The packed calendar against a plain list, and free times against a minute-by-minute search."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.booking.availability import free_slots, nearest
from chalicelib.booking.occupancy import (
    Entry,
    Kind,
    entries_of,
    first_clash,
    unpack,
    with_entry,
    without_reference,
)
from chalicelib.booking.practice import Branch, Schedule, Service, Staff, Window

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SUNDAY = datetime(2026, 3, 29, tzinfo=UTC)
"""The clocks go forward in Berlin on that day."""


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    start = SUNDAY + timedelta(minutes=draw(st.integers(-1500, 3000)))
    expiry = draw(st.sampled_from([None, NOW - timedelta(hours=1), NOW + timedelta(hours=1)]))
    return Entry(
        start,
        draw(st.integers(1, 600)),
        draw(st.integers(0, 120)),
        draw(st.integers(0, 120)),
        Kind.HOLD if expiry else Kind.BOOKING,
        draw(st.integers(0, 65_535)),
        draw(st.binary(min_size=12, max_size=12)),
        expiry,
    )


def minutes(entry: Entry) -> set[datetime]:
    span = (entry.blocks_until - entry.blocks_from) // timedelta(minutes=1)
    return {entry.blocks_from + timedelta(minutes=n) for n in range(span)}


@settings(deadline=None)
@given(st.lists(entries(), max_size=12, unique_by=lambda e: e.reference))
def test_whatever_shares_a_minute_is_found_and_nothing_else(wanted: list[Entry]) -> None:
    days: dict[date, bytes] = {}
    held: list[Entry] = []
    for entry in wanted:
        lasting = [e for e in held if e.expires_at is None or e.expires_at > NOW]
        shares = any(minutes(entry) & minutes(other) for other in lasting)
        assert (first_clash(days, entry, NOW) is not None) == shares
        if not shares:
            days |= with_entry(days, entry, NOW)
            held.append(entry)
    still = {e for e in held if e.expires_at is None or e.expires_at > NOW}
    assert still <= set(entries_of(days)) <= set(held)


@given(st.lists(entries(), min_size=1, max_size=8, unique_by=lambda e: e.reference))
def test_removing_gives_back_what_was_before(wanted: list[Entry]) -> None:
    forever = [replace(e, expires_at=None) for e in wanted]
    days: dict[date, bytes] = {}
    for entry in forever[:-1]:
        days |= with_entry(days, entry, NOW)
    last = forever[-1]
    after = days | with_entry(days, last, NOW)
    back = after | without_reference(after, last.reference, last.days())
    assert {day: packed for day, packed in back.items() if packed} == {d: p for d, p in days.items() if p}


def test_an_entry_across_midnight_lies_in_both_days() -> None:
    entry = Entry(SUNDAY - timedelta(minutes=10), 20, 0, 0, Kind.BOOKING, 1, b"x" * 12)
    days = with_entry({}, entry, NOW)
    assert sorted(days) == [date(2026, 3, 28), date(2026, 3, 29)]
    assert all(unpack(day, packed) == [entry] for day, packed in days.items())


@st.composite
def services(draw: st.DrawFn) -> Service:
    return Service(
        id="svc",
        company_id="com",
        number=1,
        name="Visit",
        duration_min=draw(st.integers(5, 240)),
        buffer_before_min=draw(st.integers(0, 60)),
        buffer_after_min=draw(st.integers(0, 60)),
        slot_interval_min=draw(st.sampled_from([5, 10, 15, 20, 30, 60])),
    )


@settings(max_examples=40, deadline=None)
@given(services(), st.lists(entries(), max_size=10), st.integers(0, 20), st.integers(1, 20))
def test_every_free_slot_is_bookable_and_every_other_start_has_a_reason(
    service: Service, taken: list[Entry], opens: int, hours: int
) -> None:
    window = (Window(6, opens * 60, (opens + hours) * 60), Window(0, 9 * 60, 12 * 60))
    branch = Branch(id="bra", company_id="com", name="B", zone="Europe/Berlin", hours=window)
    member = Staff(
        id="stf", company_id="com", name="S", home_branch_id="bra", hours={"bra": window}, service_ids=("svc",)
    )
    schedule = Schedule(branch=branch, services=(service,), staff=(member,))
    days = [date(2026, 3, 29), date(2026, 3, 30)]
    found = {slot.starts_at for slot in free_slots(schedule, service, member, days, taken, NOW)}
    assert found == _by_search(schedule, service, member, days, taken)


def _by_search(
    schedule: Schedule, service: Service, member: Staff, days: list[date], taken: list[Entry]
) -> set[datetime]:
    zone = schedule.branch.clock()
    windows = [w for n in range(-1, 2) for w in schedule.windows(member, days[0] + timedelta(days=n))]
    working = {a + timedelta(minutes=n) for a, b in windows for n in range((b - a) // timedelta(minutes=1))}
    found = set()
    for day in days:
        start = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        following = day + timedelta(days=1)
        end = datetime(following.year, following.month, following.day, tzinfo=zone).astimezone(UTC)
        while start < end:
            entry = Entry(
                start, service.duration_min, service.buffer_before_min, service.buffer_after_min, Kind.BOOKING, 1, b""
            )
            needed = {start + timedelta(minutes=n) for n in range(service.duration_min)}
            if needed <= working and not any(entry.clashes(other, NOW) for other in taken):
                found.add(start)
            start += timedelta(minutes=service.slot_interval_min)
    return found


def test_alternatives_are_the_nearest_in_order_of_time() -> None:
    window = (Window(0, 9 * 60, 12 * 60),)
    branch = Branch(id="bra", company_id="com", name="B", zone="Europe/Berlin", hours=window)
    member = Staff(
        id="stf", company_id="com", name="S", home_branch_id="bra", hours={"bra": window}, service_ids=("svc",)
    )
    service = Service(id="svc", company_id="com", number=1, name="Visit", duration_min=60)
    schedule = Schedule(branch=branch, services=(service,), staff=(member,))
    slots = free_slots(schedule, service, member, [date(2026, 3, 30)], [], NOW)
    wanted = datetime(2026, 3, 30, 8, tzinfo=UTC)
    offered = [slot.starts_at for slot in nearest(slots, wanted, 3)]
    assert offered == [wanted - timedelta(minutes=15), wanted, wanted + timedelta(minutes=15)]
