"""What an appointment becomes by what a provider says of its booking."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.booking.appointments.appointment import BOOKING, Appointment, Attendee, PendingChange, TimeSlot
from chalicelib.booking.appointments.external import ExternalBooking
from chalicelib.booking.provider.state import with_external_state
from chalicelib.core.references import Reference

NOW = datetime(2026, 3, 1, tzinfo=UTC)
AT = datetime(2026, 3, 30, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def appointment(**fields: Any) -> Appointment:
    known: dict[str, Any] = {
        "id": "apt", "company_id": "com", "branch_id": "bra", "service_id": "svc", "staff_id": "ada",
        "customer_id": "cus", "starts_at": AT, "ends_at": AT + HOUR, "status": "confirmed", "source": "web",
        "home_branch_id": "bra", "resource_ids": ("room",), "provider": "toy", "references": (reference("uid"),),
        "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Appointment(**(known | fields))


def reference(uid: str) -> Reference:
    return Reference("toy", BOOKING, uid)


def told(starts_at: datetime, uid: str = "uid") -> ExternalBooking:
    return ExternalBooking(
        provider="toy",
        references=(reference(uid),),
        starts_at=starts_at,
        ends_at=starts_at + HOUR,
        status="confirmed",
        attendee=Attendee(name="Eve Stone", email="eve@example.com"),
        told_at=NOW,
    )


@pytest.mark.parametrize(
    ("starts_at", "rooms"),
    [(AT, ("room",)), (AT + timedelta(minutes=1), ())],
)
def test_rooms_are_kept_while_the_time_stays(starts_at: datetime, rooms: tuple[str, ...]) -> None:
    new = with_external_state(appointment(), told(starts_at), None, NOW)
    assert new.attendee
    assert (new.attendee.name, new.starts_at, new.resource_ids) == ("Eve Stone", starts_at, rooms)


def test_a_change_that_was_carried_out_takes_the_rooms_that_were_held_for_it() -> None:
    later = TimeSlot(
        starts_at=AT + HOUR, ends_at=AT + 2 * HOUR, staff_id="ada", home_branch_id="bra", resource_ids=("other",)
    )
    change = PendingChange(id="chg", kind="reschedule", by="staff", since=NOW, slot=later)
    new = with_external_state(appointment(pending_change=change), told(AT + HOUR, uid="new"), None, NOW)
    assert (new.slot(), new.pending_change, new.external_id) == (later, None, "new")
