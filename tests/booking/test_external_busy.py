"""What other calendars say is busy: replaced as a whole, again and again, and never over what is booked."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.booking.appointments.store import get_appointment
from chalicelib.booking.calendar.entries import Entry, Kind, entries_of, monday_of, repacked
from chalicelib.booking.practice.hours import Interval
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.time_off.external_busy import entries, merged, of_source, replaced, times
from chalicelib.core.rows import AuditRow
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice, demo_practice
from infra.local.invoking import Answer, Caller, call
from tests.calls.conftest import BERLIN, next_monday
from tests.conftest import EmbeddedAws
from tests.sizes import ROUNDS

ME = Caller("com_test")
START = datetime(2026, 11, 26, tzinfo=UTC)
"""A Thursday."""
MINUTES = 14 * 1440
spans = st.lists(
    st.tuples(st.integers(-3000, MINUTES), st.integers(1, 20_000)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    max_size=8,
)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def busy_of(found: list[tuple[int, int]]) -> list[Interval]:
    return [(at(start), at(end)) for start, end in found]


def minutes(found: list[Interval]) -> set[int]:
    return {
        minute
        for start, end in found
        for minute in range((start - START) // timedelta(minutes=1), (end - START) // timedelta(minutes=1))
    }


@given(first=spans, then=spans, window=st.tuples(st.integers(0, MINUTES - 1), st.integers(1, MINUTES)))
def test_a_replacement_says_all_of_its_window_and_nothing_beyond(
    first: list[tuple[int, int]], then: list[tuple[int, int]], window: tuple[int, int]
) -> None:
    begins, ends = window[0], min(window[0] + window[1], MINUTES)
    booking = Entry(at(600), 60, 15, 15, Kind.BOOKING, 1, bytes(12))
    google = entries("google", merged(busy_of(first), at(0), at(MINUTES)))
    other = entries("outlook", merged(busy_of(first), at(0), at(MINUTES)))
    days: dict[date, bytes] = repacked({}, [], [booking, *google, *other])
    for _ in range(2):
        found = entries_of(days)
        gone, rest = replaced(found, "google", at(begins), at(ends))
        new = entries("google", merged(busy_of(then), at(begins), at(ends)))
        changed = repacked(days, gone, [*rest, *new])
        days |= changed
    assert changed == {}, "saying it again changes nothing"
    kept = of_source(entries_of(days), "google")
    before, now = minutes(busy_of(first)), minutes(busy_of(then))
    wanted = {m for m in before if 0 <= m < MINUTES and not begins <= m < ends} | {m for m in now if begins <= m < ends}
    assert minutes([(one.start, one.blocks_until) for one in kept]) == wanted
    assert minutes(times(kept, at(0), at(MINUTES))) == wanted
    assert sorted(of_source(entries_of(days), "outlook"), key=str) == sorted(set(other), key=str)
    assert booking in entries_of(days)
    assert all(
        monday_of(one.start.date()) == monday_of((one.blocks_until - timedelta(minutes=1)).date()) for one in kept
    )


def test_times_are_whole_minutes_and_what_touches_is_one() -> None:
    second = timedelta(seconds=30)
    assert merged([(at(10) + second, at(20) + second), (at(21), at(30)), (at(40), at(41))], at(0), at(100)) == [
        *((at(10), at(30)), (at(40), at(41)))
    ]
    assert entries("google", [(at(0), at(5))]) == entries("google", [(at(0), at(5))])
    assert entries("google", [(at(0), at(5))]) != entries("outlook", [(at(0), at(5))])


def put(practice: Practice, hours: list[tuple[int, int]], source: str = "google", **changes: Any) -> Answer:
    """Ada's Monday, by hours; what else is in the body."""
    said = [{"starts_at": next_monday(a).isoformat(), "ends_at": next_monday(b).isoformat()} for a, b in hours]
    body = {"from": next_monday(0).isoformat(), "to": next_monday(23).isoformat(), "busy": said} | changes
    return call("PUT", f"/api/staff/{practice.staff[0].id}/busy/{source}", caller=ME, body=body)


def book(practice: Practice, hour: int, number: int = 0) -> Answer:
    body = {
        "branch_id": practice.branches[0].id,
        "service": "Consultation",
        "starts_at": next_monday(hour).isoformat(),
        "staff": "Ada Keller",
        "customer": {"phone": f"+49151123456{number:02}"},
    }
    return call("POST", "/api/appointments", caller=ME, body=body)


def test_a_group_that_has_seats_left_is_in_the_way_as_well(aws: EmbeddedAws) -> None:
    made = demo_practice("com_test", calcom=False)
    services = [replace(made.services[0], seats=3, references=()), *made.services[1:]]
    save_practice(lambda: Unit("com_test"), made.branches, services, made.staff)
    opened = book(made, 10).json["id"]
    assert put(made, [(10, 12)]).json["conflicts"] == [opened]


def test_nobody_is_booked_while_another_calendar_says_busy(practice: Practice) -> None:
    made = book(practice, 10).json["id"]
    answer = put(practice, [(10, 12), (14, 15)])
    assert answer.status == 200, answer
    assert (len(answer.json["busy"]), answer.json["conflicts"]) == (2, [made])
    refused = book(practice, 11)
    assert (refused.status, refused.json["code"]) == (409, "slot_taken")
    assert get_appointment("com_test", made).status == "confirmed"
    query = {
        "branch_id": practice.branches[0].id, "service": "Consultation", "staff": practice.staff[0].id,
        "from": f"{next_monday(0):%Y-%m-%d}", "to": f"{next_monday(0):%Y-%m-%d}",
    }  # fmt: skip
    free = call("GET", "/api/availability", caller=ME, query=query).json["results"][0]["slots"]
    hours = {datetime.fromisoformat(slot["starts_at"]).astimezone(BERLIN).hour for slot in free}
    assert hours & {10, 11, 14} == set()
    assert {9, 12, 13, 15} <= hours
    asked = query | {"explain": "true", "at": next_monday(11).isoformat()}
    (why,) = call("GET", "/api/availability", caller=ME, query=asked).json["results"][0]["reasons"]
    assert (why["code"], why["by"], why["staff_id"]) == ("external_busy", "external", practice.staff[0].id)
    # Another source says so as well; taking the first one's word back changes nothing of that.
    put(practice, [(14, 15)], "outlook")
    place = f"/api/staff/{practice.staff[0].id}/busy"
    assert call("DELETE", f"{place}/google", caller=ME).status == 204
    assert call("GET", f"{place}/google", caller=ME).json["busy"] == []
    assert len(call("GET", f"{place}/outlook", caller=ME).json["busy"]) == 1
    assert (book(practice, 11, 1).status, book(practice, 14, 2).status) == (201, 409)


def test_saying_it_again_writes_nothing(practice: Practice) -> None:
    def noted() -> int:
        return sum(row.action == "external_busy.replaced" for row in AuditRow.scan())

    first, second = put(practice, [(9, 10)]), put(practice, [(9, 10)])
    assert first.json == second.json
    assert noted() == 1
    assert put(practice, []).json["busy"] == []
    assert noted() == 2


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"to": "2020-01-01T00:00:00Z"}, "body.to"),
        ({"to": "2099-01-01T00:00:00Z"}, "body.to"),
        ({"from": "2040-01-01T00:00:00Z"}, "body.from"),
        ({"from": "9999-12-31T23:59:59-11:00"}, "body.from"),
        ({"to": "2026-12-01T00:00:30Z"}, "body.to"),
        ({"from": "yesterday"}, "body.from"),
        ({"busy": [{"starts_at": "2026-11-23T09:00:00Z", "ends_at": "2026-11-23T09:00:00Z"}]}, "body.busy[0].ends_at"),
        ({"busy": [{"starts_at": "2026-11-23T09:00:00Z", "ends_at": "2026-11-23T10:00:00Z"}] * 501}, "body.busy"),
    ],
)
def test_what_makes_no_sense_is_named(practice: Practice, changes: dict[str, Any], path: str) -> None:
    answer = put(practice, [(9, 10)], **changes)
    assert (answer.status, answer.json["errors"][0]["path"]) == (422, path)


def test_a_source_is_a_slug_and_the_staff_ones_own(practice: Practice) -> None:
    assert put(practice, [], "Not-A-Slug").json["errors"][0]["path"] == "path.source"
    nobody = call("GET", "/api/staff/stf_00000000000000000009/busy/google", caller=ME)
    assert (nobody.status, nobody.json["code"]) == (404, "staff_not_found")


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_bookings_and_replacements_at_once_lose_nothing(practice: Practice, round_number: int) -> None:
    start = Barrier(12)

    def work(number: int) -> Answer:
        start.wait()
        if number % 2:
            return book(practice, 9 + number // 2, number)
        return put(practice, [(9 + number // 2, 10 + number // 2)], f"source-{number}")

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(work, range(12)))
    booked = [answer.json["id"] for answer in answers[1::2] if answer.status == 201]
    assert {answer.status for answer in answers[1::2]} <= {201, 409}
    assert {answer.status for answer in answers[::2]} == {200}
    place = f"/api/staff/{practice.staff[0].id}/busy"
    for number in range(0, 12, 2):
        said = call("GET", f"{place}/source-{number}", caller=ME).json
        assert [one["starts_at"] for one in said["busy"]] == [
            next_monday(9 + number // 2).astimezone(UTC).isoformat().replace("+00:00", "Z")
        ]
        # Whatever was booked there came first, and both know of each other.
        assert set(said["conflicts"]) <= set(booked)
    assert all(get_appointment("com_test", one).status == "confirmed" for one in booked)
