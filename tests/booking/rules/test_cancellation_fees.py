"""What cancelling costs, to the last minor unit and the last instant at which it is free."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments.appointment import InPackage
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.policy import Cancellation, Policy
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.rules.cancellation_fees import Fee, fee_by, fee_for, noted, share
from chalicelib.core.unit import Unit
from infra.local.demo_practice import demo_practice
from tests.booking.rules.salon import CUT, TALK, TEN, appointment, salon
from tests.conftest import EmbeddedAws

INSTANT = timedelta(microseconds=1)


def charging(**agreed: int) -> Schedule:
    """The salon, where a haircut for 49.99 dollars is cancelled on these terms."""
    service: Service = replace(CUT, price_minor=4999, policy=Policy(cancellation=Cancellation(**agreed)))
    return salon(service, currency="USD")


def test_without_terms_cancelling_is_free_at_any_time() -> None:
    assert fee_by(salon(), appointment(), TEN + timedelta(days=1)) == Fee(currency="EUR")
    assert fee_by(charging(notice_min=60), appointment(), TEN) == Fee(currency="USD")


@pytest.mark.parametrize(("after", "minor"), [(-INSTANT, 0), (timedelta(0), 0), (INSTANT, 2000)])
@pytest.mark.parametrize("notice_min", [0, 60])
def test_the_last_free_instant_is_the_notice_before_the_start(after: timedelta, minor: int, notice_min: int) -> None:
    free_until = TEN - timedelta(minutes=notice_min)
    found = fee_by(charging(notice_min=notice_min, fee_minor=2000), appointment(), free_until + after)
    assert found == Fee(minor=minor, currency="USD", free_until=free_until)


def test_a_fixed_fee_goes_before_a_share_of_the_price() -> None:
    assert fee_by(charging(fee_minor=1, fee_percent=50), appointment(), TEN + INSTANT).minor == 1
    assert fee_by(charging(fee_percent=50), appointment(), TEN + INSTANT).minor == 2500


@pytest.mark.parametrize(
    ("price", "percent", "minor"),
    [
        (4999, 50, 2500), (4998, 50, 2499), (101, 49, 49), (149, 33, 49), (150, 33, 50), (1, 50, 1), (1, 49, 0),
        (7, 100, 7), (7, 0, 0),
    ],
)  # fmt: skip
def test_half_a_minor_unit_is_rounded_up(price: int, percent: int, minor: int) -> None:
    assert share(price, percent) == minor


def test_a_package_costs_by_its_own_terms_and_what_is_offered_no_more_nothing() -> None:
    here = charging(fee_minor=2000)
    part = appointment(service_id=TALK.id, package=InPackage("pkg_1", CUT.id))
    assert fee_by(here, part, TEN + INSTANT).minor == 2000
    assert fee_by(here, appointment(service_id="svc_gone"), TEN + INSTANT) == Fee()


@pytest.mark.parametrize("status", ["requested", "held", "cancelled", "completed", "no_show"])
def test_what_does_not_stand_is_given_back_for_nothing(status: str) -> None:
    # Read by nobody: there are no tables here.
    assert fee_for(appointment(status=status), TEN + INSTANT) == Fee()


def test_a_fee_is_noted_with_the_appointment_or_as_waived() -> None:
    fee = Fee(minor=2000, currency="USD", free_until=TEN)
    assert noted(fee, waived=False) == ({"fee_minor": 2000, "currency": "USD"}, {"fee": "2000 USD"})
    assert noted(fee, waived=True) == ({}, {"fee_waived": "2000 USD"})
    for waived in (True, False):
        assert noted(Fee(currency="USD"), waived=waived) == ({}, {})
    assert noted(Fee(minor=1, currency="USD"), waived=False)[0] == {"fee_minor": 1, "currency": "USD"}


def test_the_fee_is_that_of_the_schedule_as_it_stands(aws: EmbeddedAws) -> None:
    made = demo_practice("com", calcom=False)
    service = replace(made.services[0], policy=Policy(cancellation=Cancellation(fee_minor=2000)))
    save_practice(lambda: Unit("com"), made.branches, (service, *made.services[1:]), made.staff)
    here = appointment(branch_id=made.branches[0].id, service_id=service.id)
    assert fee_for(here, TEN + INSTANT).minor == 2000
    assert fee_for(here, TEN).minor == 0
    assert fee_for(replace(here, branch_id="bra_gone"), TEN + INSTANT) == Fee()
    assert fee_for(replace(here, company_id="other"), TEN + INSTANT) == Fee()
