"""The packed calendar against a plain list."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.booking.calendar.entries import (
    Entry,
    Kind,
    blocked_minutes,
    entries_of,
    first_clash,
    unpack,
    with_entry,
    without_reference,
)

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


@given(st.lists(entries(), max_size=12, unique_by=lambda e: e.reference))
def test_whatever_shares_a_minute_is_found_and_nothing_else(drawn: list[Entry]) -> None:
    days: dict[date, bytes] = {}
    held: list[Entry] = []
    for entry in drawn:
        lasting = [e for e in held if e.expires_at is None or e.expires_at > NOW]
        shares = any(minutes(entry) & minutes(other) for other in lasting)
        assert (first_clash(days, entry, NOW) is not None) == shares
        if not shares:
            days |= with_entry(days, entry, NOW)
            held.append(entry)
    still = {e for e in held if e.expires_at is None or e.expires_at > NOW}
    assert still <= set(entries_of(days)) <= set(held)


@given(st.lists(entries(), min_size=1, max_size=8, unique_by=lambda e: e.reference))
def test_removing_gives_back_what_was_before(drawn: list[Entry]) -> None:
    forever = [replace(e, expires_at=None) for e in drawn]
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


@given(st.lists(entries(), max_size=8, unique_by=lambda e: e.reference))
def test_the_bitmap_of_footprints_is_what_the_entries_say(drawn: list[Entry]) -> None:
    days: dict[date, bytes] = {}
    for entry in drawn:
        # Whether they overlap or have lapsed does not matter to the bitmap.
        days |= with_entry(days, entry, NOW - timedelta(days=1))
    dates = [SUNDAY.date() + timedelta(days=n) for n in range(-3, 5)]
    origin = datetime(dates[0].year, dates[0].month, dates[0].day, tzinfo=UTC)
    own = drawn[0].reference if drawn else b"own"
    for but in (b"", own):
        lasting = [e for e in drawn if e.reference != but and (e.expires_at is None or e.expires_at > NOW)]
        expected = {minute for entry in lasting for minute in minutes(entry)}
        bits = blocked_minutes(days, dates, NOW, but)
        found = {origin + timedelta(minutes=n) for n in range(len(dates) * 1440) if bits >> n & 1}
        assert found == expected


def test_an_entry_of_several_days_fills_the_days_between() -> None:
    week_off = Entry(SUNDAY + timedelta(hours=12), 7 * 1440, 0, 0, Kind.TIME_OFF, 0, b"w" * 12)
    days = with_entry({}, week_off, NOW)
    dates = sorted(days)
    assert len(dates) == 8
    bits = blocked_minutes(days, dates, NOW)
    assert bits.bit_count() == 7 * 1440
    assert blocked_minutes(days, dates[1:2], NOW) == (1 << 1440) - 1
    assert entries_of(days) == [week_off]
