"""Whether we and a booking provider say the same, and what the recovery does that follows a crash or a lost answer."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment
from chalicelib.booking.jobs import ReconcileBooking, SettleChange
from chalicelib.booking.provider.reconcile_booking import reconcile
from chalicelib.booking.provider.reconcile_change import settle_change
from chalicelib.booking.tables import BookingRow, OccupancyRow
from chalicelib.core import relay
from chalicelib.core.clock import now
from chalicelib.core.jobs import JobContext
from chalicelib.core.rows import DirectoryRow
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


def assert_ours_are(there: Iterable[tuple[str, datetime, str]]) -> None:
    """What stands here has these ids, times and hosts there; nothing is pending, and just its time is taken."""
    standing = [one for one in ours() if one.status not in OVER]
    assert [one.id for one in standing if one.pending_change or one.status == "held"] == []
    here = sorted((str(one.external_id), one.starts_at, one.external.host) for one in standing)
    assert here == sorted(there)
    taken = b"".join(bytes(getattr(week, f"d{n}") or b"") for week in OccupancyRow.scan() for n in range(7))
    assert len(taken) // 25 == len([one for one in standing if one.staff_id])


def forget_bookings() -> None:
    """Begin again with an empty calendar, as if nothing had been heard of the provider."""
    bookings = BookingRow.sk.is_in("appointment", "cursor")
    claims = DirectoryRow.pk.startswith("external#") & ~DirectoryRow.pk.contains("#service#")
    for row in [*OccupancyRow.scan(), *BookingRow.scan(bookings), *DirectoryRow.scan(claims)]:
        row.delete()
