"""Many backfills of the same calls at once: each call gets one appointment, each booking of Cal.com's one record."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.tables import BookingRow
from chalicelib.calls import chain
from chalicelib.calls.backfill import Outcome
from tests.calls.backlog import COMPANY, details, recorded, run_all
from tests.conftest import EmbeddedAws, open_practice
from tests.sizes import ROUNDS

AT_ONCE = 6


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_each_call_gets_one_appointment(aws: EmbeddedAws, round_number: int) -> None:
    open_practice(COMPANY, calcom=True)
    calls = [recorded(number, details(number, phone="+4915100000001")) for number in range(1, 9)]
    gate = Barrier(AT_ONCE)

    def work(_: int) -> list[Outcome]:
        gate.wait()
        return run_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = [outcome for found in pool.map(work, range(AT_ONCE)) for outcome in found]
    assert sorted(o.call_id for o in outcomes if o.done == "booked") == sorted(one.id for one in calls)
    assert {o.done for o in outcomes} <= {"booked", "nothing"}
    made = [row.model(Appointment) for row in BookingRow.scan() if row.sk == "appointment"]
    assert sorted(str(a.call_id) for a in made) == sorted(one.id for one in calls)
    assert len({a.customer_id for a in made}) == 1
    assert all(verdict.valid for _, verdict in chain.validate_all(COMPANY))
