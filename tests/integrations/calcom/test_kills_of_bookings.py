"""Kill the process before and after every outside call of a phone booking: whole on both sides, or on none."""

from datetime import timedelta

import pytest

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.jobs import ReconcileBooking
from chalicelib.booking.provider.reconcile_booking import reconcile
from chalicelib.booking.tables import BookingRow, OccupancyRow
from chalicelib.calls.tables import CallRow
from chalicelib.core import relay
from chalicelib.core.clock import now
from chalicelib.core.jobs import JobContext
from infra.local.demo_practice import Practice
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.calls.conftest import ask, wish
from tests.draining import drain
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import messages_come_back_at_once, until_it_survives


@pytest.mark.slow
def test_a_phone_booking_is_whole_on_both_sides_or_on_none(
    through_calcom: Practice,
    calcom: CalComSimulator,
) -> None:
    messages_come_back_at_once()
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        died = run_dying(lambda: ask("book_appointment", wish(), call_id=f"retell-{tried}"), death)
        _recover()
        ours = [row.model(Appointment) for row in BookingRow.scan() if row.sk == "appointment"]
        standing = [appointment for appointment in ours if appointment.status != "released"]
        theirs = [b for b in calcom.bookings.all.values() if b["status"] == "accepted"]
        assert {a.status for a in standing} <= {"confirmed"}
        assert sorted(str(a.external_id) for a in standing) == sorted(b["uid"] for b in theirs)
        taken = b"".join(bytes(getattr(w, f"d{n}") or b"") for w in OccupancyRow.scan() for n in range(7))
        assert len(taken) // 25 == len(standing)
        # The caller says it once more, and is booked exactly once.
        again = ask("book_appointment", wish(), call_id=f"retell-{tried}").json
        assert again["status"] == "booked"
        drain()
        assert len([b for b in calcom.bookings.all.values() if b["status"] == "accepted"]) == 1
        link = [row for row in CallRow.scan() if row.link and again["appointment_id"] in row.link]
        assert len(link) == 1
        assert '"booking_confirmed":true' in link[0].link
        _clear(calcom)
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls, {tried} deaths tried")
    assert calls >= 5


def _recover() -> None:
    relay.sweep(now() + timedelta(minutes=5))
    for row in list(BookingRow.scan(BookingRow.status == "held")):
        appointment = row.model(Appointment)
        late = JobContext("job", 1, False, "cor", "com_test", lambda: now() + timedelta(minutes=3))
        reconcile(ReconcileBooking(company_id="com_test", appointment_id=appointment.id), late)
        assert appointment_store.get_appointment("com_test", appointment.id).status in ("confirmed", "released")
    drain()


def _clear(simulator: CalComSimulator) -> None:
    for made in simulator.bookings.all.values():
        made["status"] = "cancelled"
    for row in [*OccupancyRow.scan(), *BookingRow.scan(BookingRow.sk == "appointment"), *CallRow.scan()]:
        row.delete()
