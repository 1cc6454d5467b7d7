"""Many at one group: seats are never oversold, calendars say what is left, and nobody is in it twice."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments import membership_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.store import AppointmentFilter
from chalicelib.booking.calendar.entries import Kind
from chalicelib.booking.changes.cancel import Cancellation, cancel
from chalicelib.booking.changes.reschedule import reschedule
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.core.errors import Conflict, DomainError, NotFound
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from tests.booking.test_groups import (
    COMPANY,
    NOW,
    TEN,
    booked,
    current,
    joined,
    kinds,
    left,
    new_unit,
    no_provider,
    opened,
    tallies,
)
from tests.conftest import EmbeddedAws
from tests.draining import drain
from tests.races.together import all_decide_before_any_commits, many_at_once
from tests.sizes import ROUNDS

THREADS = 32


def changing() -> ChangeContext[Any]:
    return ChangeContext(new_unit, COMPANY, lambda: NOW, connect=no_provider)


def at_once(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    return many_at_once(work, threads)


def groups() -> list[Appointment]:
    found = appointment_store.each_appointment(AppointmentFilter(company_id=COMPANY))
    return [current(one) for one in found]


def agrees(practice: Practice, group: Appointment) -> None:
    """Nobody twice, nobody too many; the calendar and the participants' lists say the same."""
    assert group.group
    customers = [one.customer_id for one in group.group.participants]
    assert group.group.taken <= group.group.seats
    assert len(customers) == len(set(customers))
    assert set(membership_store.memberships(COMPANY, group.id)) == set(customers)
    if group.status == "cancelled":
        assert (customers, group.cancellation_reason) == ([], "empty")
    else:
        assert kinds(practice, group) == [Kind.BOOKING if group.group.full else Kind.GROUP]
        assert customers[0] == group.customer_id


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_thirty_two_want_five_seats_of_which_none_stands_yet(aws: EmbeddedAws, round_number: int) -> None:
    practice = opened(seats=5, policy=Policy(customer_limits=Limits(per_day=1)))
    outcomes = at_once(lambda n: booked(practice, n))
    won = [outcome for outcome in outcomes if isinstance(outcome, Appointment)]
    lost = {outcome.code for outcome in outcomes if isinstance(outcome, DomainError)}
    assert (len(won), lost) == (5, {"slot_taken"}), outcomes
    (group,) = groups()
    assert group.group
    assert group.group.full
    agrees(practice, group)
    assert {one.customer_id for one in won} == {one.customer_id for one in group.group.participants}
    assert all(tallies(one.customer_id)["2026-11-23"] == 1 for one in won)


LIMIT = 2
TEAM = 6


def opened_with_team(policy: Policy) -> Practice:
    """New York with six who give haircuts to three at once."""
    made = opened(policy=policy)
    dan = made.staff[3]
    others = [replace(dan, id=f"stf_0000000000000000HAR{n}", name=f"H {n}", references=()) for n in range(1, TEAM)]
    team = (dan, *others)
    save_practice(lambda: Unit(COMPANY), made.branches, made.services, [*made.staff[:3], *team])
    return Practice(made.branches, made.services, team, made.event_types)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_a_limit_of_groups_is_reached_and_never_exceeded(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, round_number: int
) -> None:
    """Each opens a group with their own member of staff, so only the limit's counter keeps them apart."""
    practice = opened_with_team(Policy(service_limits=Limits(per_day=LIMIT)))
    with monkeypatch.context() as patched:
        all_decide_before_any_commits(patched, TEAM)
        outcomes = at_once(lambda n: booked(practice, n, staff=practice.staff[n].id), TEAM)
    won = [one for one in outcomes if isinstance(one, Appointment)]
    assert (len(won), len(groups())) == (LIMIT, LIMIT)
    assert {one.code for one in outcomes if isinstance(one, DomainError)} == {"not_bookable"}


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_the_limit_of_a_customer_who_joins_several_groups_at_once_is_never_exceeded(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, round_number: int
) -> None:
    """The groups are those of different staff, and the customer is known: only the limit's counter keeps them apart."""
    practice = opened_with_team(Policy(customer_limits=Limits(per_day=LIMIT)))
    standing = [booked(practice, n, staff=practice.staff[n].id) for n in range(TEAM)]
    known = booked(practice, 99, TEN + timedelta(days=1)).customer_id
    with monkeypatch.context() as patched:
        all_decide_before_any_commits(patched, TEAM)
        outcomes = at_once(lambda n: joined(standing[n], 99), TEAM)
    won = [one for one in outcomes if isinstance(one, Appointment)]
    assert len(won) == LIMIT
    assert {one.code for one in outcomes if isinstance(one, DomainError)} == {"not_bookable"}
    assert tallies(known)["2026-11-23"] == LIMIT
    for group in groups():
        assert set(membership_store.memberships(COMPANY, group.id)) == {
            one.customer_id for one in (group.group.participants if group.group else ())
        }


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_joins_of_several_seats_and_leaves_at_once_keep_to_the_seats(aws: EmbeddedAws, round_number: int) -> None:
    practice = opened(seats=6)
    chance = random.Random(round_number)
    group = booked(practice, 100)
    for number in (101, 102):
        booked(practice, number, seats=2)
    seats = [chance.randint(1, 3) for _ in range(THREADS)]

    def work(number: int) -> Any:
        return left(group) if number % 3 == 0 else booked(practice, number, seats=seats[number])

    outcomes = at_once(work)
    unexpected = {outcome.code for outcome in outcomes if isinstance(outcome, DomainError)}
    # Whoever leaves names a participant whom another thread may have taken out before.
    assert unexpected <= {"slot_taken", "participant_not_found", "not_leavable"}, unexpected
    for one in groups():
        agrees(practice, one)


def test_one_customer_who_joins_often_is_in_it_once(aws: EmbeddedAws) -> None:
    practice = opened(seats=9)
    outcomes = at_once(lambda _: booked(practice, 1), threads=8)
    won = [outcome for outcome in outcomes if isinstance(outcome, Appointment)]
    assert (len(won), {one.code for one in outcomes if isinstance(one, DomainError)}) == (1, {"already_joined"})
    (group,) = groups()
    agrees(practice, group)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_whatever_is_done_to_groups_at_once_lists_limits_and_calendars_agree(
    aws: EmbeddedAws, round_number: int
) -> None:
    practice = opened(seats=4, only_dan=False, policy=Policy(customer_limits=Limits(per_day=9)))
    standing = [booked(practice, n, TEN + timedelta(hours=n)) for n in range(3)]

    def work(number: int) -> None:
        chance = random.Random(100 * round_number + number)
        for _ in range(4):
            one, at = chance.choice(standing), TEN + timedelta(days=chance.randrange(2), hours=chance.randrange(6))
            step = chance.choice(("book", "book", "book", "leave", "leave", "move", "cancel"))
            # What is refused is refused for a reason known.
            with suppress(Conflict, NotFound):
                if step == "book":
                    booked(practice, 10 + chance.randrange(12), at, seats=chance.randint(1, 3))
                elif step == "leave":
                    left(one)
                elif step == "move":
                    reschedule(changing(), one.id, Move(starts_at=at))
                else:
                    cancel(changing(), one.id, Cancellation())

    assert [each for each in at_once(work, threads=12) if each is not None] == []
    drain()
    drain()
    expected: Counter[tuple[str, str]] = Counter()
    for group in groups():
        assert group.group
        kept = membership_store.memberships(COMPANY, group.id)
        assert set(kept) == {one.customer_id for one in group.group.participants}
        assert {one.starts_at for one in kept.values()} <= {group.starts_at}
        assert group.group.taken <= group.group.seats
        if group.status == "confirmed":
            assert kinds(practice, group) == [Kind.BOOKING if group.group.full else Kind.GROUP]
            expected.update((customer_id, group.starts_at.date().isoformat()) for customer_id in kept)
    for customer_id in {
        customer_id for group in groups() for customer_id in membership_store.memberships(COMPANY, group.id)
    }:
        assert tallies(customer_id) == {day: expected[customer_id, day] for day in ("2026-11-23", "2026-11-24")}
