"""Packages booked as one: what stands afterwards, the rules, alternatives, limits, and changes of all parts at once."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.allocation.assignment import Preference
from chalicelib.booking.appointments import package_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.package import MOST_CALENDARS, MOST_PARTS
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.changes.cancel import Cancellation
from chalicelib.booking.changes.cancel import cancel as cancel_one
from chalicelib.booking.changes.reschedule import reschedule as move_one
from chalicelib.booking.changes.status import Mark, mark
from chalicelib.booking.packages.change import Change, answer, cancel
from chalicelib.booking.packages.reschedule import reschedule
from chalicelib.booking.practice.models import Part, Resource
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.rules import limit_store
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.core import aws as aws_clients
from chalicelib.core import unit
from chalicelib.core.errors import Conflict, Invalid
from chalicelib.core.tables import fetch
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from tests.booking.calendars import read_calendar
from tests.booking.spa import MAKEOVER, QUARTER, TEN, booked, clock, new_unit, open_spa, packaged
from tests.conftest import EmbeddedAws

CHLOE, DAN = 2, 3


def changing() -> ChangeContext[Any]:
    return ChangeContext(new_unit, "com_test", clock, connect=no_provider)


def no_provider(name: str) -> Any:
    raise AssertionError("not asked")


def held(practice: Practice, part: Appointment) -> list[bytes]:
    """The references that lie, at the time of a part, in each calendar it takes; once for each entry."""
    owners = [CalendarOwner("com_test", part.branch_id, one) for one in (str(part.staff_id), *part.resource_ids)]
    return [entry.reference for one in owners for entry in read_calendar(one, part.entry()).entries()]


def refused(code: str, work: Any) -> Conflict:
    with pytest.raises(Conflict) as raised:
        work()
    assert raised.value.code == code
    return raised.value


def counted(names: tuple[str, ...]) -> list[int]:
    return [limit_store.counted(row) for row in fetch([limit_store.counter_key("com_test", name) for name in names])]


def test_a_package_is_an_appointment_per_part_in_one_read_and_one_transaction(aws: EmbeddedAws) -> None:
    practice = open_spa()
    booked(practice, TEN + timedelta(days=7))  # this process has met the branch
    made: list[str] = []
    aws_clients.call_hooks.append(lambda when, name: made.append(name) if when == "before" else None)
    try:
        first = packaged(practice)
    finally:
        aws_clients.call_hooks.pop()
    assert made == ["dynamodb.BatchGetItem", "dynamodb.TransactWriteItems"]
    cut, talk = first.parts
    assert (cut.id, cut.service_id, talk.service_id) == (first.id, practice.services[2].id, practice.services[0].id)
    assert (cut.starts_at, cut.ends_at - cut.starts_at) == (TEN, timedelta(minutes=45))
    assert (talk.starts_at, talk.ends_at - talk.starts_at) == (cut.ends_at, timedelta(minutes=30))
    assert (len(cut.resource_ids), talk.resource_ids, talk.staff_id) == (1, (), practice.staff[CHLOE].id)
    assert {part.package.service_id for part in first.parts if part.package} == {MAKEOVER}
    assert first.package
    found = package_store.get("com_test", first.package.id)
    assert (
        found.parts
        == first.parts
        == tuple(appointment_store.get_appointment("com_test", part.id) for part in first.parts)
    )
    assert (found.starts_at, found.ends_at, found.status, found.version) == (TEN, talk.ends_at, "confirmed", 1)
    for part in first.parts:
        assert part.entry().reference in held(practice, part)


def test_two_parts_of_one_person_are_one_swap_of_the_calendar(aws: EmbeddedAws) -> None:
    practice = open_spa(staff={DAN: {"service_ids": ()}})
    first = packaged(practice)
    assert {part.staff_id for part in first.parts} == {practice.staff[CHLOE].id}
    mine = read_calendar(practice.staff[CHLOE], first.entry()).entries()
    assert [entry.reference for entry in mine] == [part.entry().reference for part in first.parts]


def test_who_is_wished_for_does_what_he_can_and_preferences_guide_the_rest(aws: EmbeddedAws) -> None:
    practice = open_spa(staff={DAN: {"gender": "male"}, CHLOE: {"gender": "female"}})
    first = packaged(practice, staff="Dan Rossi")
    assert [part.staff_id for part in first.parts] == [practice.staff[DAN].id, practice.staff[CHLOE].id]
    later = packaged(practice, TEN + timedelta(hours=2), prefer=Preference(gender="female"))
    assert {part.staff_id for part in later.parts} == {practice.staff[CHLOE].id}
    with pytest.raises(Invalid) as raised:
        packaged(practice, staff="Ada Keller")
    assert raised.value.faults[0].path == "body.staff"
    with pytest.raises(Invalid) as raised:
        packaged(practice, length_min=80)
    assert raised.value.faults[0].path == "body.length_min"


def test_a_wait_is_used_where_someone_is_busy_and_no_longer_than_agreed(aws: EmbeddedAws) -> None:
    practice = open_spa()
    booked(practice, TEN + 3 * QUARTER, service="Consultation", staff="Chloe Park")
    first = packaged(practice)
    assert first.parts[1].starts_at == TEN + 5 * QUARTER


def test_a_taken_time_is_refused_with_starts_that_are_bookable_as_given(aws: EmbeddedAws) -> None:
    practice = open_spa(chairs=1)
    booked(practice, TEN, service="Haircut")
    refusal = refused("slot_taken", lambda: packaged(practice, TEN + QUARTER))
    offered = refusal.extra["alternatives"]
    assert len(offered) == 3
    assert {one["service_id"] for one in offered} == {MAKEOVER}
    assert [part["service_id"] for part in offered[0]["parts"]] == [practice.services[n].id for n in (2, 0)]
    for one in offered:
        first = packaged(practice, datetime.fromisoformat(one["starts_at"]))
        assert first.starts_at == datetime.fromisoformat(one["starts_at"])
        cancel(changing(), first.package.id if first.package else "", Change())


def test_every_rule_that_fails_is_named_at_once(aws: EmbeddedAws) -> None:
    policy = Policy(minimum_notice_min=10_000, deposit_minor=500)
    practice = open_spa(package={"policy": policy})
    refusal = refused("not_bookable", lambda: packaged(practice, TEN - timedelta(hours=8)))
    codes = {one["code"] for one in refusal.extra["failures"]}
    assert codes == {"too_soon", "closed", "not_working", "deposit_required"}


def test_a_consultation_that_a_package_requires_is_offered_first(aws: EmbeddedAws) -> None:
    made = open_spa()
    practice = open_spa(package={"consultation_id": made.services[0].id})
    refusal = refused("not_bookable", lambda: packaged(practice))
    assert [one["code"] for one in refusal.extra["failures"]] == ["consultation_required"]
    assert {one["service_id"] for one in refusal.extra["alternatives"]} == {made.services[0].id}
    talk = booked(practice, TEN, service="Consultation")
    mark(ChangeContext(new_unit, "com_test", lambda: TEN + timedelta(hours=1)), talk.id, "completed", Mark())
    assert packaged(practice, TEN + timedelta(hours=2))


def test_parts_that_run_past_closing_do_not_fit_unless_that_is_overridden(aws: EmbeddedAws) -> None:
    practice = open_spa()
    late = TEN + timedelta(hours=6, minutes=15)  # 16:15, staff go at 17:00
    refusal = refused("not_bookable", lambda: packaged(practice, late))
    assert [one["code"] for one in refusal.extra["failures"]] == ["parts_do_not_fit"]
    first = packaged(practice, late, override=("staff_availability",))
    assert first.parts[1].starts_at == late + 3 * QUARTER


def test_a_package_counts_once_and_gives_back_what_it_counted(aws: EmbeddedAws) -> None:
    limits = Policy(service_limits=Limits(per_day=2), customer_limits=Limits(per_day=5), staff_limits=Limits(per_day=9))
    practice = open_spa(package={"policy": limits}, branch={"policy": Policy(daily_maximum=8)})
    first = packaged(practice, staff="Dan Rossi")
    names = tuple(name for part in first.parts for name in part.counted)
    assert len(names) == len(set(names)) == 5  # branch, service, customer, and Dan; Chloe with the second part
    assert counted(names) == [1] * 5
    packaged(practice, TEN + timedelta(hours=2), staff="Dan Rossi")
    assert counted(names) == [2] * 5
    refusal = refused("not_bookable", lambda: packaged(practice, TEN + timedelta(hours=4)))
    assert [one["rule"] for one in refusal.extra["failures"]] == ["limits"]
    assert all(one["starts_at"][:10] != "2026-11-23" for one in refusal.extra["alternatives"])
    assert first.package
    cancel(changing(), first.package.id, Change())
    assert counted(names) == [1] * 5  # the second one stays
    assert packaged(practice, TEN + timedelta(hours=4))


def test_who_is_wished_for_and_full_is_not_replaced(aws: EmbeddedAws) -> None:
    practice = open_spa(staff={DAN: {"daily_maximum": 1}})
    packaged(practice, TEN + timedelta(days=1))
    first = packaged(practice, staff="Dan Rossi")
    again = TEN + timedelta(hours=2)
    refusal = refused("not_bookable", lambda: packaged(practice, again, staff="Dan Rossi"))
    assert [one["rule"] for one in refusal.extra["failures"]] == ["limits"]
    assert {one["starts_at"][:10] for one in refusal.extra["alternatives"]}.isdisjoint({"2026-11-23"})
    second = packaged(practice, again)
    assert {part.staff_id for part in second.parts} == {practice.staff[CHLOE].id}
    assert first.package
    assert second.package
    refused("not_bookable", lambda: _moved(second.package.id if second.package else "", TEN, staff="Dan Rossi"))
    assert _moved(first.package.id, TEN + QUARTER, staff="Dan Rossi").parts[0].staff_id == practice.staff[DAN].id


def test_a_package_is_cancelled_as_one_and_its_parts_not_alone(aws: EmbeddedAws) -> None:
    practice = open_spa()
    first = packaged(practice)
    assert first.package
    package_id = first.package.id
    one = lambda: cancel_one(changing(), first.parts[1].id, Cancellation())  # noqa: E731
    assert refused("part_of_package", one).extra == {"package_id": package_id}
    move = Move(starts_at=TEN + QUARTER)
    refused(
        "part_of_package",
        lambda: move_one(changing(), first.id, move),
    )
    stale = refused("stale_version", lambda: cancel(changing(), package_id, Change(version=7)))
    assert stale.extra["current"]["version"] == 1
    done = cancel(changing(), package_id, Change(reason="Ill", version=1))
    assert [(part.status, part.cancellation_reason) for part in done.parts] == [("cancelled", "Ill")] * 2
    assert (done.status, done.version) == ("cancelled", 3)
    assert [held(practice, part) for part in done.parts] == [[], []]
    assert cancel(changing(), package_id, Change()) == done
    refused("not_reschedulable", lambda: _moved(package_id, TEN))


def _moved(package_id: str, at: Any, **fields: Any) -> Any:
    return reschedule(changing(), package_id, Move(starts_at=at, **fields))


def test_what_has_begun_is_not_cancelled(aws: EmbeddedAws) -> None:
    practice = open_spa()
    first = packaged(practice)
    assert first.package
    mark(ChangeContext(new_unit, "com_test", lambda: TEN + timedelta(hours=1)), first.id, "completed", Mark())
    refused(
        "not_cancellable",
        lambda: cancel(changing(), first.package.id if first.package else "", Change()),
    )
    assert package_store.get("com_test", first.package.id).status == "confirmed"
    mark(ChangeContext(new_unit, "com_test", lambda: TEN + timedelta(hours=2)), first.parts[1].id, "no_show", Mark())
    assert package_store.get("com_test", first.package.id).status == "completed"


def test_a_package_moves_as_one_into_time_of_its_own_and_keeps_who_and_where(aws: EmbeddedAws) -> None:
    practice = open_spa(chairs=1)
    first = packaged(practice, staff="Dan Rossi")
    assert first.package
    moved = _moved(first.package.id, TEN + QUARTER, version=1)
    assert [part.starts_at - TEN for part in moved.parts] == [QUARTER, 4 * QUARTER]
    assert [part.staff_id for part in moved.parts] == [part.staff_id for part in first.parts]
    assert [part.resource_ids for part in moved.parts] == [part.resource_ids for part in first.parts]
    assert [part.moves for part in moved.parts] == [1, 1]
    for part in moved.parts:
        assert part.entry().reference in held(practice, part)
    assert len(held(practice, moved.parts[0])) == 2  # nothing of it stayed behind
    assert _moved(first.package.id, TEN + QUARTER) == moved
    far = _moved(first.package.id, TEN + timedelta(days=14))
    assert held(practice, first) == []
    assert far.parts[0].entry().reference in held(practice, far.parts[0])
    packaged(practice, TEN)
    refusal = refused("slot_taken", lambda: _moved(far.package.id, TEN))
    assert len(refusal.extra["alternatives"]) == 3


def test_a_package_that_consists_of_other_services_now_is_not_moved(aws: EmbeddedAws) -> None:
    practice = open_spa()
    first = packaged(practice)
    open_spa(package={"parts": (Part(practice.services[0].id), Part(practice.services[2].id))})
    assert first.package
    refused("package_changed", lambda: _moved(first.package.id if first.package else "", TEN + QUARTER))


def test_moving_recounts_and_respects_limits(aws: EmbeddedAws) -> None:
    limits = Policy(service_limits=Limits(per_day=1), staff_limits=Limits(per_day=3))
    practice = open_spa(package={"policy": limits})
    first, tuesday = packaged(practice, staff="Dan Rossi"), packaged(practice, TEN + timedelta(days=1))
    assert first.package
    assert tuesday.package
    refused("not_bookable", lambda: _moved(first.package.id if first.package else "", TEN + timedelta(days=1)))
    moved = _moved(first.package.id, TEN + timedelta(days=2))
    assert counted(tuple(name for part in first.parts for name in part.counted)) == [0, 0, 0]
    assert counted(tuple(name for part in moved.parts for name in part.counted)) == [1, 1, 1]
    # Given to Chloe, who has the other part: she counts with both until it moves again.
    given = move_one(changing(), first.id, Move(staff="Chloe Park"))
    assert given.staff_id == practice.staff[CHLOE].id
    cancel(changing(), first.package.id, Change())
    assert counted(tuple({*given.counted, *(n for part in moved.parts for n in part.counted)})) == [0, 0, 0]


def test_a_request_is_confirmed_or_declined_as_one(aws: EmbeddedAws) -> None:
    practice = open_spa(package={"policy": Policy(needs_approval=True)})
    first, second = packaged(practice), packaged(practice, TEN + timedelta(hours=2))
    assert first.package
    assert second.package
    assert first.status == "requested"
    confirmed = answer(changing(), first.package.id, "confirmed", Change())
    assert [(part.status, part.booked_as) for part in confirmed.parts] == [("confirmed", "confirmed")] * 2
    assert answer(changing(), first.package.id, "confirmed", Change()) == confirmed
    refused(
        "not_requested",
        lambda: answer(changing(), confirmed.package.id, "declined", Change()),
    )
    declined = answer(changing(), second.package.id, "declined", Change(reason="Full"))
    assert all(part.entry().reference not in held(practice, part) for part in declined.parts)


def test_a_branch_that_books_through_calcom_takes_no_packages(aws: EmbeddedAws) -> None:
    practice = open_spa(branch={"books_through": "calcom"})
    with pytest.raises(Invalid) as raised:
        packaged(practice)
    assert (raised.value.faults[0].path, raised.value.faults[0].code) == ("body.service", "package_not_at_calcom")


def test_the_largest_package_fits_into_one_transaction(aws: EmbeddedAws) -> None:
    practice = open_largest()
    sizes: list[int] = []
    token = unit.dry_run_commit.set(lambda actions: sizes.append(len(actions)))
    try:
        first = packaged(practice)
    finally:
        unit.dry_run_commit.reset(token)
    assert len(first.parts) == MOST_PARTS
    assert sum(1 + len(part.resource_ids) for part in first.parts) == MOST_CALENDARS
    assert sizes
    assert sizes[0] <= unit.MOST_ACTIONS - 5, sizes  # a call and an Idempotency-Key take some more
    first = packaged(practice)
    assert first.package
    cancel(changing(), first.package.id, Change())


def open_largest() -> Practice:
    """Six parts, each by someone else, in fourteen rooms, with every limit there is."""
    everything = Limits(per_day=50, per_week=50, per_month=50)
    limits = Policy(daily_maximum=50, service_limits=everything, staff_limits=everything, customer_limits=everything)
    made = open_spa()
    kinds = [f"kind {n}" for n in range(14)]
    parts = [
        replace(
            made.services[2],
            id=f"svc_0000000000000000PRT{n}",
            number=10 + n,
            name=f"Part {n}",
            duration_min=15,
            resources=tuple(kinds[n::6]),
        )
        for n in range(6)
    ]
    package = replace(made.services[-1], parts=tuple(Part(part.id) for part in parts), policy=limits)
    staff = [
        replace(made.staff[DAN], id=f"stf_0000000000000000PRT{n}", name=f"P {n}", service_ids=(part.id,))
        for n, part in enumerate(parts)
    ]
    rooms = [
        Resource(
            id=f"res_000000000000000000{n:02}", company_id="com_test", branch_id=made.branches[1].id, kind=one, name=one
        )
        for n, one in enumerate(kinds)
    ]
    services = (*made.services[:-1], *parts, package)
    save_practice(lambda: Unit("com_test"), made.branches, services, [*made.staff, *staff], rooms)
    return Practice(made.branches, services, (*made.staff, *staff), made.event_types)
