"""Figures: requests and capacity units for an event, a search, a night and a dashboard."""

from collections.abc import Callable
from datetime import timedelta

from benchmarks import system
from benchmarks.request_counts import Count, counted
from chalicelib.analytics import count_appointments, measure_minutes, rebuild_counters
from chalicelib.analytics.count_searches import count_search
from chalicelib.analytics.jobs import CountAppointment, MeasureAvailable
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.core.clock import now
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import Caller, call

YEARS = 730
DAYS_APART = 7
CONTEXT = JobContext("job", 1, False, "cor", system.COMPANY, now)


def costs(practice: Practice) -> list[tuple[str, Count]]:
    """Each once, with appointments in every week of two years."""
    branch = practice.branches[0]
    all_of_them = [_booked(practice, days) for days in range(0, YEARS, DAYS_APART)]
    list(rebuild_counters.rebuild(new_unit, system.COMPANY, now, lambda _: None))
    new, moved = _booked(practice, 3), _moved(all_of_them[-1])
    today = now().date()
    longest = {"from": (today - timedelta(days=YEARS)).isoformat(), "to": today.isoformat()}

    def request(name: str, **query: str) -> Callable[[], object]:
        return lambda: call("GET", f"/api/analytics/{name}", caller=Caller(system.COMPANY), query=query or None)

    operations: list[tuple[str, Callable[[], object]]] = [
        ("event of a booking, counted", lambda: _count(new)),
        ("event of a booking, again", lambda: _count(new)),
        ("event of a move to another month, counted", lambda: _count(moved)),
        ("search of free times, counted", lambda: count_search(system.COMPANY, branch.id, branch.zone, now)),
        ("available minutes of a branch, 70 days", lambda: measure_minutes.measure_next(_measure(), CONTEXT)),
        ("GET /api/analytics/sources, 30 days", request("sources")),
        ("GET /api/analytics/sources, two years", request("sources", **longest)),
        ("GET /api/analytics/conversion, two years", request("conversion", **longest)),
        (
            "GET /api/analytics/utilisation, two years of a branch",
            request("utilisation", branch_id=branch.id, **longest),
        ),
    ]
    found = []
    for name, operation in operations:
        with counted() as count:
            operation()
        found.append((name, count))
    return found


def new_unit() -> Unit:
    return Unit(system.COMPANY)


def _measure() -> MeasureAvailable:
    return MeasureAvailable(company_id=system.COMPANY)


def _count(appointment: Appointment) -> None:
    job = CountAppointment(company_id=system.COMPANY, appointment_id=appointment.id, branch_id=appointment.branch_id)
    count_appointments.count(job, CONTEXT)


def _booked(practice: Practice, days_ago: int) -> Appointment:
    at = now() - timedelta(days=days_ago)
    made = Appointment(
        id=new_id("apt"), company_id=system.COMPANY, branch_id=practice.branches[0].id,
        service_id=practice.services[days_ago % 3].id, staff_id="stf_1", customer_id="cus_1", starts_at=at,
        ends_at=at + timedelta(minutes=30), status="completed", source="web", created_at=at - timedelta(days=9),
        updated_at=at,
    )  # fmt: skip
    unit = new_unit()
    appointment_store.add_appointment(unit, made)
    unit.commit()
    return made


def _moved(appointment: Appointment) -> Appointment:
    at = appointment.starts_at + timedelta(days=40)
    moved = appointment.changed(now(), starts_at=at, ends_at=at + timedelta(minutes=30))
    unit = new_unit()
    appointment_store.save_appointment(unit, moved)
    unit.commit()
    return moved
