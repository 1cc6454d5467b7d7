"""Free times of a branch against a minute-by-minute search, the nearest of them, and why a time is not free."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.booking.allocation.choose import works
from chalicelib.booking.alternatives.search import nearest
from chalicelib.booking.availability.branch_calendar import BranchCalendar, free_slots
from chalicelib.booking.availability.reasons import Reason, why_not
from chalicelib.booking.availability.search_index import compile_search
from chalicelib.booking.availability.slots import Able
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Entry, Kind
from chalicelib.booking.calendar.owner import owner_of
from chalicelib.booking.engine.clocks import minute_of
from chalicelib.booking.engine.query import frame_of
from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import Branch, Service, Staff
from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.practice.schedule import Schedule
from tests.sizes import examples

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SUNDAY = datetime(2026, 3, 29, tzinfo=UTC)
"""The clocks go forward in Berlin on that day."""
MONDAY = date(2026, 3, 30)
MORNING = (Window(0, 9 * 60, 12 * 60),)
VISIT = Service(id="svc", company_id="com", number=1, name="Visit", duration_min=60)


def schedule(mine: tuple[Window, ...], branch: tuple[Window, ...] | None = None, *names: str) -> Schedule:
    place = Branch(id="bra", company_id="com", name="B", zone="Europe/Berlin", hours=mine if branch is None else branch)
    staff = tuple(
        Staff(id=name, company_id="com", name=name, home_branch_id="bra", hours={"bra": mine}, service_ids=("svc",))
        for name in names or ("stf",)
    )
    return Schedule(branch=place, services=(VISIT,), staff=staff)


def entry(start: datetime, minutes: int = 60, kind: Kind = Kind.BOOKING, expires: datetime | None = None) -> Entry:
    return Entry(start, minutes, 0, 0, kind, 1, start.isoformat().encode()[:12].ljust(12), expires)


def calendar(member: Staff, *entries: Entry, at: datetime = NOW) -> Calendar:
    return Calendar(owner_of(member)).with_entries(entries, at)


def why(plan: Schedule, service: Service, taken: Calendar, at: datetime, now: datetime) -> list[Reason]:
    index, start = compile_search(replace(plan, services=(service,))), minute_of(at)
    whole = BranchCalendar(
        index=index,
        calendars={taken.owner.id: taken},
        frame=frame_of(start, start + service.duration_min),
        first=start,
        last=start + 1,
        now=now,
    )
    return why_not(whole, index.services[0], Able(index.staff), None, start)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    start = SUNDAY + timedelta(minutes=draw(st.integers(-1500, 3000)))
    expiry = draw(st.sampled_from([None, NOW - timedelta(hours=1), NOW + timedelta(hours=1)]))
    kind = Kind.HOLD if expiry else Kind.BOOKING
    before, after = draw(st.integers(0, 120)), draw(st.integers(0, 120))
    return Entry(
        start, draw(st.integers(1, 600)), before, after, kind, 1, draw(st.binary(min_size=12, max_size=12)), expiry
    )


@st.composite
def services(draw: st.DrawFn) -> Service:
    return replace(
        VISIT,
        duration_min=draw(st.integers(5, 240)),
        buffer_before_min=draw(st.integers(0, 60)),
        buffer_after_min=draw(st.integers(0, 60)),
        slot_interval_min=draw(st.sampled_from([5, 10, 15, 20, 30, 60])),
    )


@settings(max_examples=examples(40))
@given(
    services(),
    st.lists(entries(), max_size=10, unique_by=lambda e: e.reference),
    st.integers(0, 20),
    st.integers(1, 20),
)
def test_every_free_slot_is_bookable_and_every_other_start_has_a_reason(
    service: Service, taken: list[Entry], opens: int, hours: int
) -> None:
    # Sunday's window may run past midnight, into Monday.
    plan = schedule((Window(6, opens * 60, (opens + hours) * 60), *MORNING))
    member = plan.staff[0]
    mine = calendar(member, *taken, at=NOW - timedelta(days=1))
    days = [date(2026, 3, 29), MONDAY]
    found = {slot.starts_at for slot in free_slots(plan, service, [mine], days, NOW)}
    working = working_minutes(opens, hours)
    start, end = SUNDAY - timedelta(hours=1), SUNDAY + timedelta(hours=46)
    while start < end:
        if start.minute % service.slot_interval_min == 0:
            instant = Entry(
                start, service.duration_min, service.buffer_before_min, service.buffer_after_min, Kind.BOOKING, 1, b""
            )
            needed = {start + timedelta(minutes=n) for n in range(service.duration_min)}
            free = needed <= working and not any(instant.clashes(other, NOW) for other in taken)
            assert (start in found) == free
            assert works(plan, member, instant) == (needed <= working)
        start += timedelta(minutes=5)
    refused = SUNDAY + timedelta(hours=9, minutes=5)
    codes = {reason.code for reason in why(plan, service, mine, refused, NOW)}
    assert ("free" in codes) == (refused in found)
    assert codes


def working_minutes(opens: int, hours: int) -> set[datetime]:
    """Sunday from `opens` for so many hours by the clock, less the one that is skipped; Monday from 9 to 12."""

    def utc(hour: int) -> datetime:
        winter = hour < 3
        return SUNDAY + timedelta(hours=hour - (1 if winter else 2)) if hour != 2 else SUNDAY + timedelta(hours=1)

    spans = [(utc(opens), utc(opens + hours)), (SUNDAY + timedelta(hours=31), SUNDAY + timedelta(hours=34))]
    return {a + timedelta(minutes=n) for a, b in spans for n in range((b - a) // timedelta(minutes=1))}


def test_alternatives_are_the_nearest_in_order_of_time() -> None:
    plan = schedule(MORNING)
    slots = free_slots(plan, VISIT, [calendar(plan.staff[0])], [MONDAY], NOW)
    instant = datetime(2026, 3, 30, 8, tzinfo=UTC)
    offered = [slot.starts_at for slot in nearest(slots, instant, 3)]
    assert offered == [instant - timedelta(minutes=15), instant, instant + timedelta(minutes=15)]


def test_slots_come_in_order_of_time_and_then_of_staff() -> None:
    plan = schedule(MORNING, None, "ada", "bob")
    ada, bob = plan.staff
    nine = datetime(2026, 3, 30, 7, tzinfo=UTC)
    hourly = replace(VISIT, slot_interval_min=60)
    slots = free_slots(plan, hourly, [calendar(bob), calendar(ada, entry(nine))], [MONDAY], NOW)
    assert [(slot.starts_at.hour, slot.staff.id) for slot in slots] == [
        (7, "bob"), (8, "bob"), (8, "ada"), (9, "bob"), (9, "ada"),
    ]  # fmt: skip


def test_only_hours_of_both_branch_and_member_count_also_past_midnight() -> None:
    night = (Window(6, 20 * 60, 26 * 60),)
    plan = schedule(night, (Window(6, 22 * 60, 24 * 60), Window(0, 0, 60)))
    assert plan.hours_of(plan.staff[0]).weekly[6] == ((1320, 1500),)
    starts = [slot.starts_at for slot in free_slots(plan, VISIT, [calendar(plan.staff[0])], [date(2026, 3, 29)], NOW)]
    assert (starts[0], starts[-1]) == (SUNDAY + timedelta(hours=20), SUNDAY + timedelta(hours=21, minutes=45))


def test_a_service_may_ask_for_notice_an_alignment_and_a_furthest_day() -> None:
    plan = schedule(tuple(Window(day, 9 * 60, 12 * 60) for day in range(7)))
    now = datetime(2026, 3, 30, 7, 40, tzinfo=UTC)
    free = [calendar(plan.staff[0], entry(datetime(2026, 3, 31, 7, tzinfo=UTC), 20), at=now)]

    def starts(service: Service) -> list[str]:
        days = [MONDAY + timedelta(days=n) for n in range(4)]
        return [slot.starts_at.strftime("%d %H:%M") for slot in free_slots(plan, service, free, days, now)]

    hourly = replace(VISIT, slot_interval_min=60, policy=Policy(minimum_notice_min=0, maximum_advance_days=1))
    assert starts(hourly) == ["30 08:00", "30 09:00", "31 08:00", "31 09:00"]
    assert starts(replace(hourly, policy=Policy(minimum_notice_min=60, maximum_advance_days=1))) == [
        "30 09:00",
        "31 08:00",
        "31 09:00",
    ]
    assert starts(replace(hourly, alignment="gap")) == ["30 08:00", "30 09:00", "31 07:20", "31 08:20"]
    assert starts(replace(hourly, alignment="opening", slot_offset_min=30)) == [
        "30 08:30", "31 07:30", "31 08:30",
    ]  # fmt: skip


def test_why_a_time_is_not_free() -> None:
    plan = schedule(MORNING)
    nine = datetime(2026, 3, 30, 7, tzinfo=UTC)
    held = entry(nine, kind=Kind.HOLD, expires=NOW + timedelta(minutes=5))
    mine = calendar(plan.staff[0], held)

    def reasons(at: datetime, now: datetime = NOW) -> list[Reason]:
        return why(plan, VISIT, mine, at, now)

    assert reasons(nine) == [Reason("taken", "stf", by="hold")]
    assert reasons(nine, NOW + timedelta(minutes=6)) == [Reason("free")]
    assert reasons(nine + timedelta(hours=2, minutes=30)) == [Reason("ends_after_hours", "stf")]
    assert reasons(nine + timedelta(hours=6)) == [Reason("outside_hours", "stf")]
    assert reasons(nine + timedelta(hours=1, minutes=7)) == [Reason("off_the_grid")]
    assert reasons(nine + timedelta(hours=1), nine + timedelta(days=1))[0] == Reason("in_the_past")
