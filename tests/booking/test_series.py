"""Series: each occurrence decided after those before it, all or none or what is free, changed from one of them on."""

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking import jobs
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.changes.cancel import Cancellation, cancel
from chalicelib.booking.changes.reschedule import reschedule
from chalicelib.booking.practice.models import Part
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.rules import block_customer
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.booking.series import book as series_book
from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.book import book_series, check
from chalicelib.booking.series.change import change_series
from chalicelib.booking.series.context import SeriesRequest
from chalicelib.booking.series.finish import SeriesProgress, SeriesRun, carry_on, give_up
from chalicelib.booking.series.recurrence import Recurrence
from chalicelib.booking.series.resume import resume
from chalicelib.booking.series.series import HOLDS_LAST, Change, Series
from chalicelib.booking.tables import BookingRow, OccupancyRow
from chalicelib.booking.time_off import book_time_off
from chalicelib.booking.time_off.book_time_off import TimeOffRequest
from chalicelib.core.errors import Conflict, Invalid
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice, demo_practice
from tests.booking.test_refusing import EVE, NOW, TEN, booked, opened, refused, requests
from tests.conftest import EmbeddedAws

DAN: dict[str, Any] = {"staff": "Dan Rossi"}


def changing() -> ChangeContext[Any]:
    return ChangeContext(new_unit, "com_test", lambda: NOW, connect=no_provider)


def new_unit() -> Unit:
    return Unit("com_test", clock=lambda: NOW)


def no_provider(name: str) -> Any:
    raise AssertionError("not asked")


def run_at(now: datetime) -> SeriesRun:
    return SeriesRun(new_unit, "com_test", lambda: now, connect=no_provider, answering=new_unit)


def wanted(practice: Practice, count: int = 3, frequency: Any = "weekly", **fields: Any) -> SeriesRequest:
    known: dict[str, Any] = {"branch_id": practice.branches[1].id, "service": "Haircut", "starts_at": TEN}
    known |= {"recurrence": Recurrence(frequency=frequency, count=count), "contact": EVE} | DAN
    return SeriesRequest(**(known | fields))


def series_of(request: SeriesRequest, on_conflict: Any = "none", now: datetime = NOW) -> SeriesProgress:
    return book_series(run_at(now), replace(request, on_conflict=on_conflict))


def checked(request: SeriesRequest) -> list[dict[str, Any]]:
    return check("com_test", request, lambda: NOW).listed()


def starts(progress: SeriesProgress) -> list[datetime]:
    return sorted(one.starts_at for one in progress.appointments.values())


def weeks(*numbers: int) -> list[datetime]:
    return [TEN + timedelta(weeks=n) for n in numbers]


def nothing_stands() -> None:
    assert [row for row in BookingRow.scan() if row.sk == "appointment" and row.status in ("confirmed", "held")] == []
    nothing_is_taken()


def nothing_is_taken() -> None:
    for row in OccupancyRow.scan():
        assert not any(getattr(row, f"d{n}") for n in range(7)), row.sk
        assert not row.tally, row.sk


def context(now: datetime) -> JobContext:
    return JobContext("job", 1, False, "cor", "com_test", lambda: now)


def test_a_free_series_is_booked_in_few_requests_each_occurrence_by_its_own_commit(aws: EmbeddedAws) -> None:
    practice = opened()
    made: list[SeriesProgress] = []
    calls = requests(lambda: made.append(series_of(wanted(practice, 4))))
    # Read the branch, read all calendars, hold all; see what is made, then one read and one transaction for each, done.
    assert calls == ["BatchGetItem"] * 2 + ["TransactWriteItems", "BatchGetItem"] + [
        "GetItem", "TransactWriteItems"] * 4 + ["TransactWriteItems"]  # fmt: skip
    assert (made[0].series.status, starts(made[0])) == ("booked", weeks(0, 1, 2, 3))
    for one in made[0].appointments.values():
        assert one == appointment_store.get_appointment("com_test", one.id)
        assert (one.series_id, one.status) == (made[0].series.id, "confirmed")
    refused(lambda: booked(practice, weeks(2)[0], **DAN), "slot_taken")


def test_checking_a_hundred_costs_a_hundredth_of_a_request_each(aws: EmbeddedAws) -> None:
    practice = opened(branch={"policy": Policy(maximum_advance_days=730)})
    calls = requests(lambda: checked(wanted(practice, 100)))
    # The branch; then 101 weeks of the one asked for, or of the two who cut hair, a hundred rows to a request.
    assert calls == ["BatchGetItem"] * 3
    assert requests(lambda: checked(wanted(practice, 100, staff=None))) == ["BatchGetItem"] * 4
    assert len(checked(wanted(practice, 100))) == 100


def test_all_or_none_and_what_is_free(aws: EmbeddedAws) -> None:
    practice = opened()
    booked(practice, weeks(1)[0], contact=replace(EVE, phone="+12125550198"), **DAN)
    found = checked(wanted(practice))
    assert [one["bookable"] for one in found] == [True, False, True]
    assert (found[1]["code"], len(found[1]["alternatives"])) == ("slot_taken", 3)
    assert found[1]["starts_at"] == "2026-11-30T10:00:00-05:00"
    refusal = refused(lambda: series_of(wanted(practice)), "series_conflict")
    assert refusal.extra["occurrences"] == found
    assert len([row for row in BookingRow.scan() if row.sk == "appointment"]) == 1
    made = series_of(wanted(practice), "skip")
    assert starts(made) == weeks(0, 2)
    assert [one.code for one in made.series.occurrences] == [None, "slot_taken", None]
    for instead in found[1]["alternatives"]:
        known = {name: instead[name] for name in ("branch_id", "starts_at")}
        at = datetime.fromisoformat(known["starts_at"])
        booked(practice, at, staff=instead["staff_id"])


def test_alternatives_leave_the_series_its_own_times(aws: EmbeddedAws) -> None:
    practice = opened(staff={"daily_maximum": 20})
    booked(practice, TEN, contact=replace(EVE, phone="+12125550198"), **DAN)
    found = checked(wanted(practice, 5, "daily"))
    own = {one["starts_at"] for one in found if one["bookable"]}
    mine = [one["starts_at"] for one in found[0]["alternatives"] if one["staff"] == "Dan Rossi"]
    assert mine
    assert not own & {*mine}


def test_a_limit_counts_the_occurrences_of_the_series_itself(aws: EmbeddedAws) -> None:
    practice = opened({"policy": Policy(customer_limits=Limits(per_week=2), service_limits=Limits(per_month=4))})
    found = checked(wanted(practice, 8, "daily"))
    # Monday and Tuesday; the weekend is closed besides; then Monday, and December has a month of its own.
    assert [n for n, one in enumerate(found) if one["bookable"]] == [0, 1, 7]
    assert {failure["code"] for failure in found[2]["failures"]} == {"limit_reached"}
    for instead in found[2]["alternatives"]:
        assert datetime.fromisoformat(instead["starts_at"]).date() >= date(2026, 11, 30)
    made = series_of(wanted(practice, 8, "daily"), "skip")
    assert len(made.appointments) == 3
    refused(lambda: booked(practice, TEN + timedelta(days=3)))
    one = next(iter(made.appointments.values()))
    cancel(changing(), one.id, Cancellation())
    booked(practice, TEN + timedelta(days=3))


def test_each_that_is_listed_as_bookable_can_be_booked_alone(aws: EmbeddedAws) -> None:
    practice = opened(rooms=1, service={"resources": ("chair",)})
    booked(practice, TEN + timedelta(days=1), contact=replace(EVE, phone="+12125550198"), staff="Chloe Park")
    found = checked(wanted(practice, 10, "daily", staff=None))
    assert {one["bookable"] for one in found} == {True, False}
    for one in found:
        at = datetime.fromisoformat(one["starts_at"])
        if one["bookable"]:
            booked(practice, at)
        else:
            refused(partial(booked, practice, at), one["code"])


PARTS = (Part(demo_practice("com_test").services[0].id),)
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"category": "package", "parts": PARTS}, "body.service", "not_in_series"),
    ({"seats": 5}, "body.service", "not_in_series"),
    ({"mobile": True}, "body.service", "not_in_series"),
]


@pytest.mark.parametrize(("service", "path", "code"), REFUSED)
def test_what_cannot_be_in_a_series_names_its_field(
    aws: EmbeddedAws, service: dict[str, Any], path: str, code: str
) -> None:
    practice = opened(service)
    with pytest.raises(Invalid) as raised:
        checked(wanted(practice))
    assert (raised.value.faults[0].path, raised.value.faults[0].code) == (path, code)


def test_someone_blocked_gets_no_series_and_no_alternatives(aws: EmbeddedAws) -> None:
    practice = opened()
    block_customer.block(new_unit, "com_test", None, EVE, "")
    refusal = refused(lambda: series_of(wanted(practice), "skip"), "series_conflict")
    assert {len(one["alternatives"]) for one in refusal.extra["occurrences"]} == {0}


def in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_book, "MOST_HELD_AT_ONCE", 2)


def test_a_series_of_many_transactions_gives_up_all_it_held_when_one_is_refused(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = opened({"policy": Policy(service_limits=Limits(per_week=9))})
    in_small_steps(monkeypatch)
    original = series_book._take
    meant: list[Series] = []

    def meet(unit: Unit, series: Series, plan: Any, calendars: Any) -> None:
        if len(series.held_in) == 2 and not meant:
            meant.append(series)
            booked(practice, weeks(2)[0], contact=replace(EVE, phone="+12125550198"), **DAN)
        original(unit, series, plan, calendars)

    monkeypatch.setattr(series_book, "_take", meet)
    refusal = refused(lambda: series_of(wanted(practice, 4)), "series_conflict")
    assert [one["bookable"] for one in refusal.extra["occurrences"]] == [True, True, False, True]
    assert series_store.get_series("com_test", meant[0].id).status == "failed"
    (left,) = [row for row in BookingRow.scan() if row.sk == "appointment"]
    cancel(changing(), left.pk.partition("#")[2], Cancellation())
    nothing_is_taken()


def left_in_the_middle(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, count: int = 3, on_conflict: Any = "none"
) -> Series:
    with monkeypatch.context() as patched:
        patched.setattr(series_book, "REQUEST_LASTS", timedelta(0))
        return series_of(wanted(practice, count), on_conflict).series


def test_what_a_request_has_no_time_for_is_held_and_the_job_books_it(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = opened()
    left = left_in_the_middle(practice, monkeypatch)
    assert left.status == "booking"
    refused(lambda: booked(practice, TEN, **DAN), "slot_taken")
    refused(lambda: change(left, "cancel", left.appointment_ids()[0], "all"), "series_unfinished")
    ticking = iter(NOW + timedelta(seconds=11 * n) for n in range(1000))
    job = jobs.ResumeSeries(company_id="com_test", series_id=left.id)
    with pytest.raises(Postpone):
        resume(job, replace(context(NOW), clock=lambda: next(ticking)))
    resume(job, context(NOW))
    resume(job, context(NOW))
    assert series_store.get_series("com_test", left.id).status == "booked"
    assert len([row for row in BookingRow.scan() if row.sk == "appointment"]) == 3


def test_when_a_lapsed_hold_was_lost_a_whole_series_comes_to_nothing(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = opened({"policy": Policy(service_limits=Limits(per_week=9))})
    left = left_in_the_middle(practice, monkeypatch)
    late = NOW + HOLDS_LAST + timedelta(minutes=5)
    taken = booked(practice, weeks(1)[0], late, **DAN)
    resume(jobs.ResumeSeries(company_id="com_test", series_id=left.id), context(late))
    failed = series_store.get_series("com_test", left.id)
    assert (failed.status, failed.held_in) == ("failed", ())
    cancel(changing(), taken.id, Cancellation())
    nothing_stands()


def test_when_a_lapsed_hold_was_lost_the_others_of_a_series_that_may_lack_some_are_booked(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = opened({"policy": Policy(service_limits=Limits(per_month=9))})
    left = left_in_the_middle(practice, monkeypatch, on_conflict="skip")
    late = NOW + HOLDS_LAST + timedelta(minutes=5)
    booked(practice, weeks(1)[0], late, **DAN)
    resume(jobs.ResumeSeries(company_id="com_test", series_id=left.id), context(late))
    done = series_store.get_series("com_test", left.id)
    assert (done.status, [one.code for one in done.occurrences]) == ("booked", [None, "slot_taken", None])
    assert len([row for row in BookingRow.scan() if row.sk == "appointment"]) == 3
    assert sum(int(row.tally or 0) for row in OccupancyRow.scan()) == 3


def test_who_is_too_slow_makes_nothing_of_a_series_that_was_given_up(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its times are free again, so only the series' version is in the way."""
    left = left_in_the_middle(opened(), monkeypatch)
    give_up(run_at(NOW), left)
    late = carry_on(run_at(NOW), left, NOW + timedelta(seconds=20))
    assert (late.series.status, late.appointments) == ("failed", {})
    nothing_stands()


def test_time_off_taken_over_a_hold_is_no_reason_to_break_a_promise(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = opened()
    left = left_in_the_middle(practice, monkeypatch)
    day = weeks(1)[0]
    away = TimeOffRequest(practice.staff[3].id, day, day + timedelta(hours=8))
    book_time_off.take(new_unit, "com_test", away, lambda: NOW)
    resume(jobs.ResumeSeries(company_id="com_test", series_id=left.id), context(NOW))
    assert series_store.get_series("com_test", left.id).status == "booked"
    assert len([row for row in BookingRow.scan() if row.sk == "appointment"]) == 3


def change(
    series: Series, kind: Any, appointment_id: str, scope: Any, now: datetime = NOW, **fields: Any
) -> SeriesProgress:
    version = fields.pop("version", None)
    wanted = Change(kind=kind, appointment_id=appointment_id, scope=scope, **fields)
    return change_series(run_at(now), series.id, wanted, version)


def ids(progress: SeriesProgress) -> list[str]:
    return progress.series.appointment_ids()


def outcomes(progress: SeriesProgress) -> dict[str, str | None]:
    assert progress.series.change
    assert progress.series.change.finished
    return {target.appointment_id: target.code for target in progress.series.change.targets}


def test_this_and_the_following_move_by_the_local_clock_the_past_is_left_alone(aws: EmbeddedAws) -> None:
    practice = opened(branch={"policy": Policy(maximum_advance_days=200)})
    # New York's clocks go forward on 14 March 2027.
    first = datetime(2027, 3, 1, 15, tzinfo=NOW.tzinfo)
    made = series_of(wanted(practice, 4, starts_at=first))
    assert [at.hour for at in starts(made)] == [15, 15, 14, 14]
    one, two, three, four = ids(made)
    moved = change(made.series, "reschedule", two, "following", starts_at=first + timedelta(days=8, hours=1))
    assert starts(moved) == [
        first,
        datetime(2027, 3, 9, 16, tzinfo=NOW.tzinfo),
        datetime(2027, 3, 16, 15, tzinfo=NOW.tzinfo),
        datetime(2027, 3, 23, 15, tzinfo=NOW.tzinfo),
    ]
    assert outcomes(moved) == {two: None, three: None, four: None}
    again = change(made.series, "reschedule", two, "following", starts_at=first + timedelta(days=8, hours=1))
    assert starts(again) == starts(moved)
    later = datetime(2027, 3, 10, 12, tzinfo=NOW.tzinfo)
    back = change(made.series, "reschedule", three, "all", now=later, starts_at=first + timedelta(days=14, hours=-1))
    assert outcomes(back) == {one: "in_the_past", two: "in_the_past", three: None, four: None}
    assert starts(back)[2:] == [
        datetime(2027, 3, 15, 14, tzinfo=NOW.tzinfo),
        datetime(2027, 3, 22, 14, tzinfo=NOW.tzinfo),
    ]


def test_a_daily_series_moves_onto_its_own_times_and_says_which_could_not(aws: EmbeddedAws) -> None:
    practice = opened()
    made = series_of(wanted(practice, 3, "daily"))
    one, two, three = ids(made)
    moved = change(made.series, "reschedule", one, "all", starts_at=TEN + timedelta(days=1))
    assert starts(moved) == [TEN + timedelta(days=n) for n in (1, 2, 3)]
    other = booked(practice, TEN + timedelta(days=1, hours=2), contact=replace(EVE, phone="+12125550198"), **DAN)
    stuck = change(made.series, "reschedule", one, "all", starts_at=other.starts_at)
    assert outcomes(stuck) == {one: "slot_taken", two: None, three: None}
    assert len(stuck.conflicts[one]["alternatives"]) == 3
    with_chloe = change(made.series, "reschedule", two, "following", staff="Chloe Park")
    assert {a.staff_id for a in with_chloe.appointments.values()} == {practice.staff[2].id, practice.staff[3].id}
    with pytest.raises(Invalid):
        change(made.series, "reschedule", two, "following", staff="Nobody")


def test_cancelling_one_the_following_or_all_frees_their_times(aws: EmbeddedAws) -> None:
    practice = opened()
    made = series_of(wanted(practice, 4))
    one, two, three, four = ids(made)
    version = made.appointments[two].version
    reschedule(
        changing(),
        two,
        Move(starts_at=weeks(1)[0] + timedelta(hours=1)),
    )
    refused(lambda: change(made.series, "cancel", two, "one", version=version), "stale_version")
    assert outcomes(change(made.series, "cancel", two, "one", reason="ill")) == {two: None}
    assert outcomes(change(made.series, "cancel", three, "following")) == {three: None, four: None}
    assert outcomes(change(made.series, "cancel", one, "all")) == {
        one: None, two: "cancelled", three: "cancelled", four: "cancelled"}  # fmt: skip
    nothing_stands()
    assert appointment_store.get_appointment("com_test", two).cancellation_reason == "ill"


def test_a_change_that_was_left_is_gone_on_with_and_another_waits(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = opened()
    made = series_of(wanted(practice, 3, "daily"))
    one = ids(made)[0]
    there = TEN + timedelta(days=1)
    with monkeypatch.context() as patched:
        patched.setattr("chalicelib.booking.series.change.REQUEST_LASTS", timedelta(0))
        assert change(made.series, "reschedule", one, "all", starts_at=there).series.changing()
    refused(lambda: change(made.series, "cancel", one, "all"), "change_pending")
    job = jobs.ResumeSeries(company_id="com_test", series_id=made.series.id)
    resume(job, context(NOW))
    resume(job, context(NOW))
    done = change(made.series, "reschedule", one, "all", starts_at=there)
    assert starts(done) == [TEN + timedelta(days=n) for n in (1, 2, 3)]


def test_a_new_customers_series_makes_one_customer_and_is_listed_with_them(aws: EmbeddedAws) -> None:
    practice = opened()
    made = series_of(wanted(practice)).series
    other = series_of(
        wanted(practice, contact=replace(EVE, phone="+12125550198"), starts_at=TEN + timedelta(hours=1))
    ).series
    again = series_of(wanted(practice, starts_at=TEN + timedelta(hours=2))).series
    assert made.template.customer_id == again.template.customer_id != other.template.customer_id
    listed_ = series_store.page_series("com_test", made.template.customer_id, 10, None).data
    assert [one.id for one in listed_] == [again.id, made.id]
    assert len(series_store.page_series("com_test", None, 10, None).data) == 3
    assert isinstance(refused(lambda: series_of(wanted(practice)), "series_conflict"), Conflict)
