"""Kill the process before and after every outside call; after recovery nothing is lost, doubled or half done."""

import os
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.calcom.reconcile_booking import reconcile
from chalicelib.booking.jobs import ReconcileBooking
from chalicelib.booking.tables import BookingRow, OccupancyRow
from chalicelib.calls.tables import CallRow
from chalicelib.core import aws, relay
from chalicelib.core.clock import now
from chalicelib.core.jobs import JobContext
from chalicelib.core.queues import NAMED_QUEUES
from chalicelib.core.rows import FailedJobRow, OutboxRow
from chalicelib.core.settings import settings
from infra.local.demo_practice import Practice
from infra.local.simulators.calcom import CalComSimulator
from tests.calls.conftest import calcom, call_function, signed, through_calcom  # noqa: F401 - fixtures
from tests.calls.test_phone_booking import booking_request
from tests.draining import drain
from tests.kills.dying import Death, run_dying
from tests.sizes import EVERY_MOMENT

MOST = 40
STEP = 4
MOMENTS: tuple[Literal["before", "after"], ...] = ("before", "after")


def until_it_survives(case: Callable[[Death], bool]) -> int:
    """Try every moment of dying, each n before and after; returns how many outside calls the work makes.

    `make test` tries every fourth n, before or after, from where chance begins.
    """
    for number in range(1, MOST) if EVERY_MOMENT else range(random.randint(1, STEP), MOST, STEP):
        moments = MOMENTS if EVERY_MOMENT else (random.choice(MOMENTS),)
        deaths = [Death(when, number) for when in moments]
        if not any([case(death) for death in deaths]):
            return number - 1 if EVERY_MOMENT else deaths[0].calls_made
    raise AssertionError(f"more than {MOST} outside calls")


def messages_come_back_at_once() -> None:
    """What a dead worker had received is there again at once, instead of after six minutes."""
    for queue in NAMED_QUEUES:
        url = settings().queue_url(queue)
        aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})


@pytest.mark.slow
def test_every_events_jobs_are_done_whatever_dies(through_calcom: Practice) -> None:  # noqa: F811
    messages_come_back_at_once()
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        call_id = f"retell-{tried}"
        event = {"event": "call_started", "call": {"call_id": call_id, "to_number": "+493055501000"}}
        accepted = os.pipe()

        def work() -> None:
            assert signed("/webhooks/retell", event).status == 204
            os.write(accepted[1], b"y")
            drain()

        died = run_dying(work, death)
        os.close(accepted[1])
        answered = os.read(accepted[0], 1)
        os.close(accepted[0])
        if not answered:  # Retell got no 2xx, so it sends again
            assert signed("/webhooks/retell", event).status == 204
        relay.sweep(now() + timedelta(minutes=5))
        drain()
        assert [row.pending for row in OutboxRow.scan() if row.pending] == []
        assert len([row for row in CallRow.scan() if row.data and call_id in row.data]) == 1
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls, {tried} deaths tried")
    assert calls >= 6
    assert list(FailedJobRow.scan()) == []


@pytest.mark.slow
def test_a_phone_booking_is_whole_on_both_sides_or_on_none(
    through_calcom: Practice,  # noqa: F811
    calcom: CalComSimulator,  # noqa: F811
) -> None:
    messages_come_back_at_once()
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        died = run_dying(lambda: call_function("book_appointment", booking_request(), call_id=f"retell-{tried}"), death)
        _recover()
        ours = [row.model(Appointment) for row in BookingRow.scan() if row.sk == "appointment"]
        active = [appointment for appointment in ours if appointment.status != "released"]
        theirs = [b for b in calcom.bookings.all.values() if b["status"] == "accepted"]
        assert {a.status for a in active} <= {"confirmed"}
        assert sorted(str(a.external_id) for a in active) == sorted(b["uid"] for b in theirs)
        taken = b"".join(bytes(getattr(w, f"d{n}") or b"") for w in OccupancyRow.scan() for n in range(7))
        assert len(taken) // 25 == len(active)
        # The caller says it once more, and is booked exactly once.
        again = call_function("book_appointment", booking_request(), call_id=f"retell-{tried}").json
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
