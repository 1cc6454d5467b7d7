"""Groups in the table: opened, joined, left, moved, completed; limits, lists, calendars; too few at the deadline."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments import membership_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.store import AppointmentFilter
from chalicelib.booking.availability import search as slot_search
from chalicelib.booking.availability.search_query import SearchQuery
from chalicelib.booking.calendar.entries import Kind
from chalicelib.booking.changes.attendees import Attendance, change_attendees
from chalicelib.booking.changes.cancel import Cancellation, cancel
from chalicelib.booking.changes.reschedule import reschedule
from chalicelib.booking.changes.status import Mark, mark
from chalicelib.booking.creation.book import book
from chalicelib.booking.creation.hold import hold
from chalicelib.booking.creation.request import BookingRequest, SeatRequest
from chalicelib.booking.groups import minimum
from chalicelib.booking.groups.join import join
from chalicelib.booking.groups.leave import Leaver, leave
from chalicelib.booking.practice.policy import GroupPolicy, Limits, Policy
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.rules import limit_store
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.core.errors import DomainError, Invalid, NotFound
from chalicelib.core.rows import OutboxRow
from chalicelib.core.tables import fetch
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_practice import Practice, demo_practice
from tests.booking.calendars import read_calendar
from tests.booking.test_refusing import requests
from tests.conftest import EmbeddedAws
from tests.draining import drain

COMPANY = "com_test"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEN = datetime(2026, 11, 23, 15, tzinfo=UTC)
"""10:00 in New York, where Chloe and Dan give haircuts; here to several at once."""
MERGE = GroupPolicy(deadline_min=1440, below="merge")


def changing() -> ChangeContext[Any]:
    return ChangeContext(new_unit, COMPANY, lambda: NOW, connect=no_provider)


def new_unit(now: datetime = NOW) -> Unit:
    return Unit(COMPANY, clock=lambda: now)


def no_provider(name: str) -> Any:
    raise AssertionError("not asked")


def opened(seats: int = 3, least: int = 1, policy: Policy = Policy(), only_dan: bool = True) -> Practice:
    made = demo_practice(COMPANY, calcom=False)
    services = [*made.services]
    services[2] = replace(services[2], seats=seats, least_seats=least, policy=policy)
    members = [*made.staff]
    if only_dan:
        members[2] = replace(members[2], service_ids=(services[3].id,))
    save_practice(lambda: Unit(COMPANY), made.branches, services, members)
    return Practice(made.branches, tuple(services), tuple(members), made.event_types)


def contact(number: int) -> Contact:
    return Contact(name=f"Guest {number}", phone=f"+1212555{number:04}", email=f"guest{number}@example.com")


def booked(practice: Practice, number: int, at: datetime = TEN, now: datetime = NOW, **fields: Any) -> Appointment:
    known: dict[str, Any] = {"branch_id": practice.branches[1].id, "service": "Haircut", "starts_at": at}
    booking_request = BookingRequest(**(known | {"source": "web", "contact": contact(number)} | fields))
    return book(lambda: new_unit(now), COMPANY, booking_request, lambda: now).appointment


def joined(group: Appointment, number: int, now: datetime = NOW, **fields: Any) -> Appointment:
    return join(new_unit, COMPANY, group.id, SeatRequest(contact=contact(number), **fields), lambda: now)


def left(group: Appointment, number: int = 0) -> Appointment:
    seated = current(group).group.participants  # type: ignore[union-attr]
    who = seated[number].id if seated else "prt_none"
    return leave(changing(), group.id, Leaver(participant_id=who))


def current(group: Appointment) -> Appointment:
    return appointment_store.get_appointment(COMPANY, group.id)


def refused(work: Callable[[], object], code: str) -> DomainError:
    with pytest.raises(DomainError) as raised:
        work()
    assert raised.value.code == code
    return raised.value


def invalid(work: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(Invalid) as raised:
        work()
    return raised.value.faults[0].path, raised.value.faults[0].code


def kinds(practice: Practice, group: Appointment) -> list[Kind]:
    """What the calendar of who does it says at the time of the group."""
    member = next(member for member in practice.staff if member.id == group.staff_id)
    entries = read_calendar(member, group.entry()).entries()
    return [entry.kind for entry in entries if entry.start == group.starts_at]


def list_of(customer_id: str, **fields: Any) -> list[Appointment]:
    theirs = AppointmentFilter(company_id=COMPANY, by="customer", record_id=customer_id, **fields)
    return appointment_store.page_appointments(theirs, 50).data


def slots(practice: Practice, at: datetime = TEN) -> list[tuple[int, int | None]]:
    """The hours at which haircuts are offered that day, with seats left, on New York's clock."""
    query = SearchQuery(branch_ids=(practice.branches[1].id,), services=("Haircut",), first=at.date(), last=at.date())
    (found,) = slot_search.search(COMPANY, query, lambda: NOW)
    return [((one.start // 60 - 5) % 24, one.seats_left) for one in found.slots if one.start % 60 == 0]


def events() -> list[str]:
    return sorted(row.type for row in OutboxRow.scan() if row.type.startswith("booking."))


def test_bookings_of_one_time_share_a_group_until_it_is_full(aws: EmbeddedAws) -> None:
    practice = opened(seats=3)
    group = booked(practice, 1)
    assert kinds(practice, group) == [Kind.GROUP]
    assert (10, 2) in slots(practice)
    second = booked(practice, 2, seats=2)
    assert (second.id, second.group and second.group.left) == (group.id, 0)
    assert kinds(practice, group) == [Kind.BOOKING]
    assert 10 not in [hour for hour, _ in slots(practice)]
    # The customer is shown their own, and told of nobody else's number.
    assert second.customer_id != group.customer_id == current(group).customer_id
    assert refused(lambda: booked(practice, 1), "already_joined").extra["appointment_id"] == group.id
    refusal = refused(lambda: booked(practice, 3), "slot_taken")
    assert len(refusal.extra["alternatives"]) == 3
    assert events().count("booking.AppointmentBooked") == 1
    assert events().count("booking.ParticipantJoined") == 2


def test_a_full_group_answers_with_other_groups_that_have_the_seats(aws: EmbeddedAws) -> None:
    practice = opened(seats=2)
    booked(practice, 1, seats=2)
    beside = booked(practice, 2, TEN + timedelta(hours=1))
    refusal = refused(lambda: booked(practice, 3), "slot_taken")
    seats = {one["starts_at"]: one.get("seats_left") for one in refusal.extra["alternatives"]}
    assert seats["2026-11-23T11:00:00-05:00"] == 1
    for one in refusal.extra["alternatives"]:
        at = datetime.fromisoformat(one["starts_at"])
        made = booked(practice, 3, at, service=one["service_id"], staff=one["staff_id"])
        assert (made.id == beside.id) == ("seats_left" in one)
        left(made, -1)
    # Two seats together are not to be had there.
    more = refused(lambda: booked(practice, 3, seats=2), "slot_taken").extra["alternatives"]
    assert all("seats_left" not in one for one in more)


def test_every_slot_offered_is_bookable_with_all_its_seats_and_with_none_more(aws: EmbeddedAws) -> None:
    practice = opened(seats=4, only_dan=False, policy=Policy(staff_limits=Limits(per_day=2)))
    booked(practice, 1, staff="Dan Rossi")
    booked(practice, 2, staff="Chloe Park", seats=3)
    booked(practice, 3, TEN + timedelta(hours=2), staff="Dan Rossi", seats=2)  # Dan's second and last of this day
    query = SearchQuery(branch_ids=(practice.branches[1].id,), services=("Haircut",), first=TEN.date(), last=TEN.date())
    (found,) = slot_search.search(COMPANY, query, lambda: NOW)
    joinable = [slot for slot in found.slots if slot.seats_left != 4]
    assert [(len(slot.staff_ids), slot.seats_left) for slot in joinable] == [(1, 3), (1, 1), (1, 2)]
    assert all(slot.staff_ids == (practice.staff[2].id,) for slot in found.slots if slot.seats_left == 4)
    for number, slot in enumerate([*joinable, found.slots[-1]], start=10):
        at, staff, seats = datetime.fromtimestamp(slot.start * 60, UTC), slot.staff_ids[0], slot.seats_left or 0
        if seats < 4:
            refused(lambda a=at, s=staff, n=seats: booked(practice, 99, a, staff=s, seats=n + 1), "slot_taken")  # type: ignore[misc]
        made = booked(practice, number, at, staff=staff, seats=seats)
        assert made.group
        assert made.group.left == 0


def test_named_staff_have_their_own_group_and_another_service_sees_a_booking(aws: EmbeddedAws) -> None:
    practice = opened(seats=3, only_dan=False)
    dans = booked(practice, 1, staff="Dan Rossi")
    assert booked(practice, 2).id == dans.id
    chloes = booked(practice, 3, staff="Chloe Park")
    assert chloes.id != dans.id
    assert sorted(str(seats) for hour, seats in slots(practice) if hour == 10) == ["1", "2"]
    clash: dict[str, Any] = {"service": "Text consultation", "staff": "Chloe Park"}
    refused(lambda: booked(practice, 4, **clash), "slot_taken")
    # Half past ten meets both groups, and joins neither.
    refused(lambda: booked(practice, 4, TEN + timedelta(minutes=30)), "slot_taken")


def test_who_leaves_reopens_the_group_and_the_last_one_ends_it(aws: EmbeddedAws) -> None:
    practice = opened(seats=2)
    group = booked(practice, 1)
    full = joined(group, 2)
    assert kinds(practice, group) == [Kind.BOOKING]
    refused(lambda: joined(group, 2), "already_joined")
    refused(lambda: joined(group, 3), "slot_taken")
    first, second = [one.customer_id for one in full.group.participants]  # type: ignore[union-attr]
    after = left(group)
    assert (after.customer_id, kinds(practice, group)) == (second, [Kind.GROUP])
    assert (list_of(first), [one.id for one in list_of(second)]) == ([], [group.id])
    over = left(group)
    assert (over.status, over.cancellation_reason, kinds(practice, group)) == ("cancelled", "empty", [])
    assert list_of(second) == []
    refused(lambda: joined(group, 3), "not_joinable")
    refused(
        lambda: leave(changing(), group.id, Leaver(participant_id="prt_none")),
        "participant_not_found",
    )
    assert events().count("booking.ParticipantLeft") == 2
    assert events().count("booking.AppointmentCancelled") == 1


def test_who_joins_is_checked_by_the_rules(aws: EmbeddedAws) -> None:
    practice = opened(seats=9, policy=Policy(customer_limits=Limits(per_day=1), staff_limits=Limits(per_day=2)))
    group = booked(practice, 1)
    for number in (2, 3, 4):  # the group counts once for Dan
        joined(group, number)
    refusal = refused(lambda: booked(practice, 1, TEN + timedelta(hours=2)), "not_bookable")
    assert [one["code"] for one in refusal.extra["failures"]] == ["limit_reached"]
    late = TEN - timedelta(minutes=30)
    refusal = refused(lambda: joined(group, 5, late), "not_bookable")
    assert [one["code"] for one in refusal.extra["failures"]] == ["too_soon"]
    assert joined(group, 5, late, override=("minimum_notice",)).group.taken == 5  # type: ignore[union-attr]
    # Who leaves may book again on that day, and so may all once it is cancelled.
    left(group)
    assert booked(practice, 1, TEN + timedelta(hours=2)).id != group.id
    cancel(changing(), group.id, Cancellation())
    drain()
    assert booked(practice, 2, TEN + timedelta(hours=2)).group.taken == 2  # type: ignore[union-attr]


def test_moving_and_completing_a_group_follows_for_every_participant(aws: EmbeddedAws) -> None:
    practice = opened(seats=3, policy=Policy(customer_limits=Limits(per_day=5)))
    group = joined(booked(practice, 1), 2)
    assert group.group
    customers = [one.customer_id for one in group.group.participants]
    tuesday = TEN + timedelta(days=1)
    moved = reschedule(changing(), group.id, Move(starts_at=tuesday))
    assert kinds(practice, moved) == [Kind.GROUP]
    drain()
    for customer_id in customers:
        assert [one.id for one in list_of(customer_id, starts_from=datetime(2026, 11, 24, tzinfo=UTC))] == [group.id]
        assert list_of(customer_id, starts_until=datetime(2026, 11, 24, tzinfo=UTC)) == []
        assert [one.customer_id for one in list_of(customer_id, status="confirmed")] == [customer_id]
        assert list_of(customer_id, status="cancelled") == []
        assert counts(customer_id) == {"2026-11-23": 0, "2026-11-24": 1}
    mark(ChangeContext(new_unit, COMPANY, lambda: tuesday + timedelta(hours=1)), group.id, "completed", Mark())
    drain()
    drain()
    done = [limit_store.done_key(COMPANY, one, group.service_id) for one in customers]
    assert [row.tally for row in fetch(done)] == [1, 1]
    mark(ChangeContext(new_unit, COMPANY, lambda: tuesday + timedelta(hours=1)), group.id, "confirmed", Mark())
    drain()
    assert [row.tally for row in fetch(done)] == [0, 0]
    refused(
        lambda: change_attendees(changing(), group.id, Attendance(contact=contact(7))),
        "is_group",
    )


def counts(customer_id: str) -> dict[str, int]:
    names = {day: f"{customer_id}#customer#day#{day}" for day in ("2026-11-23", "2026-11-24")}
    rows = fetch([limit_store.counter_key(COMPANY, name) for name in names.values()])
    return {day: limit_store.counted(row) for day, row in zip(names, rows, strict=True)}


def test_too_few_at_the_deadline_are_cancelled_once_enough_are_left_alone(aws: EmbeddedAws) -> None:
    practice = opened(seats=3, least=2, policy=Policy(group=GroupPolicy(deadline_min=1440)))
    alone, enough = booked(practice, 1), booked(practice, 2, TEN + timedelta(hours=1), seats=2)
    assert sweep(TEN - timedelta(days=1, minutes=1)) == 0
    at = TEN - timedelta(hours=20)
    assert sweep(at) == 2
    assert (current(alone).status, current(alone).cancellation_reason) == ("cancelled", "below_minimum")
    assert kinds(practice, alone) == []
    assert (current(enough).status, current(enough).deadline()) == ("confirmed", None)
    assert sweep(at) == 0
    assert events().count("booking.AppointmentCancelled") == 1
    # Who comes so late could not be joined in time.
    refusal = refused(lambda: booked(practice, 3, now=at), "not_bookable")
    assert [one["code"] for one in refusal.extra["failures"]] == ["too_soon"]
    # What is past its deadline waits for its end.
    assert appointment_store.ended(TEN + timedelta(days=1), shard_of(enough), 9) == [(COMPANY, enough.id)]


def sweep(now: datetime) -> int:
    return minimum.check_deadlines(lambda _: new_unit(now), lambda: now)


def shard_of(group: Appointment) -> int:
    return next(
        n
        for n in range(appointment_store.ENDING_SHARDS)
        if (COMPANY, group.id) in appointment_store.ended(TEN + timedelta(9), n, 9)
    )


def test_too_few_join_the_group_that_can_take_them_and_each_is_told(aws: EmbeddedAws) -> None:
    policy = Policy(group=MERGE, customer_limits=Limits(per_day=5))
    practice = opened(seats=4, least=3, policy=policy)
    small = joined(booked(practice, 1), 2)
    nearer = booked(practice, 3, TEN + timedelta(hours=1), seats=3)  # no room for two more
    taker = booked(practice, 4, TEN + timedelta(hours=3), seats=2)
    other_day = booked(practice, 5, TEN + timedelta(days=1))
    assert sweep(TEN - timedelta(hours=22)) >= 1
    assert (current(small).status, current(small).cancellation_reason) == ("cancelled", "merged")
    assert current(nearer).group.taken == 3  # type: ignore[union-attr]
    assert current(other_day).group.taken == 1  # type: ignore[union-attr]
    after = current(taker)
    assert (after.status, after.group and after.group.taken) == ("confirmed", 4)
    assert (kinds(practice, small), kinds(practice, after)) == ([], [Kind.BOOKING])
    drain()
    drain()
    moved = [row.data for row in OutboxRow.scan() if row.type == "booking.ParticipantMoved"]
    assert len(moved) == 2
    for who in small.group.participants:  # type: ignore[union-attr]
        assert sum(who.customer_id in each for each in moved) == 1
        mine = {one.id: one.status for one in list_of(who.customer_id)}
        assert mine == {small.id: "cancelled", taker.id: "confirmed"}
        assert counts(who.customer_id)["2026-11-23"] == 1
    assert set(membership_store.memberships(COMPANY, taker.id)) == {one.customer_id for one in after.group.participants}  # type: ignore[union-attr]


def test_a_customer_of_both_groups_or_no_room_means_cancelled(aws: EmbeddedAws) -> None:
    practice = opened(seats=4, least=3, policy=Policy(group=MERGE))
    small = booked(practice, 1)
    booked(practice, 1, TEN + timedelta(hours=1), seats=3)
    assert sweep(TEN - timedelta(hours=23, minutes=30)) == 1
    assert current(small).cancellation_reason == "below_minimum"


def test_what_can_never_be_names_its_field(aws: EmbeddedAws) -> None:
    practice = opened(seats=3)
    assert invalid(lambda: booked(practice, 1, seats=4)) == ("body.seats", "more_than_seats")
    assert invalid(lambda: booked(practice, 1, service="Text consultation", seats=2)) == (
        "body.seats",
        "more_than_seats",
    )
    single = booked(practice, 1, service="Text consultation", staff="Chloe Park")
    refused(lambda: joined(single, 2), "not_joinable")
    with pytest.raises(NotFound):
        join(new_unit, COMPANY, "apt_none", SeatRequest(contact=contact(2)), lambda: NOW)
    visit = BookingRequest(branch_id=practice.branches[1].id, service="Haircut", starts_at=TEN, visitor=True)
    held = lambda: hold(lambda company_id: Unit(company_id), "203.0.113.7", visit, lambda: NOW)  # noqa: E731
    assert invalid(held) == ("body.service", "seats_not_held")
    group = booked(practice, 1)
    begun = TEN + timedelta(minutes=1)
    refused(lambda: joined(group, 2, begun), "not_joinable")
    refused(
        lambda: leave(ChangeContext(new_unit, COMPANY, lambda: begun), group.id, Leaver(customer_id=group.customer_id)),
        "not_leavable",
    )


def test_a_plain_booking_asks_nothing_of_groups_and_joining_one_takes_two_reads(aws: EmbeddedAws) -> None:
    practice = opened(seats=3)
    booked(practice, 1)
    plain = requests(lambda: booked(practice, 2, service="Text consultation", staff="Chloe Park"))
    assert plain == ["BatchGetItem", "TransactWriteItems"]
    assert requests(lambda: booked(practice, 3)) == ["BatchGetItem", "GetItem", "TransactWriteItems"]
    query = SearchQuery(branch_ids=(practice.branches[1].id,), services=("Haircut",), first=TEN.date(), last=TEN.date())

    def search() -> object:
        return slot_search.search(COMPANY, query, lambda: NOW)

    search()
    assert requests(search) == ["GetItem", "Query", "GetItem"]
    text = replace(query, services=("Text consultation",))
    assert requests(lambda: slot_search.search(COMPANY, text, lambda: NOW)) == ["GetItem", "Query"]
