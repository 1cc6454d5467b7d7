"""The rules of series, each at both sides of its boundary."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments.appointment import Appointment, Status
from chalicelib.booking.calendar.entries import Entry, Kind, reference_of
from chalicelib.booking.practice.policy import FURTHEST, Policy
from chalicelib.booking.series import book as series_book
from chalicelib.booking.series.book import check
from chalicelib.booking.series.change import find_targets
from chalicelib.booking.series.context import MOST_OF_A_VISITOR
from chalicelib.booking.series.finish import SeriesProgress, is_kept
from chalicelib.booking.series.recurrence import Recurrence
from chalicelib.booking.series.series import HOLDS_LAST, Change, Occurrence, Series, held
from chalicelib.core.errors import Invalid
from tests.booking.test_refusing import NOW, TEN, opened
from tests.booking.test_series import series_of, series_request
from tests.conftest import EmbeddedAws

AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)
TEMPLATE = Appointment(
    id="", company_id="com", branch_id="bra", service_id="svc", staff_id=None, customer_id="cus", starts_at=AT,
    ends_at=AT + HOUR, before_min=5, after_min=10, service_number=3, status="confirmed", source="api",
    created_at=AT, updated_at=AT, series_id="ser",
)  # fmt: skip


def apt(number: int) -> str:
    return f"apt_{number:020}"


def occurrence(number: int, **fields: Any) -> Occurrence:
    at = AT + timedelta(days=number)
    known: dict[str, Any] = {"starts_at": at, "ends_at": at + HOUR, "staff_id": "stf", "appointment_id": apt(number)}
    return Occurrence(**known | fields)


def series(count: int = 4, **fields: Any) -> Series:
    made = Series(
        id="ser", template=TEMPLATE, recurrence=Recurrence(frequency="daily", count=count), zone="Europe/Berlin",
        whole=True, status="booked", occurrences=tuple(occurrence(n) for n in range(count)), held_until=AT,
        held_in=(count,), created_at=AT, updated_at=AT,
    )  # fmt: skip
    return replace(made, **fields)


def test_an_appointment_is_its_template_at_the_time_of_its_occurrence() -> None:
    one = occurrence(2, resource_ids=("res",), counted=("bra#svc#day#2026-12-03",), home_branch_id="bra_2")
    made = series().appointment(one, AT + HOUR)
    assert (made.id, made.starts_at, made.ends_at) == (apt(2), one.starts_at, one.ends_at)
    assert (made.staff_id, made.home_branch_id, made.resource_ids) == ("stf", "bra_2", ("res",))
    assert (made.counted, made.series_id, made.created_at) == (one.counted, "ser", AT + HOUR)
    assert (made.before_min, made.after_min, made.service_number, made.customer_id) == (5, 10, 3, "cus")
    hold = held(made.entry(), AT)
    assert (hold.kind, hold.expires_at, hold.reference) == (Kind.HOLD, AT, reference_of(apt(2)))
    assert (hold.start, hold.length_min) == (made.starts_at, 60)


def test_what_was_held_last_follows_from_how_many_each_transaction_held() -> None:
    def last(*held_in: int) -> list[str | None]:
        return [one.appointment_id for one in series(held_in=held_in).held_last()]

    assert last(4) == [apt(0), apt(1), apt(2), apt(3)]
    assert last(3, 4) == [apt(3)]
    assert last(1, 3) == [apt(1), apt(2)]
    lost = replace(series(), occurrences=(occurrence(0), occurrence(1, appointment_id=None, code="slot_taken")))
    assert lost.appointment_ids() == [apt(0)]
    assert [one.appointment_id for one in replace(lost, held_in=(1, 2)).held_last()] == []


def exchange(hold: Entry, *, has_hold: bool, fits: bool) -> Any:
    entries = [hold] if has_hold else []
    return SimpleNamespace(calendar=SimpleNamespace(entries=lambda: entries), fits=lambda now: fits)


def test_a_hold_keeps_its_time_until_the_very_moment_it_lapses() -> None:
    hold = held(series().appointment(occurrence(0), AT).entry(), AT)
    # Time off that was taken over it fits nothing, and breaks no promise.
    assert is_kept(exchange(hold, has_hold=True, fits=False), hold, AT - MOMENT)
    assert not is_kept(exchange(hold, has_hold=True, fits=False), hold, AT)
    assert not is_kept(exchange(hold, has_hold=False, fits=False), hold, AT - MOMENT)
    # What has lapsed is still had while nobody is in the way.
    assert is_kept(exchange(hold, has_hold=False, fits=True), hold, AT)


def progress(*statuses: Status) -> SeriesProgress:
    made = series(len(statuses))
    appointments = [
        replace(made.appointment(one, AT), status=status)
        for one, status in zip(made.occurrences, statuses, strict=True)
    ]
    return SeriesProgress(made, {one.id: one for one in appointments})


def cancelled(found: SeriesProgress, scope: Any, number: int, now: datetime) -> dict[str, str | None]:
    change = Change(kind="cancel", scope=scope, appointment_id=apt(number))
    return {target.appointment_id: target.code for target in find_targets(found, change, now)}


def test_what_has_begun_or_is_over_is_left_alone() -> None:
    found = progress("confirmed", "confirmed", "completed", "requested")
    second = AT + timedelta(days=1)
    assert cancelled(found, "all", 1, second - MOMENT) == {
        apt(0): "in_the_past", apt(1): None, apt(2): "completed", apt(3): None}  # fmt: skip
    assert cancelled(found, "all", 1, second)[apt(1)] == "in_the_past"


def test_one_the_following_and_all() -> None:
    found = progress("confirmed", "confirmed", "confirmed")
    assert list(cancelled(found, "one", 1, NOW)) == [apt(1)]
    assert list(cancelled(found, "following", 1, NOW)) == [apt(1), apt(2)]
    assert list(cancelled(found, "all", 1, NOW)) == [apt(0), apt(1), apt(2)]
    assert list(cancelled(found, "following", 2, NOW)) == [apt(2)]


def test_a_series_is_changing_until_its_change_is_finished() -> None:
    change = Change(kind="cancel", scope="all", appointment_id=apt(0))
    assert not series().changing()
    assert series(change=change).changing()
    assert not series(change=replace(change, finished=True)).changing()
    assert (HOLDS_LAST, series().changed(AT + HOUR).version) == (2 * HOUR, 2)


def test_the_same_change_is_the_same_whoever_asks_and_however_far_it_is() -> None:
    cancellation = Change(kind="cancel", scope="all", appointment_id=apt(0), reason="ill")
    begun = replace(cancellation, by="user:usr_1", targets=find_targets(progress("confirmed"), cancellation, NOW))
    assert cancellation.same(begun)
    assert not cancellation.same(replace(begun, reason="away"))
    assert not cancellation.same(replace(begun, scope="one"))


def faults(work: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as raised:
        work()
    return [(fault.path, fault.code) for fault in raised.value.faults]


def test_a_visitor_books_thirty_at_most(aws: EmbeddedAws) -> None:
    practice = opened({"category": "recurring"}, branch={"policy": Policy(maximum_advance_days=365)})

    def checked(count: int, **fields: Any) -> int:
        request = series_request(practice, count, **fields)
        return len(check("com_test", request, lambda: NOW).occurrences)

    assert checked(MOST_OF_A_VISITOR, visitor=True) == MOST_OF_A_VISITOR
    assert faults(lambda: checked(MOST_OF_A_VISITOR + 1, visitor=True)) == [("body.recurrence", "too_many")]
    assert checked(MOST_OF_A_VISITOR + 1) == MOST_OF_A_VISITOR + 1


def test_the_last_of_a_series_begins_within_two_years_from_now(aws: EmbeddedAws) -> None:
    practice = opened(branch={"policy": Policy(maximum_advance_days=730)})
    last = TEN + timedelta(weeks=1)

    def checked(now: datetime) -> int:
        return len(check("com_test", series_request(practice, 2), lambda: now).occurrences)

    assert checked(last - FURTHEST) == 2
    assert faults(lambda: checked(last - FURTHEST - MOMENT)) == [("body.recurrence", "too_far_ahead")]


@pytest.mark.parametrize(("most", "held_in"), [(4, (4,)), (3, (3, 4)), (2, (2, 4)), (1, (1, 2, 3, 4))])
def test_as_many_are_held_at_once_as_fit_into_a_transaction(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, most: int, held_in: tuple[int, ...]
) -> None:
    monkeypatch.setattr(series_book, "MOST_HELD_AT_ONCE", most)
    # One calendar's week each, and no counters.
    assert series_of(series_request(opened(), 4)).series.held_in == held_in
