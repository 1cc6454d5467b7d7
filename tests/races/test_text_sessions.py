"""32 threads of ticks, sweeps, browsers, retries and ends: every interval is charged once, to the unit."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.core.errors import DomainError
from chalicelib.text_sessions import manage_subscription, store
from chalicelib.text_sessions.manage_subscription import Correction
from chalicelib.text_sessions.update_meter import Settled
from tests.conftest import EmbeddedAws
from tests.races.together import at_once
from tests.sizes import ROUNDS
from tests.text_sessions.room import COMPANY, Room, furnish, text_appointment

THREADS = 32


def mixed(room: Room, rng: random.Random, *, ends: bool = False) -> Callable[[], Any]:
    """Something that anybody might ask at any time."""
    calls: list[Callable[[], Any]] = [
        room.tick, lambda: room.tick(interval=1), room.sweep, room.deduct, lambda: room.deduct(5, "doctor"),
        room.active, lambda: room.active("doctor"), room.start,
    ]  # fmt: skip
    return rng.choice([*calls, room.end] if ends else calls)


def busy(outcomes: list[Any]) -> list[Any]:
    """What was given up because of the crowd."""
    return [o for o in outcomes if isinstance(o, DomainError) and o.code in ("stale", "session_busy", "storage_busy")]


def charged_by(outcomes: list[Any]) -> int:
    """What the browsers were told that they had charged."""
    return sum(outcome.charged for outcome in outcomes if isinstance(outcome, Settled))


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_every_interval_is_charged_once_whoever_comes(aws: EmbeddedAws, round_number: int) -> None:
    room, rng = furnish(sessions=9), random.Random(round_number)
    started = at_once(*[room.start] * THREADS)
    assert busy(started) == []
    assert len({outcome.session.id for outcome in started}) == 1
    assert room.left() == 8
    room.active()
    for interval in (1, 2, 3):
        room.after(10 * interval, seconds=30)
        outcomes = at_once(*[mixed(room, rng) for _ in range(THREADS)])
        assert busy(outcomes) == []
        assert charged_by(outcomes) <= 1
        assert room.session().sessions_used == interval + 1
        assert room.left() == 8 - interval
    _each_interval_once(room)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_an_end_among_them_ends_it_once(aws: EmbeddedAws, round_number: int) -> None:
    room, rng = furnish(sessions=3), random.Random(1000 + round_number)
    room.start()
    if round_number % 2:
        room.active()
    room.after(10, seconds=30)
    outcomes = at_once(*(mixed(room, rng, ends=True) for _ in range(THREADS - 2)), room.end, room.end)
    assert busy(outcomes) == []
    session = room.session()
    past = store.ledger(COMPANY, room.subscription.id)
    if round_number % 2:
        assert (session.end_reason, session.sessions_used, room.left()) == ("manual_end", 2, 1)
    else:
        # Nobody had written in time. A start among the crowd may have begun another session, which is reserved.
        given_back = [entry for entry in past if entry.reason == "given_back"]
        assert len(given_back) == len({entry.session_id for entry in given_back}) >= 1
        reserved = sum(entry.reason == "reservation" for entry in past) - len(given_back)
        assert (room.left(), reserved <= 1) == (3 - reserved, True)
    _each_interval_once(room)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_sessions_of_one_patient_share_the_last_units(aws: EmbeddedAws, round_number: int) -> None:
    first = furnish(sessions=6)
    rooms = [first, *(_another(first) for _ in range(3))]
    for room in rooms:
        room.start()
        room.active()
        room.after(10, seconds=30)
    crowd = [room.tick for room in rooms for _ in range(4)] + [room.deduct for room in rooms for _ in range(3)]
    grants = [
        lambda: manage_subscription.adjust(first.unit, first.subscription.id, Correction(-1, "race"), first.clock)
    ] * 4
    outcomes = at_once(*crowd, *grants)
    assert busy(outcomes) == []
    sessions = [room.session() for room in rooms]
    used = sum(session.sessions_used for session in sessions)
    taken = sum(entry.reason == "adjustment" for entry in store.ledger(COMPANY, first.subscription.id))
    assert first.left() == 0
    assert used + taken == 6
    assert all(session.is_active == (session.interval == 2) for session in sessions)
    for room in rooms:
        _each_interval_once(room)


def _another(room: Room) -> Room:
    appointment = text_appointment(room.appointment.customer_id, room.appointment.staff_id, room.at)
    return Room(room.patient, room.doctor, appointment, room.subscription)


def _each_interval_once(room: Room) -> None:
    entries = store.ledger(COMPANY, room.subscription.id)
    charges = [(entry.session_id, entry.interval) for entry in entries if entry.reason in ("reservation", "interval")]
    assert len(set(charges)) == len(charges)
    session = room.session()
    assert max(n or 0 for session_id, n in charges if session_id == session.id) == session.interval
