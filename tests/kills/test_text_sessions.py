"""Kill the worker before, during and after a charge, lose a tick or bring it twice: the charge stays the same."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chalicelib.core import queues, relay
from chalicelib.core.clock import now
from chalicelib.core.envelope import envelope_of
from chalicelib.core.errors import DomainError
from chalicelib.core.jobs import work
from chalicelib.core.rows import FailedJobRow, OutboxRow
from chalicelib.core.worker import deliver
from chalicelib.text_sessions import store
from chalicelib.text_sessions.jobs import Tick
from tests.conftest import EmbeddedAws
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import messages_come_back_at_once, until_it_survives
from tests.text_sessions.room import COMPANY, Room, furnish


def send_tick(room: Room, interval: int) -> None:
    """Put a tick on its queue, visible at once."""
    session = room.session()
    job = Tick(
        company_id=COMPANY, appointment_id=session.appointment_id, session_id=session.id,
        subscription_id=session.subscription_id, interval=interval,
    )  # fmt: skip
    assert queues.send([envelope_of(job, f"job-{session.id}-{interval}", "cor").message("default")]) == []


def work_off(room: Room) -> int:
    """Do what is visible on the queue, by the room's clock."""

    def handle(queue: str, event: dict[str, Any]) -> dict[str, Any]:
        return work(queue, event, room.clock)

    return deliver("default", handle)


def next_ticks(room: Room) -> list[int]:
    """For which intervals a tick has been set, in order."""
    rows = [row for row in OutboxRow.scan() if row.type == "job:text_sessions.Tick"]
    jobs = [Tick.from_json(row.data or "") for row in rows]
    return sorted(job.interval for job in jobs if job.session_id == room.session().id)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sessions", "active", "end"),
    [(5, True, None), (5, False, "no_activity"), (1, True, "none_left")],
    ids=["charge", "give back", "none left"],
)
def test_a_tick_is_done_once_whatever_dies(aws: EmbeddedAws, sessions: int, active: bool, end: str | None) -> None:
    messages_come_back_at_once()
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        room = furnish(sessions, number=tried)
        tried += 1
        room.start()
        if active:
            room.active()
        room.after(10)
        send_tick(room, 1)
        died = run_dying(lambda: work_off(room), death)
        work_off(room)  # what the dead worker had in hand comes back
        room.after(11)
        room.sweep()
        session = room.session()
        used = 0 if not active else 1 if end else 2
        assert (session.sessions_used, session.end_reason, room.left()) == (used, end, sessions - used)
        assert next_ticks(room) == ([1] if end else [1, 2])
        _put_away(room)
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls, {tried} deaths tried")
    assert calls >= 4  # receive, read, transaction, delete
    assert list(FailedJobRow.scan()) == []


@pytest.mark.slow
def test_every_start_and_end_is_whole_whatever_dies(aws: EmbeddedAws) -> None:
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        room = furnish(2, number=tried)
        tried += 1

        def meet() -> None:
            room.start()
            room.after(2)
            room.active("doctor")
            room.after(12)
            room.end()

        died = run_dying(meet, death)
        # The browser does not know how far it got, and does it all again; what is done already is refused.
        again = [lambda: room.start(), lambda: room.active("doctor"), lambda: room.end()]
        for minutes, step in zip((0, 2, 12), again, strict=True):
            room.after(minutes)
            _try(step)
        session = room.session()
        assert (session.sessions_used, session.end_reason, room.left()) == (2, "manual_end", 0)
        return died

    assert until_it_survives(case) >= 8


def test_a_tick_that_comes_twice_charges_once(aws: EmbeddedAws) -> None:
    room = furnish()
    room.start()
    room.active()
    room.after(10)
    for _ in range(3):
        send_tick(room, 1)
    while work_off(room):
        pass
    send_tick(room, 1)
    work_off(room)
    assert (room.session().sessions_used, room.left(), next_ticks(room)) == (2, 1, [1, 2])


def test_a_tick_whose_relay_died_is_published_by_the_sweep(aws: EmbeddedAws) -> None:
    at = now()  # the outbox goes by the real clock
    room = furnish(starts_at=at - timedelta(minutes=9))
    room.start()
    room.active()
    assert relay.sweep(at) >= 1
    room.at = at
    assert work_off(room) == 0  # it is delayed until two minutes before the interval is over
    room.at = at + timedelta(minutes=2)
    room.sweep()
    assert room.session().sessions_used == 2


@pytest.mark.parametrize("change", [datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)])
def test_the_change_of_clocks_is_no_time_that_passes(aws: EmbeddedAws, change: datetime) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    room = furnish(6, starts_at=(change - timedelta(minutes=25)).astimezone(berlin))
    start = change - timedelta(minutes=25)
    room.start()
    room.active()
    for minutes in range(0, 51, 5):
        room.at = (start + timedelta(minutes=minutes)).astimezone(berlin)
        room.sweep()
        assert room.deduct(6).after.session.sessions_used == minutes // 10 + 1
    assert room.left() == 0
    assert room.session().is_active


def test_a_clock_that_is_put_back_charges_nothing_again(aws: EmbeddedAws) -> None:
    room = furnish(6)
    room.start()
    room.active()
    for minutes in (10, 9, 0, 10, 20, 10, 20):
        room.after(minutes)
        room.deduct()
        room.active()
    assert (room.session().sessions_used, room.left()) == (3, 3)
    assert [e.interval for e in store.ledger(COMPANY, room.subscription.id)] == [None, 1, 2, 3]


def _try(step: Any) -> None:
    with suppress(DomainError):
        step()


def _put_away(room: Room) -> None:
    if room.session().is_active:
        room.end()
