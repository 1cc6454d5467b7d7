"""Kill the process before and after every outside call of a merger of groups: everyone is in one, and told once."""

from datetime import datetime, timedelta

import pytest

from chalicelib.booking.appointments import membership_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.groups import minimum, sync_participants
from chalicelib.booking.jobs import FollowGroup
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.core.jobs import JobContext
from chalicelib.core.rows import OutboxRow
from infra.local.demo_practice import Practice
from tests.booking.test_groups import COMPANY, MERGE, NOW, TEN, booked, current, new_unit, opened
from tests.conftest import EmbeddedAws
from tests.draining import drain
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import until_it_survives


@pytest.mark.slow
def test_a_merger_is_whole_whatever_dies(aws: EmbeddedAws) -> None:
    practice = opened(seats=4, least=2, policy=Policy(group=MERGE, customer_limits=Limits(per_day=5)))
    drain()
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        small, taker = _two_groups(practice, tried)
        late = small.starts_at - timedelta(hours=1)
        died = run_dying(lambda: _merge(small, taker, late), death)
        minimum.check_minimum(new_unit, COMPANY, small.id, lambda: late)
        drain()
        _merged_once(small, taker)
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls, {tried} deaths tried")
    assert calls >= 8


def _two_groups(practice: Practice, number: int) -> tuple[Appointment, Appointment]:
    day, turn = divmod(number, 4)
    at = TEN + timedelta(days=day // 5 * 7 + day % 5, hours=2 * turn - 1)
    small = booked(practice, 10 * number, at)
    return small, booked(practice, 10 * number + 1, at + timedelta(hours=1), seats=3)


def _merge(small: Appointment, taker: Appointment, late: datetime) -> None:
    minimum.check_minimum(new_unit, COMPANY, small.id, lambda: late)
    context = JobContext("job_test", 1, False, "cor_test", COMPANY, lambda: NOW)
    sync_participants.follow(FollowGroup(company_id=COMPANY, appointment_id=taker.id, merged_from=small.id), context)


def _merged_once(small: Appointment, taker: Appointment) -> None:
    assert (current(small).status, current(small).cancellation_reason) == ("cancelled", "merged")
    group = current(taker).group
    assert group
    assert [one.customer_id for one in group.participants] == [taker.customer_id, small.customer_id]
    kept = membership_store.memberships(COMPANY, taker.id)
    assert {customer: len(one.counted) for customer, one in kept.items()} == {
        taker.customer_id: 1,
        small.customer_id: 1,
    }
    assert [one.counted for one in membership_store.memberships(COMPANY, small.id).values()] == [()]
    events = [row for row in OutboxRow.scan() if row.type == "booking.ParticipantMoved" and small.id in str(row.data)]
    assert len(events) == 1
