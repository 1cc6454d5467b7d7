"""Offers of the waiting list in a branch that books through Cal.com."""

from msgspec.structs import replace

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.jobs import OfferOpening
from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.practice_admin import manage
from chalicelib.booking.waitlist.make_offers import offer_opening
from chalicelib.core.clock import now
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import call
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.calls.telephone import COMPANY, context
from tests.functions.waiting import FIRST, reply, state, waits, wish
from tests.races.test_waiting_list import link_of


def through_link(practice: Practice) -> tuple[str, str]:
    """Somebody who waits in a branch that books through Cal.com, and the link they got."""
    one = waits(practice.branches[0], FIRST, "eve@example.com")
    offer_opening(OfferOpening(company_id=COMPANY, branch_ids=(practice.branches[0].id,)), context())
    return one, link_of(FIRST)


def test_at_calcom_too(through_calcom: Practice, calcom: CalComSimulator) -> None:
    one, token = through_link(through_calcom)
    made = reply(f"/public/offers/{token}", "accept")
    assert (made.status, made.json["status"]) == (200, "confirmed"), made
    visit = appointment_store.get_appointment(COMPANY, made.json["appointment_id"])
    assert visit.external_id is not None
    assert state(one).status == "booked"


def test_what_calcom_does_not_have_is_waited_for_again(through_calcom: Practice, calcom: CalComSimulator) -> None:
    one, token = through_link(through_calcom)
    calcom.fault(path="/v2/bookings", method="POST", status=409, message="no_available_users_found_error", times=1)
    refused = reply(f"/public/offers/{token}", "accept")
    assert (refused.status, refused.json["code"]) == (409, "slot_taken")
    assert reply(f"/public/offers/{token}", "accept").json["code"] == "offer_withdrawn"
    job = OfferOpening(company_id=COMPANY, appointment_id=str(state(one).appointment_id), reason="calcom_slot_taken")
    for _ in range(2):
        offer_opening(job, context())
    assert (state(one).status, state(one).offers[0].outcome) == ("waiting", "gone")
    assert [row.type for row in OutboxRow.scan()].count("booking.WaitingOfferEnded") == 1


def test_nobody_waits_for_a_deposit_that_calcom_would_not_wait_for(through_calcom: Practice) -> None:
    known = through_calcom.branches[0]
    branch = replace(known, policy=Policy(deposit_minor=5000), version=known.version + 1)
    manage.save(lambda: Unit(COMPANY), branch, now)
    answer = call("POST", "/public/waiting-list", body=wish(branch, customer={"phone": FIRST}))
    assert (answer.status, answer.json["errors"][0]["path"]) == (422, "body.services[0]"), answer
    assert answer.json["errors"][0]["code"] == "not_waited_for"
