"""Any sequence of events over simulated hours is charged as a reference model of a few lines charges it."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from math import inf

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.core.errors import DomainError
from chalicelib.core.jobs import Postpone
from chalicelib.text_sessions.meter import Meter
from tests.conftest import EmbeddedAws
from tests.sizes import examples
from tests.text_sessions.meters import PLANNED, started
from tests.text_sessions.room import NOON, Room, furnish

Event = tuple[float, str]
"""Minutes since the start, and what happens: activity and ends decide, all the rest must not matter."""


def reference(events: Sequence[Event], balance: int, no_show: bool, until: float) -> tuple[int, int, str]:
    """How many intervals are used, what is left of the balance, and how it ended, from the events alone."""
    ended = min([at for at, what in events if what == "end"], default=inf)
    active = [
        at for at, what in events if what == "active" and at <= ended
    ]  # at the same instant, "active" sorts first
    for n in range(1, 1000):
        over, written = 10 * n, [at for at in active if 10 * n - 10 <= at < 10 * n]
        used = n if n > 1 or written else 0
        if ended < over:
            return used, balance - used, "manual_end"
        if until < over:
            return used, balance - n, "runs"
        if not used:
            return int(no_show), balance - no_show, "no_activity"
        if (over >= PLANNED and not written) or n == balance:
            return n, balance - n, "none_left" if written or over < PLANNED else "expired"
    raise AssertionError


times = st.integers(0, 4 * 60 * 6).map(lambda tenths_of_ten: tenths_of_ten / 6)  # every ten seconds for four hours
early = st.integers(0, 12 * 6).map(lambda n: n / 6)
whats = st.sampled_from(["active", "active", "active", "tick", "tick", "sweep", "deduct", "start", "end"])
sequences = st.lists(st.tuples(times | early, whats), max_size=40).map(sorted)


@settings(max_examples=examples(500))
@given(events=sequences, balance=st.integers(1, 15), no_show=st.booleans())
def test_the_rule_charges_as_the_reference(events: list[Event], balance: int, no_show: bool) -> None:
    meter = started(balance, no_show_charged=no_show)
    for minutes, what in events:
        at = NOON + timedelta(minutes=minutes)
        if what in ("tick", "sweep", "deduct"):
            meter = meter.run_to(at)
        elif what in ("active", "end"):
            meter = _to(meter, at)
            if meter.session.is_active:
                session = meter.session.active("doctor", at)
                meter = Meter(session, meter.account) if what == "active" else meter.ended("manual_end", at)
    until = max([at for at, _ in events], default=0) + 13
    meter = _to(meter, NOON + timedelta(minutes=until))
    used, left, how = reference(events, balance, no_show, until)
    session = meter.session
    assert (session.sessions_used, meter.account.left, session.end_reason or "runs") == (used, left, how)
    causes = [entry.cause for entry in meter.account.entries]
    assert len(set(causes)) == len(causes)
    assert balance + sum(entry.amount for entry in meter.account.entries) == left


@pytest.mark.slow
@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=sequences.filter(bool), balance=st.integers(1, 6), no_show=st.booleans())
def test_what_is_stored_follows_the_rule(aws: EmbeddedAws, events: list[Event], balance: int, no_show: bool) -> None:
    room = furnish(balance, number=next(_numbers), no_show_charged=no_show)
    room.start()
    for minutes, what in events:
        room.after(minutes)
        # A start after the end would begin another session: the reference knows one.
        if what != "start" or (room.session().is_active and not room.session().due(room.at)):
            _do(room, what)
    until = events[-1][0] + 13
    room.after(until)
    room.sweep()
    used, left, how = reference(events, balance, no_show, until)
    session = room.session()
    assert (session.sessions_used, room.left(), session.end_reason or "runs") == (used, left, how)


_numbers = iter(range(10_000))


def _do(room: Room, what: str) -> None:
    with suppress(DomainError, Postpone):
        getattr(room, what)()


def _to(meter: Meter, at: datetime) -> Meter:
    while meter.session.due(at):
        meter = meter.run_to(at)
    return meter
