"""While Cal.com is switched off it is asked nothing, who wants something of it is told, and nothing is left."""

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.core import switches
from infra.local.demo_practice import Practice
from infra.local.invoking import call
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.calls.conftest import call_function, next_monday
from tests.functions.test_switched_off import ME, refused, turn

REQUEST = {"service": "Consultation", "name": "Eve Stone", "email": None}


def test_the_agent_says_that_it_cannot_book_and_nothing_is_taken(
    through_calcom: Practice, calcom: CalComSimulator
) -> None:
    args = REQUEST | {"starts_at": next_monday(10).replace(tzinfo=None).isoformat()}
    turn(switches.vendor("calcom"), off=True)
    answer = call_function("book_appointment", args)
    assert (answer.status, answer.json["status"], answer.json["code"]) == (200, "failed", "calcom_switched_off")
    assert "Shall we call you back?" in answer.json["message"]
    assert calcom.requests == []
    turn(switches.vendor("calcom"), off=False)
    assert call_function("book_appointment", args).json["status"] == "booked"


def test_the_agent_changes_nothing_while_calcom_is_off(through_calcom: Practice, calcom: CalComSimulator) -> None:
    made = call_function(
        "book_appointment", REQUEST | {"starts_at": next_monday(10).replace(tzinfo=None).isoformat()}
    ).json
    turn(switches.vendor("calcom"), off=True)
    for function, args in (("cancel_appointment", {}), ("reschedule_appointment", {"starts_at": "Monday at four"})):
        said = call_function(function, args).json
        assert (said["status"], said["code"]) == ("failed", "calcom_switched_off")
    found = appointment_store.get_appointment("com_test", made["appointment_id"])
    assert (found.status, found.starts_at) == ("confirmed", next_monday(10))
    turn(switches.vendor("calcom"), off=False)
    assert call_function("cancel_appointment", {}).json["status"] == "cancelled"


def test_a_client_is_told_that_calcom_is_off_and_the_time_stays_free(
    through_calcom: Practice, calcom: CalComSimulator
) -> None:
    body = {
        "branch_id": through_calcom.branches[0].id,
        "service": "Consultation",
        "starts_at": next_monday(10).isoformat(),
        "customer": {"phone": "+4915112345678"},
    }
    turn(switches.vendor("calcom"), off=True)
    answer = call("POST", "/api/appointments", caller=ME, body=body)
    assert refused(answer, "calcom_switched_off")
    turn(switches.vendor("calcom"), off=False)
    assert call("POST", "/api/appointments", caller=ME, body=body).status == 201
