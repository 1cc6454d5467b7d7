"""Toy answers late, twice, wrongly or not at all, changes by itself, or we die: both sides are equal in the end."""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.external import BookingProvider, ExternalBooking, find_provider
from chalicelib.booking.jobs import CancelLeftover, ReconcileBooking, SettleChange
from chalicelib.booking.provider import cursor_store
from chalicelib.booking.provider.news import NewsContext, apply_news
from chalicelib.booking.provider.poll import follow
from chalicelib.booking.provider.reconcile_booking import reconcile
from chalicelib.booking.provider.reconcile_change import settle_change
from chalicelib.core.clock import now
from chalicelib.core.errors import Conflict, DomainError
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.simulators.exchange import Refused
from tests.booking.agreement import COMPANY, ours, recover
from tests.booking.test_changing import booked, call_off, move
from tests.calls.conftest import next_monday
from tests.integrations.toy_vendor.agreement import assert_both_sides_agree, clear
from tests.integrations.toy_vendor.simulator import ToySimulator
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import messages_come_back_at_once, until_it_survives
from tests.races.together import at_once
from tests.sizes import ROUNDS, examples

FAULTS: dict[str, tuple[dict[str, Any], bool]] = {
    "late": ({"delay_seconds": 1.2}, True),
    "twice": ({"twice": True}, True),
    "broken connection, done": ({"drop": True, "apply": True}, True),
    "broken connection, not done": ({"drop": True}, False),
    "500, done": ({"status": 500, "apply": True}, True),
    "503, not done": ({"status": 503}, False),
    "409, done": ({"status": 409, "apply": True, "message": "occupied"}, True),
    "401, not done": ({"status": 401}, False),
    "no JSON, done": ({"body": "<html>", "apply": True}, True),
}
"""How an answer goes wrong, and whether Toy acted."""
CHANGES: dict[str, tuple[str, Callable[[Appointment], object]]] = {
    "move": ("PATCH", lambda made: move(made, next_monday(14))),
    "give": ("PATCH", lambda made: move(made, made.starts_at, staff="Ben Okafor")),
    "cancel": ("DELETE", call_off),
}
each_fault = pytest.mark.parametrize(("fault", "acted"), FAULTS.values(), ids=FAULTS.keys())


def poll() -> None:
    """What Toy has changed since the last time reaches us."""
    follow(
        find_provider("toy"), JobContext("job", 1, False, "cor", PLATFORM, now), lambda _: pytest.fail("not applied")
    )
    recover()


def came_of(made: Appointment, change: str) -> bool:
    """Whether the change was made."""
    (found,) = [one for one in ours() if one.id == made.id]
    return {
        "move": found.starts_at == next_monday(14),
        "give": found.staff_id != made.staff_id,
        "cancel": found.status == "cancelled",
    }[change]


@each_fault
def test_booking(through_toy: Practice, toy: ToySimulator, fault: dict[str, Any], acted: bool) -> None:
    toy.fault(path="/reservations", method="POST", **fault)
    try:
        booked(through_toy)
    except DomainError:
        assert not acted
    toy.stopping.wait(fault.get("delay_seconds", 0))  # a late request is still under way when we have given it up
    recover()
    (made,) = ours()
    assert made.status == ("confirmed" if acted else "released")
    assert_both_sides_agree(toy)


@each_fault
@pytest.mark.parametrize("change", CHANGES)
def test_changing(through_toy: Practice, toy: ToySimulator, change: str, fault: dict[str, Any], acted: bool) -> None:
    made = booked(through_toy)
    method, carry_out = CHANGES[change]
    toy.fault(path="/reservations/*", method=method, **fault)
    refused = False
    try:
        carry_out(made)
    except DomainError:
        refused = True
        assert not acted
    toy.stopping.wait(fault.get("delay_seconds", 0))
    recover()
    # Whoever was not told that a cancellation failed may rely on it: it is asked for again.
    assert came_of(made, change) == (acted or (change == "cancel" and not refused))
    assert_both_sides_agree(toy)


def test_nothing_is_given_up_before_toy_can_have_shown_it(through_toy: Practice, toy: ToySimulator) -> None:
    soon = JobContext("job", 1, False, "cor", COMPANY, now)
    toy.fault(path="/reservations", method="POST", status=500)
    held = booked(through_toy)
    with pytest.raises(Postpone, match="Toy"):
        reconcile(ReconcileBooking(company_id=COMPANY, appointment_id=held.id), soon)
    recover()
    assert [one.status for one in ours()] == ["released"]
    made = booked(through_toy, 11)
    toy.fault(path="/reservations/*", method="PATCH", status=500)
    change = move(made, next_monday(14)).pending_change
    assert change
    with pytest.raises(Postpone, match="Toy"):
        settle_change(SettleChange(company_id=COMPANY, appointment_id=made.id, change_id=change.id), soon)
    recover()
    assert_both_sides_agree(toy)


def test_what_it_changes_by_itself_reaches_us(through_toy: Practice, toy: ToySimulator) -> None:
    made = booked(through_toy)
    finn = {
        "what": "talk",
        "desk": "door",
        "at": next_monday(11).timestamp(),
        "guest": {"name": "Finn", "mail": "f@x.org"},
    }
    there = toy.reserve(finn)
    poll()
    assert [one.source for one in ours() if one.external_id == there["id"]] == ["toy"]
    toy.change(str(made.external_id), {"at": next_monday(15).timestamp()})
    toy.let_go(there["id"])
    poll()
    assert {one.external_id: one.status for one in ours()} == {"T-1": "confirmed", "T-2": "cancelled"}
    assert_both_sides_agree(toy)
    seen = cursor_store.find(PLATFORM, "toy")
    poll()
    assert cursor_store.find(PLATFORM, "toy") == seen


def test_of_what_cannot_be_read_the_news_are_believed_but_not_old_ones(
    through_toy: Practice, toy: ToySimulator
) -> None:
    made = booked(through_toy)
    with closing(find_provider("toy").connect()) as client:
        old = client.find("T-1")
        toy.change("T-1", {"at": next_monday(15).timestamp()})
        new = client.find("T-1")
    assert old
    assert new
    assert [hear(toy, new), hear(toy, old), hear(toy, new)] == ["updated", "late", "unchanged"]
    assert [one.starts_at for one in ours() if one.id == made.id] == [next_monday(15)]


def hear(toy: ToySimulator, told: ExternalBooking) -> str:
    """What comes of news while Toy does not let us read."""
    toy.faults.clear()
    toy.fault(path="*", method="GET", status=403, times=None)
    provider = find_provider("toy")

    def connect() -> AbstractContextManager[BookingProvider]:
        return closing(provider.connect())

    return apply_news(NewsContext(provider, Unit, now, connect), told)


def test_a_doubled_reservation_is_let_go(through_toy: Practice, toy: ToySimulator) -> None:
    made = booked(through_toy)
    doubled = toy.reserve(
        {"what": "talk", "desk": "door", "at": made.starts_at.timestamp(), "guest": {"name": "Eve"},
         "notes": {"appointment_id": made.id, "company_id": COMPANY}}
    )  # fmt: skip
    poll()
    assert toy.get(doubled["id"])["state"] == "gone"
    assert CancelLeftover.name() == "booking.CancelLeftover"
    assert_both_sides_agree(toy)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["book", "move", "give", "cancel", "book there", "move there", "cancel there"]),
        st.integers(9, 15),
        st.integers(0, 9),
        st.sampled_from([{}, {}, {"status": 500, "apply": True}, {"status": 502}, {"drop": True}]),
    ),
    min_size=2,
    max_size=7,
)


@settings(
    max_examples=examples(10),
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_one_poll_makes_both_sides_equal(through_toy: Practice, toy: ToySimulator, steps: list[Any]) -> None:
    clear(toy)
    for what, hour, which, fault in steps:
        toy.faults.clear()
        if fault and "there" not in what:
            toy.fault(path="/reservations*", method={"book": "POST", "cancel": "DELETE"}.get(what, "PATCH"), **fault)
        try:
            step(through_toy, toy, what, hour, which)
        except (DomainError, Refused, IndexError):
            continue
    toy.faults.clear()
    recover()
    poll()
    assert_both_sides_agree(toy)


def step(practice: Practice, toy: ToySimulator, what: str, hour: int, which: int) -> None:
    """Do one of the steps, to one of those there are."""
    at, here, there = next_monday(hour), sorted(ours(), key=lambda one: one.id), list(toy.all)
    match what:
        case "book":
            booked(practice, hour, guest=which)
        case "book there":
            desk = toy.desks[which % 2]
            toy.reserve({"what": "talk", "desk": desk, "at": at.timestamp(), "guest": {"name": f"Guest {which}"}})
        case "move":
            move(here[which % (len(here) or 1)], at)
        case "give":
            move(here[which % (len(here) or 1)], at, staff=("Ada Keller", "Ben Okafor")[which % 2])
        case "cancel":
            call_off(here[which % (len(here) or 1)])
        case "move there":
            toy.change(there[which % (len(there) or 1)], {"at": at.timestamp()})
        case _:
            toy.let_go(there[which % (len(there) or 1)])


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_many_move_one_appointment(through_toy: Practice, toy: ToySimulator, round_number: int) -> None:
    made = booked(through_toy)
    outcomes = at_once(
        *(lambda hour=hour: move(made, next_monday(hour), version=made.version) for hour in range(11, 16))
    )
    assert len([one for one in outcomes if isinstance(one, Appointment)]) == 1
    assert {one.code for one in outcomes if isinstance(one, Conflict)} <= {"stale_version", "change_pending"}
    recover()
    assert_both_sides_agree(toy)


@pytest.mark.slow
@pytest.mark.parametrize("change", ["book", *CHANGES])
def test_whenever_we_die_it_is_made_on_both_sides_or_on_none(
    through_toy: Practice, toy: ToySimulator, change: str
) -> None:
    messages_come_back_at_once()
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        if change == "book":
            died = run_dying(lambda: booked(through_toy, guest=tried), death)
        else:
            made = booked(through_toy, guest=tried)
            died = run_dying(lambda: CHANGES[change][1](made), death)
        recover()
        assert_both_sides_agree(toy)
        clear(toy)
        return died

    assert until_it_survives(case) >= 3
