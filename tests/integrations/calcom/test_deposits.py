"""Cal.com confirms by itself, so nobody can owe a deposit there."""

from infra.local.demo_practice import Practice
from infra.local.invoking import call
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.booking.test_deposits import asking, wish


def test_calcom_confirms_by_itself_so_visitors_cannot_owe_there(
    through_calcom: Practice, calcom: CalComSimulator
) -> None:
    asking(through_calcom)
    refused = call("POST", "/public/appointments", body=wish(through_calcom))
    assert (refused.status, refused.json["code"]) == (409, "not_bookable")
    assert "failures" not in refused.json
