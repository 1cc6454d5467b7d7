"""Whether we and Cal.com say the same, and what the recovery does that follows a crash or a lost answer."""

from datetime import timedelta

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment
from chalicelib.booking.calcom.reconcile_booking import reconcile
from chalicelib.booking.calcom.reconcile_change import settle_change
from chalicelib.booking.jobs import ReconcileBooking, SettleChange
from chalicelib.booking.tables import BookingRow, OccupancyRow
from chalicelib.core import relay
from chalicelib.core.clock import now
from chalicelib.core.jobs import JobContext
from chalicelib.core.rows import DirectoryRow
from infra.local.simulators.calcom import CalComSimulator
from infra.local.simulators.calcom_bookings import instant
from tests.draining import drain

COMPANY = "com_test"
LATER = JobContext("job", 1, False, "cor", COMPANY, lambda: now() + timedelta(minutes=3))


def ours() -> list[Appointment]:
    """Every appointment."""
    return [row.model(Appointment) for row in BookingRow.scan() if row.sk == "appointment"]


def recover() -> None:
    """What the sweep, the workers and the delayed jobs do within a few minutes."""
    relay.sweep(now() + timedelta(minutes=5))
    drain()
    for _ in range(3):
        for one in ours():
            if one.status == "held":
                reconcile(ReconcileBooking(company_id=COMPANY, appointment_id=one.id), LATER)
            current = appointment_store.get_appointment(COMPANY, one.id)
            if current.pending_change and current.status != "held":
                change_id = current.pending_change.id
                settle_change(SettleChange(company_id=COMPANY, appointment_id=one.id, change_id=change_id), LATER)
        drain()


def assert_both_sides_agree(calcom: CalComSimulator) -> None:
    """Same bookings at the same times with the same hosts, nothing pending, and exactly their time is taken."""
    active = [one for one in ours() if one.status not in OVER]
    assert [one.id for one in active if one.pending_change or one.status == "held"] == []
    theirs = [one for one in calcom.bookings.all.values() if one["status"] in ("accepted", "pending")]
    here = sorted((str(one.external_id), one.starts_at, one.external.host) for one in active)
    at_calcom = sorted((one["uid"], instant(one["start"], "start"), one["hosts"][0]["id"]) for one in theirs)
    assert here == at_calcom
    taken = b"".join(bytes(getattr(week, f"d{n}") or b"") for week in OccupancyRow.scan() for n in range(7))
    assert len(taken) // 25 == len([one for one in active if one.staff_id])


def clear(calcom: CalComSimulator) -> None:
    """Begin again with an empty calendar on both sides."""
    calcom.bookings.all.clear()
    bookings = BookingRow.sk.is_in("appointment", "cursor")
    claims = DirectoryRow.pk.startswith("calcom_uid#") | DirectoryRow.pk.startswith("calcom_booking#")
    for row in [*OccupancyRow.scan(), *BookingRow.scan(bookings), *DirectoryRow.scan(claims)]:
        row.delete()
