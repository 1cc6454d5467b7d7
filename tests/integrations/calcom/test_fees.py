"""What cancelling costs through Cal.com: as it was when it was asked for."""

from chalicelib.booking.appointments import store as appointment_store
from infra.local.demo_practice import Practice
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.booking.test_fees import booked, cancelled, charging


def test_calcom_agrees_to_the_cancellation_and_the_fee_is_that_of_the_asking(
    through_calcom: Practice, calcom: CalComSimulator
) -> None:
    charging(through_calcom)
    made = booked(through_calcom)
    assert cancelled(made, reason="ill").json["fee_minor"] == 2500
    kept = appointment_store.get_appointment("com_test", made)
    assert (kept.status, kept.fee_minor, kept.currency) == ("cancelled", 2500, "EUR")
