"""Counters, consultations and blocks as they lie in DynamoDB: what is added, taken off, and refused when it is full."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.booking.rules import limit_store
from chalicelib.booking.rules.blocklist import Block
from chalicelib.booking.rules.limits import Counter
from chalicelib.booking.tables import BookingRow, OccupancyRow
from chalicelib.core.errors import NotFound, Stale
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit
from tests.booking.rules.salon import NOW
from tests.conftest import EmbeddedAws

DAY = Counter("staff", "ada", "staff", "day#2026-11-23", 2)
WEEK = Counter("service", "bra", "svc_cut", "week#2026-11-23", 3)
GONE = NotFound("block_not_found", "It is gone.")


def do(*work: Callable[[Unit], None]) -> None:
    """Commit what these add to one unit of work."""
    unit = Unit("com")
    for each in work:
        each(unit)
    unit.commit()


def booked(counter: Counter) -> int:
    """What the counter says."""
    return limit_store.counted(fetch_one(limit_store.counter_key("com", counter.name)))


def test_keys_say_where_things_lie() -> None:
    assert limit_store.counter_key("com", DAY.name) == Key(OccupancyRow, "com#ada", "tally#staff#day#2026-11-23")
    assert limit_store.done_key("com", "cus", "svc") == Key(BookingRow, "com#cus", "done#svc")
    assert limit_store.blocked_key("com", "phone", "+49") == Key(BookingRow, "com#blocked", "phone#+49")


def test_a_counter_counts_up_to_its_limit_and_not_beyond(aws: EmbeddedAws) -> None:
    assert booked(DAY) == 0
    for n in (1, 2):
        do(lambda unit: limit_store.count(unit, [DAY]))
        assert booked(DAY) == n
    with pytest.raises(Stale):
        do(lambda unit: limit_store.count(unit, [DAY]))
    assert booked(DAY) == 2
    do(lambda unit: limit_store.count(unit, [DAY], over_the_limit=True))
    assert booked(DAY) == 3
    do(lambda unit: limit_store.uncount(unit, [DAY.name, DAY.name]))
    do(lambda unit: limit_store.count(unit, [DAY]))
    assert booked(DAY) == 2


def test_what_is_named_twice_counts_twice_in_one_update_and_needs_room_for_both(aws: EmbeddedAws) -> None:
    do(lambda unit: limit_store.count(unit, [WEEK, DAY, WEEK]))
    assert (booked(WEEK), booked(DAY)) == (2, 1)
    with pytest.raises(Stale):
        do(lambda unit: limit_store.count(unit, [WEEK, WEEK, DAY]))
    assert (booked(WEEK), booked(DAY)) == (2, 1)  # all or nothing
    do(lambda unit: limit_store.uncount(unit, [WEEK.name]))
    do(lambda unit: limit_store.count(unit, [WEEK, WEEK]))
    assert booked(WEEK) == 3


@pytest.fixture
def far_from_utc() -> Iterator[None]:
    """A machine whose own clock is not UTC."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TZ", "Pacific/Honolulu")
        time.tzset()
        yield
    time.tzset()


def test_a_counter_is_kept_for_months_after_its_period(aws: EmbeddedAws, far_from_utc: None) -> None:
    do(lambda unit: limit_store.count(unit, [DAY, WEEK]))
    for counter, over in ((DAY, datetime(2026, 11, 24, tzinfo=UTC)), (WEEK, datetime(2026, 11, 30, tzinfo=UTC))):
        key = limit_store.counter_key("com", counter.name)
        assert fetch_one(key).expires_at == (over + timedelta(days=120)).timestamp()


@pytest.mark.parametrize(("before", "more", "found"), [(None, 1, 1), (2, 3, 5)])
def test_a_row_is_shown_as_it_would_be_with_more(before: int | None, more: int, found: int) -> None:
    key = limit_store.counter_key("com", DAY.name)
    row = limit_store.with_more(key, before and OccupancyRow(key.pk, key.sk, tally=before), more)
    assert (row.pk, row.sk, limit_store.counted(row)) == (key.pk, key.sk, found)
    assert limit_store.counted(OccupancyRow(key.pk, key.sk)) == 0


def test_a_completed_service_counts_until_it_is_taken_back(aws: EmbeddedAws) -> None:
    def done() -> bool:
        return limit_store.done(fetch_one(limit_store.done_key("com", "cus", "svc")))

    assert not done()
    do(lambda unit: limit_store.note_done(unit, "cus", "svc", 1))
    assert done()
    do(lambda unit: limit_store.note_done(unit, "cus", "svc", -1))
    assert not done()  # a row that says nought
    assert not limit_store.done(BookingRow("pk", "sk"))


def block(number: int, **known: str) -> Block:
    """A block."""
    return Block(id=f"blk_{number}", created_at=NOW, **known)


def test_a_block_stands_under_all_it_names_and_goes_from_there(aws: EmbeddedAws) -> None:
    made = block(1, customer_id="cus", phone="+49", email="e@x")
    known = [("customer", "cus"), ("phone", "+49"), ("email", "e@x")]
    assert made.known_by() == known
    do(lambda unit: limit_store.save_block(unit, made))
    assert limit_store.find_block("com", "blk_1") == made
    assert limit_store.find_block("other", "blk_1") is None
    assert [limit_store.blocks_at("com", [one]) for one in known] == [{"blk_1"}] * 3
    assert limit_store.blocks_at("com", [*known, ("phone", "+48")]) == {"blk_1"}
    assert limit_store.blocks_at("other", known) == set()
    do(lambda unit: limit_store.remove_block(unit, made, GONE))
    assert limit_store.blocks_at("com", known) == set()
    assert limit_store.find_block("com", "blk_1") is None
    with pytest.raises(NotFound, match="It is gone"):
        do(lambda unit: limit_store.remove_block(unit, made, GONE))


def test_nobody_is_blocked_twice(aws: EmbeddedAws) -> None:
    do(lambda unit: limit_store.save_block(unit, block(1, phone="+49")))
    for other in (block(2, phone="+49"), block(1, phone="+48")):
        with pytest.raises(Stale):
            do(lambda unit, other=other: limit_store.save_block(unit, other))  # type: ignore[misc]


def test_a_block_is_removed_though_its_phone_is_free_already_and_not_while_another_has_it(aws: EmbeddedAws) -> None:
    made = block(1, phone="+49")
    do(lambda unit: limit_store.save_block(unit, made))
    at = limit_store.blocked_key("com", "phone", "+49")
    do(lambda unit: unit.put(BookingRow(at.pk, at.sk, data=encode("blk_2"))))
    with pytest.raises(Stale):
        do(lambda unit: limit_store.remove_block(unit, made, GONE))
    do(lambda unit: unit.delete(BookingRow(at.pk, at.sk)))
    do(lambda unit: limit_store.remove_block(unit, made, GONE))
    assert limit_store.find_block("com", "blk_1") is None


def test_blocks_are_listed_a_page_at_a_time_in_the_order_of_their_ids(aws: EmbeddedAws) -> None:
    made = [block(n, phone=f"+49{n}") for n in range(3)]
    for each in made:
        do(lambda unit, each=each: limit_store.save_block(unit, each))  # type: ignore[misc]
    first = limit_store.page_blocks("com", 2, None)
    assert first.data == made[:2]
    assert limit_store.page_blocks("com", 2, first.next_cursor).data == made[2:]
    assert limit_store.page_blocks("other", 2, None).data == []
