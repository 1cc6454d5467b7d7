"""What the rules say of a booking: all failures at once, limits, blocks, consultations, rooms, lengths, approval."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.allocation.assignment import Preference
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.changes import complete
from chalicelib.booking.changes.cancel import Cancellation, cancel
from chalicelib.booking.changes.reschedule import reschedule
from chalicelib.booking.changes.status import Mark, confirm, mark
from chalicelib.booking.creation.book import book
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.practice.models import Branch, Resource, Service, Skill, Staff
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.rules import block_customer
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.core import audit
from chalicelib.core import aws as aws_clients
from chalicelib.core.errors import Conflict
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_practice import Practice, demo_practice
from tests.conftest import EmbeddedAws

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
TEN = MONDAY + timedelta(hours=15)
"""10:00 in New York."""
EVE = Contact(name="Eve", phone="+12125550199")
TOM = Contact(name="Tom", phone="+12125550198")


def changing() -> ChangeContext[Any]:
    return ChangeContext(new_unit, "com_test", clock, connect=no_provider)


def clock() -> datetime:
    return NOW


def new_unit() -> Unit:
    return Unit("com_test", clock=clock)


def no_provider(name: str) -> Any:
    raise AssertionError("not asked")


def opened(
    service: dict[str, Any] | None = None,
    branch: dict[str, Any] | None = None,
    staff: dict[str, Any] | None = None,
    rooms: int = 0,
) -> Practice:
    """The demo practice; what differs of New York's haircut, of New York, of Dan who works there, and its rooms."""
    made = demo_practice("com_test", calcom=False)
    services: list[Service] = [*made.services]
    services[2] = replace(services[2], **(service or {}))
    branches: list[Branch] = [*made.branches]
    branches[1] = replace(branches[1], **(branch or {}))
    members: list[Staff] = [*made.staff]
    members[3] = replace(members[3], **(staff or {}))
    chairs = [
        Resource(
            id=f"res_0000000000000000000{n}",
            company_id="com_test",
            branch_id=branches[1].id,
            kind="chair",
            name=f"Chair {n}",
        )
        for n in range(rooms)
    ]
    save_practice(lambda: Unit("com_test"), branches, services, members, chairs)
    return Practice(tuple(branches), tuple(services), tuple(members), made.event_types)


def booked(practice: Practice, at: datetime = TEN, now: datetime = NOW, **fields: Any) -> Appointment:
    known: dict[str, Any] = {"branch_id": practice.branches[1].id, "service": "Haircut", "starts_at": at}
    known |= {"source": "api", "contact": EVE}
    booking_request = BookingRequest(**(known | fields))
    return book(new_unit, "com_test", booking_request, lambda: now).appointment


def refused(work: Callable[[], object], code: str = "not_bookable") -> Conflict:
    with pytest.raises(Conflict) as raised:
        work()
    assert raised.value.code == code
    return raised.value


def codes(refusal: Conflict) -> list[str]:
    return [failure["code"] for failure in refusal.extra["failures"]]


def requests(work: Callable[[], object]) -> list[str]:
    calls: list[str] = []
    aws_clients.call_hooks.append(lambda when, name: calls.append(name) if when == "before" else None)
    try:
        work()
    finally:
        aws_clients.call_hooks.clear()
    return [call.removeprefix("dynamodb.") for call in calls]


def test_all_failures_come_back_together_and_named_ones_may_be_overridden(aws: EmbeddedAws) -> None:
    practice = opened()
    sunday = MONDAY - timedelta(days=1) + timedelta(hours=15)
    hurried = sunday - timedelta(minutes=30)
    refusal = refused(lambda: booked(practice, sunday, hurried))
    assert codes(refusal) == ["too_soon", "closed", "not_working"]
    assert {set(one) == {"rule", "code", "message"} for one in refusal.extra["failures"]} == {True}
    waived = ("minimum_notice", "business_hours")
    assert codes(refused(lambda: booked(practice, sunday, hurried, override=waived))) == ["not_working"]
    made = booked(practice, sunday, hurried, override=(*waived, "staff_availability", "limits"))
    entries = audit.entries("com_test", made.id, limit=10, cursor=None).data
    assert "minimum_notice,business_hours,staff_availability" in str(entries[0])


def test_too_far_ahead_is_a_rule_and_two_years_ahead_no_time_at_all(aws: EmbeddedAws) -> None:
    practice = opened()
    assert codes(refused(lambda: booked(practice, TEN + timedelta(days=91)))) == ["too_far_ahead"]


def test_a_limit_holds_is_read_along_and_is_given_back(aws: EmbeddedAws) -> None:
    practice = opened({"policy": Policy(service_limits=Limits(per_day=2), customer_limits=Limits(per_week=2))})
    first = booked(practice)
    customer: dict[str, Any] = {"customer_id": first.customer_id}
    seen = requests(lambda: booked(practice, TEN + timedelta(hours=1), **customer))
    assert seen == ["BatchGetItem", "TransactWriteItems"]
    other: dict[str, Any] = {"contact": Contact(name="Tom", phone="+12125550123")}
    refusal = refused(lambda: booked(practice, TEN + timedelta(hours=2), **other))
    assert codes(refusal) == ["limit_reached"]
    days = {datetime.fromisoformat(one["starts_at"]).day for one in refusal.extra["alternatives"]}
    assert days
    assert 23 not in days
    tuesday = booked(practice, TEN + timedelta(days=1), **other)
    assert codes(refused(lambda: booked(practice, TEN + timedelta(days=1), **customer))) == ["limit_reached"]
    move = Move(starts_at=TEN + timedelta(hours=3))
    assert codes(refused(lambda: reschedule(changing(), tuesday.id, move))) == ["limit_reached"]
    cancel(changing(), first.id, Cancellation())
    moved = reschedule(changing(), tuesday.id, move)
    assert [name.split("#")[-1] for name in moved.counted][:1] == ["2026-11-23"]
    assert codes(refused(lambda: booked(practice, TEN + timedelta(hours=4)))) == ["limit_reached"]
    assert booked(practice, TEN + timedelta(hours=4), override=("limits",))


def test_staff_who_can_take_no_more_leave_it_to_others_until_nobody_can(aws: EmbeddedAws) -> None:
    practice = opened(staff={"daily_maximum": 1, "priority": 9}, service={"policy": Policy(assignment="priority")})
    chloe, dan = practice.staff[2].id, practice.staff[3].id
    made = [booked(practice, TEN + timedelta(hours=n)) for n in range(2)]
    assert [one.staff_id for one in made] == [dan, chloe]
    assert codes(refused(lambda: booked(practice, TEN + timedelta(hours=2), staff=dan))) == ["limit_reached"]


def test_a_full_day_of_the_branch(aws: EmbeddedAws) -> None:
    practice = opened(branch={"policy": Policy(daily_maximum=1)})
    booked(practice)
    assert codes(refused(lambda: booked(practice, TEN + timedelta(hours=2)))) == ["day_full"]


def test_the_blocked_cannot_book_by_id_phone_or_email(aws: EmbeddedAws) -> None:
    practice = opened()
    made = booked(practice, contact=Contact(name="Eve", phone="+12125550199", email="eve@example.com"))
    block = block_customer.block(new_unit, "com_test", made.customer_id, Contact(), "")
    later = TEN + timedelta(hours=2)
    people: tuple[dict[str, Any], ...] = (
        {"customer_id": made.customer_id},
        {"contact": EVE},
        {"contact": Contact(email="eve@example.com")},
    )
    for who in people:
        refusal = refused(lambda who=who: booked(practice, later, **who))  # type: ignore[misc]
        assert (codes(refusal), refusal.extra["alternatives"]) == (["not_bookable"], [])
    block_customer.unblock(new_unit, "com_test", block.id)
    assert booked(practice, later)


def test_a_consultation_comes_first_and_is_offered(aws: EmbeddedAws) -> None:
    consultation = demo_practice("com_test").services[0].id
    practice = opened({"consultation_id": consultation})
    refusal = refused(lambda: booked(practice))
    assert codes(refusal) == ["consultation_required"]
    offered = refusal.extra["alternatives"][0]
    assert offered["service_id"] == consultation
    made = booked(practice, datetime.fromisoformat(offered["starts_at"]), service=consultation)
    assert codes(refused(lambda: booked(practice))) == ["consultation_required"]
    after = made.ends_at + timedelta(minutes=1)
    assert complete.complete_ended(lambda company_id: Unit(company_id), lambda: after) == 1
    assert complete.complete_ended(lambda company_id: Unit(company_id), lambda: after) == 0
    assert appointment_store.get_appointment("com_test", made.id).status == "completed"
    assert booked(practice, TEN + timedelta(days=1))
    mark(ChangeContext(new_unit, "com_test", lambda: after), made.id, "no_show", Mark())
    assert codes(refused(lambda: booked(practice, TEN + timedelta(days=2)))) == ["consultation_required"]


def test_rooms_are_taken_moved_and_freed_with_the_appointment(aws: EmbeddedAws) -> None:
    practice = opened({"resources": ("chair",)}, rooms=1)
    first = booked(practice)
    assert first.resource_ids == ("res_00000000000000000000",)
    refusal = refused(lambda: booked(practice, TEN + timedelta(minutes=15)), "slot_taken")
    offered = refusal.extra["alternatives"]
    assert len(offered) == 3
    again = booked(practice, datetime.fromisoformat(offered[0]["starts_at"]), staff=offered[0]["staff_id"])
    cancel(changing(), again.id, Cancellation())
    moved = reschedule(changing(), first.id, Move(starts_at=TEN + timedelta(hours=2)))
    assert moved.resource_ids == first.resource_ids
    refused(lambda: booked(practice, TEN + timedelta(hours=2), contact=TOM), "slot_taken")
    second = booked(practice)
    refused(
        lambda: reschedule(changing(), second.id, Move(starts_at=moved.starts_at)),
        "slot_taken",
    )
    cancel(changing(), second.id, Cancellation())
    seen = requests(lambda: booked(practice))
    assert seen == ["BatchGetItem", "TransactWriteItems"]


def test_only_the_skilled_do_it_and_preferences_choose_among_them(aws: EmbeddedAws) -> None:
    practice = opened({"skills": ("Colour",)}, staff={"skills": (Skill("colour", valid_until=TEN.date()),)})
    assert booked(practice).staff_id == practice.staff[3].id
    assert codes(refused(lambda: booked(practice, TEN + timedelta(days=1)))) == ["no_one_able"]
    plain = opened(staff={"gender": "female", "languages": ("it",)})
    for hour in range(2, 4):
        preferred = booked(plain, TEN + timedelta(hours=hour), prefer=Preference(language="it"))
        assert preferred.staff_id == plain.staff[3].id


def test_a_flexible_length_is_chosen_within_its_bounds(aws: EmbeddedAws) -> None:
    practice = opened({"category": "flexible", "duration_min": 30, "longest_min": 90})
    made = booked(practice, length_min=90, staff="Dan Rossi")
    assert made.ends_at - made.starts_at == timedelta(minutes=90)
    refused(lambda: booked(practice, TEN + timedelta(minutes=75), staff="Dan Rossi"), "slot_taken")
    for length in (20, 40, 120):
        refusal = refused(lambda length=length: booked(practice, length_min=length))  # type: ignore[misc]
        assert codes(refusal) == ["length_not_offered"]


def test_what_needs_approval_takes_its_time_and_waits(aws: EmbeddedAws) -> None:
    practice = opened({"policy": Policy(needs_approval=True)})
    made = booked(practice, staff="Dan Rossi")
    assert (made.status, made.was_booked()) == ("requested", False)
    refused(lambda: booked(practice, staff="Dan Rossi", contact=TOM), "slot_taken")
    assert confirm(changing(), made.id, Mark()).status == "confirmed"
