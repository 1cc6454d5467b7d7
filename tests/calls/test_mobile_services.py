"""What the voice agent offers around mobile services, and that it offers none itself."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.booking.creation.book import book
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.practice.models import GeoAddress
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.calls.call import CallFacts
from chalicelib.calls.caller import Caller
from chalicelib.calls.free_times import offer
from chalicelib.calls.function_args import AvailabilityArgs
from chalicelib.core.errors import Invalid
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_practice import Practice

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEN = datetime(2026, 11, 23, 15, tzinfo=UTC)
"""10:00 in New York."""
CALLER = Caller(None, "com_test", None, CallFacts(retell_call_id="free-ways"))


def test_times_next_to_a_visit_far_away_are_not_offered_and_visits_need_a_colleague(practice: Practice) -> None:
    new_york = replace(practice.branches[1], place=GeoAddress(40.75, -74.0))
    visit = replace(practice.services[2], id="svc_0000000000000000V1S1T", number=9, name="Visit", mobile=True)
    dan = replace(practice.staff[3], service_ids=(*practice.staff[3].service_ids, visit.id))
    save_practice(
        lambda: Unit("com_test"),
        [practice.branches[0], new_york],
        [*practice.services, visit],
        [*practice.staff[:3], dan],
    )
    for hour in range(0, 7, 2):
        booking_request = BookingRequest(
            branch_id=new_york.id, service="Visit", starts_at=TEN + timedelta(hours=hour), source="api", staff=dan.id,
            contact=Contact(phone="+12125550199"), address=GeoAddress(41.05, -74.0),
        )  # fmt: skip
        book(lambda: Unit("com_test", clock=lambda: NOW), "com_test", booking_request, lambda: NOW)
    args = AvailabilityArgs(service="Haircut", date="2026-11-23", staff=dan.id)
    # An hour and a quarter lies between the visits; the way takes fifty minutes.
    assert offer(CALLER, new_york.id, args, NOW)["slots"] == []
    with pytest.raises(Invalid) as refused:
        offer(CALLER, new_york.id, replace(args, service="Visit"), NOW)
    assert refused.value.faults[0].path == "args.service"
