"""Events, counters and dashboards on the embedded stack; a recount agrees with what events made of them."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from benchmarks.request_counts import counted
from chalicelib.analytics import count_appointments, measure_minutes, rebuild_counters, store
from chalicelib.analytics.count_searches import count_search
from chalicelib.analytics.counters import Counters, Days, contribution, together
from chalicelib.analytics.jobs import CountAppointment, MeasureAvailable
from chalicelib.analytics.tables import AnalyticsRow
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.events import AppointmentBooked, AppointmentMarked
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Staff
from chalicelib.booking.practice_admin import manage
from chalicelib.booking.time_off import book_time_off
from chalicelib.booking.time_off.book_time_off import TimeOffRequest
from chalicelib.core.clock import now
from chalicelib.core.errors import Stale
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import Caller, call
from tests.booking.test_changing import booked, call_off, move
from tests.calls.conftest import next_monday
from tests.draining import drain

COMPANY = "com_test"
ME = Caller(COMPANY)
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def new_unit() -> Unit:
    return Unit(COMPANY)


def made(practice: Practice, rng: random.Random) -> Appointment:
    """An appointment written without its calendar: what counting reads."""
    at = START + timedelta(minutes=rng.randrange(0, 60 * 24 * 70))
    draft = Appointment(
        id=new_id("apt"), company_id=COMPANY, branch_id=rng.choice(practice.branches).id,
        service_id=rng.choice(practice.services).id, staff_id="stf_1", customer_id="cus_1", starts_at=at,
        ends_at=at + timedelta(minutes=30), status="confirmed", source=rng.choice(("web", "api", "calcom")),
        created_at=at - timedelta(minutes=rng.randrange(0, 60 * 24 * 20)), updated_at=at,
    )  # fmt: skip
    unit = new_unit()
    appointment_store.add_appointment(unit, draft)
    unit.publish(
        AppointmentBooked(
            appointment_id=draft.id, customer_id="cus_1", branch_id=draft.branch_id, source="api", version=1
        )
    )
    unit.commit()
    return draft


def change(appointment: Appointment, rng: random.Random) -> Appointment:
    """It is moved, cancelled, missed or kept."""
    at = appointment.starts_at + timedelta(hours=rng.choice((0, 0, 5, 30, -900)))
    status = rng.choice(("confirmed", "cancelled", "no_show", "completed"))
    new = replace(
        appointment, status=status, starts_at=at, ends_at=at + timedelta(minutes=30), version=appointment.version + 1
    )
    unit = new_unit()
    appointment_store.save_appointment(unit, new)
    unit.publish(AppointmentMarked(appointment_id=new.id, status=status, version=new.version))
    unit.commit()
    return new


def count(appointment: Appointment) -> None:
    job = CountAppointment(company_id=COMPANY, appointment_id=appointment.id)
    count_appointments.count(job, JobContext("job", 1, False, "cor", COMPANY, now))


def recounted(all_of_them: list[Appointment], practice: Practice, branch_id: str | None = None) -> Days:
    zones = {branch.id: branch.zone for branch in practice.branches}
    return together(contribution(a, zones[a.branch_id]) for a in all_of_them if branch_id in (None, a.branch_id))


def shown(scope: str) -> tuple[Days, dict[date, Counters]]:
    """All days and months of what dashboards show, without counters that are nought."""
    generation = store.shown(COMPANY, None)
    ends = date(2020, 1, 1), date(2030, 1, 1)
    days = store.days_of(COMPANY, scope, generation, *ends)
    return together([days]), together([store.months_of(COMPANY, scope, generation, *ends)])


def agree(all_of_them: list[Appointment], practice: Practice) -> None:
    for scope in (store.ALL, *(branch.id for branch in practice.branches)):
        right = recounted(all_of_them, practice, None if scope == store.ALL else scope)
        months = together({day.replace(day=1): counters} for day, counters in right.items())
        assert shown(scope) == (right, months)


@pytest.mark.parametrize("seed", [1, 2])
def test_events_in_any_order_and_twice_make_what_a_recount_makes(practice: Practice, seed: int) -> None:
    rng = random.Random(seed)
    stand = [made(practice, rng) for _ in range(6)]
    drain()
    for _ in range(12):
        number = rng.randrange(len(stand))
        stand[number] = change(stand[number], rng)
        if rng.random() < 0.5:
            count(rng.choice(stand))  # news of something, late or twice
    drain()
    for one in rng.sample(stand, 3):
        count(one)
    agree(stand, practice)
    assert list(rebuild_counters.rebuild(new_unit, COMPANY, now, lambda _: None))[-1] == len(stand)
    agree(stand, practice)


def test_what_was_lost_or_spoilt_is_made_good_by_a_rebuild(practice: Practice) -> None:
    rng = random.Random(3)
    stand = [made(practice, rng) for _ in range(5)]
    count(stand[0])
    row = next(row for row in AnalyticsRow.scan() if row.sk.startswith("day#"))
    row.delete()
    assert shown(store.ALL)[0] != recounted(stand, practice)
    list(rebuild_counters.rebuild(new_unit, COMPANY, now, lambda _: None))
    agree(stand, practice)
    assert not [row for row in AnalyticsRow.scan() if row.pk.endswith("#1")]


def test_a_rebuild_that_was_stopped_goes_on_and_misses_nothing_that_happens_meanwhile(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild_counters, "PAGE", 3)
    rng = random.Random(4)
    stand = [made(practice, rng) for _ in range(8)]
    drain()
    first = rebuild_counters.rebuild(new_unit, COMPANY, now, lambda _: None)
    assert [next(first), next(first)] == [0, 3]
    del first
    stand = [change(one, rng) for one in stand]  # some of them counted anew already, some not
    stand.append(made(practice, rng))
    drain()
    agree(stand, practice)
    other = rebuild_counters.rebuild(new_unit, COMPANY, now, lambda _: None)
    assert next(other) == 3
    rivals = rebuild_counters.rebuild(new_unit, COMPANY, now, lambda _: None)
    list(rivals)
    with pytest.raises(Stale):
        list(other)
    agree(stand, practice)


def test_bookings_reach_the_dashboards(practice: Practice) -> None:
    branch = practice.branches[0]
    first, second = booked(practice, 10), booked(practice, 11, guest=2)
    count_search(COMPANY, branch.id, branch.zone, now)
    with counted() as cost:
        count_search(COMPANY, branch.id, branch.zone, now)
    assert (cost.reads, cost.transactions, cost.writes) == (0, 0, 1)
    move(first, next_monday(14))
    call_off(second)
    drain()
    today, monday = now().date().isoformat(), next_monday(14).date().isoformat()
    for where in ({}, {"branch_id": branch.id}):
        days = {"from": today, "to": monday}
        found = {name: figures(name, days | where) for name in ROUTES}
        assert (found["conversion"]["total"]["searches"], found["conversion"]["total"]["bookings"]) == (2, 2)
        assert found["cancellations"]["periods"][-1]["due"] == 2
        assert (found["cancellations"]["total"]["due"], found["cancellations"]["total"]["cancelled"]) == (2, 1)
        assert found["cancellations"]["total"]["cancellation_rate"] == 0.5
        assert found["popular-times"]["heat"][0][14] == found["popular-times"]["appointments"] == 1
        assert found["services"]["services"] == [
            {"service_id": first.service_id, "appointments": 2, "minutes": 30, "share": 1.0}
        ]
        assert found["sources"]["sources"] == [{"source": "api", "bookings": 2, "share": 1.0}]
        assert found["lead-time"]["total"]["average_hours"] > 0
        assert (found["recent"]["bookings"], found["recent"]["average_per_active_day"]) == (2, 2.0)
        assert found["utilisation"]["total"]["booked_minutes"] == 30
    other = figures("sources", {"branch_id": practice.branches[1].id})
    assert other["sources"] == []


ROUTES = (
    *("conversion", "lead-time", "cancellations", "utilisation", "popular-times", "services", "sources", "recent"),
)


def figures(name: str, query: dict[str, str], status: int = 200) -> Any:
    if name == "recent":
        query = {key: value for key, value in query.items() if key == "branch_id"}
    answer = call("GET", f"/api/analytics/{name}", caller=ME, query=query or None)
    assert answer.status == status, answer
    return answer.json


def test_a_dashboard_reads_a_handful_of_items_however_long_the_range(practice: Practice) -> None:
    rng = random.Random(5)
    for _ in range(4):
        count(made(practice, rng))
    longest = {"from": "2025-03-15", "to": "2027-03-10"}
    for query in (
        longest,
        longest | {"branch_id": practice.branches[0].id},
        {"from": "2026-03-01", "to": "2026-04-20"},
    ):
        for name in ROUTES:
            with counted() as cost:
                figures(name, query)
            assert cost.reads <= 5, (name, cost.names)
            assert cost.transactions == cost.writes == 0
    assert figures("sources", longest)["bookings"] == 4
    assert len(figures("lead-time", longest)["periods"]) == 25


def test_what_makes_no_sense_is_refused(practice: Practice) -> None:
    assert figures("sources", {"branch_id": "bra_other"}, 404)["code"] == "branch_not_found"
    for name in ROUTES:  # a branch of another company is none
        query = {"branch_id": practice.branches[0].id}
        assert call("GET", f"/api/analytics/{name}", caller=Caller("com_other"), query=query).status == 404
    for query in ({"from": "2020-01-01", "to": "2026-01-01"}, {"from": "2026-02-01", "to": "2026-01-01"}):
        assert figures("services", query, 422)["errors"][0]["path"] == "query.to"
    figures("services", {"from": "yesterday"}, 422)


def test_an_event_costs_one_read_and_one_transaction(practice: Practice) -> None:
    one = made(practice, random.Random(6))
    job = CountAppointment(company_id=COMPANY, appointment_id=one.id, branch_id=one.branch_id)
    for transactions in (1, 0):
        with counted() as cost:
            count_appointments.count(job, JobContext("job", 1, False, "cor", COMPANY, now))
        assert (cost.reads, cost.transactions, cost.writes) == (1, transactions, 0)


def test_available_minutes_are_hours_less_time_off(practice: Practice) -> None:
    branch, ada = practice.branches[0], practice.staff[0]
    monday = next_monday(9).date()
    context = JobContext("job", 1, False, "cor", COMPANY, now)
    measure = MeasureAvailable(company_id=COMPANY)
    measure_minutes.measure_next(measure, context)
    drain()
    before = store.available(COMPANY, branch.id, monday, monday)[monday]
    book_time_off.take(new_unit, COMPANY, TimeOffRequest(ada.id, next_monday(9), next_monday(11)), now)
    measure_minutes.measure_next(measure, context)
    assert store.available(COMPANY, branch.id, monday, monday)[monday] == before - 120
    drain()
    each = [store.available(COMPANY, one.id, monday, monday)[monday] for one in practice.branches]
    assert store.available(COMPANY, None, monday, monday)[monday] == sum(each)
    # What was measured when it came stays; what lies ahead is measured anew.
    yesterday = now().date() - timedelta(days=3)
    unit = new_unit()
    store.save_available(unit, branch.id, {yesterday: 7, monday: 7}, keep_before=now().date())
    unit.commit()
    assert store.available(COMPANY, branch.id, yesterday, yesterday)[yesterday] != 7
    assert store.available(COMPANY, branch.id, monday, monday)[monday] == 7
    assert measure_minutes.measure_back(new_unit, COMPANY, now) == 2
    assert figures("utilisation", {})["total"]["unmeasured_days"] == 0


def test_new_hours_are_measured_at_once(practice: Practice) -> None:
    branch, ada = practice.branches[0], practice.staff[0]
    monday = next_monday(9).date()
    context = JobContext("job", 1, False, "cor", COMPANY, now)
    measure_minutes.measure_next(MeasureAvailable(company_id=COMPANY, branch_ids=(branch.id,)), context)
    drain()
    before = store.available(COMPANY, None, monday, monday)[monday]
    assert store.available(COMPANY, practice.branches[1].id, monday, monday) == {}
    current = practice_store.get(Staff, COMPANY, ada.id)
    idle = replace(current, hours={}, version=current.version + 1)
    manage.save(new_unit, idle, now)
    drain()
    assert store.available(COMPANY, None, monday, monday)[monday] < before
