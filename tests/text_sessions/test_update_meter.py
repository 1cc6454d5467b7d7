"""Bringing a session up to date, as what its transaction holds: rows, events, audit entries, the next tick."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from chalicelib.core import metrics, retry
from chalicelib.core import unit as units
from chalicelib.core.errors import Conflict, Stale, Unavailable
from chalicelib.core.idempotency import IdempotencyKey
from chalicelib.core.rows import AuditRow, GuardRow, OutboxRow
from chalicelib.core.unit import Actor, Unit
from chalicelib.text_sessions import store, update_meter
from chalicelib.text_sessions.meter import Meter
from chalicelib.text_sessions.session import Session
from chalicelib.text_sessions.subscription import Subscription
from chalicelib.text_sessions.update_meter import Change, Settled, settle
from tests.text_sessions.meters import account, session, started
from tests.text_sessions.room import NOON

MINUTE = timedelta(minutes=1)
ONE_MINUTE = NOON + MINUTE
KEY = IdempotencyKey("POST /x", "k", "hash", 200, lambda answer: answer)
END = Change(lambda meter, at: meter.ended("manual_end", at))


class Committed:
    """What was committed, and what was read again on the way."""

    def __init__(self) -> None:
        self.actions: list[units._Action] = []
        self.commits = 0
        self.stale = 0
        self.stored: list[Meter] = []
        self.counted: list[tuple[str, dict[str, str]]] = []

    def commit(self, actions: list[units._Action]) -> None:
        """Take on what a unit sends, unless someone else was faster."""
        self.commits += 1
        if self.stale:
            self.stale -= 1
            raise Stale
        self.actions += actions

    def sent(self) -> list[tuple[str, dict[str, Any]]]:
        """Events and jobs, in order."""
        rows = [action.row for action in self.actions if isinstance(action.row, OutboxRow)]
        return [(row.type, msgspec.json.decode(row.data or "")) for row in rows]

    def events(self) -> list[str]:
        """Their names alone."""
        return [name.rpartition(".")[2] for name, _ in self.sent()]

    def audited(self) -> list[tuple[str, str, dict[str, Any]]]:
        """What was done by whom, and with what."""
        rows = [action.row for action in self.actions if isinstance(action.row, AuditRow)]
        return [(row.action, row.actor, msgspec.json.decode(row.data or "")) for row in rows]

    def saved(self, kind: type[Any]) -> list[Any]:
        """Sessions or subscriptions as they were written."""
        name = "session" if kind is Session else "subscription"
        return [action.row.model(kind) for action in self.actions if action.row.sk == name]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Iterator[Committed]:
    """Instead of DynamoDB; what is read again comes from `stored`."""
    found = Committed()
    monkeypatch.setattr(store, "get_meter", lambda *key: found.stored.pop(0))
    monkeypatch.setattr(metrics, "count", lambda name, **why: found.counted.append((name, why)))
    monkeypatch.setattr(retry, "pause", lambda seconds: None)
    token = units.dry_run_commit.set(found.commit)
    yield found
    units.dry_run_commit.reset(token)


def new_unit() -> Unit:
    return Unit("c", Actor("user", "usr_1"), correlation_id="cor_1", clock=lambda: NOON, idempotency=KEY)


def at(minutes: float, meter: Meter, change: Change | None = None) -> Settled:
    """Settle it so long after noon."""
    return settle(new_unit, meter.session, lambda: NOON + timedelta(minutes=minutes), change, known=meter)


def written(balance: int = 3, minutes: float = 1, **fields: Any) -> Meter:
    """A session in which somebody wrote so long after noon."""
    meter = started(balance, **fields)
    stored = replace(meter.account.subscription, entries=1)
    return Meter(meter.session.active("patient", NOON + timedelta(minutes=minutes)), account_of(stored))


def account_of(subscription: Subscription) -> Any:
    """As it is read: without entries to write."""
    return replace(account(0), subscription=subscription)


WHO = {"session_id": "txs_1", "appointment_id": "apt_1", "patient_id": "cus_1", "doctor_id": "stf_1"}
TICK = {
    "company_id": "c", "appointment_id": "apt_1", "session_id": "txs_1", "subscription_id": "sub_1", "interval": 2,
}  # fmt: skip


def test_where_nothing_is_due_nothing_is_written(done: Committed) -> None:
    meter = written()
    settled = at(5, meter)
    assert settled == Settled(meter, meter)
    assert settled.charged == 0
    # The guard alone: a request's answer is kept.
    assert [type(action.row) for action in done.actions] == [GuardRow]
    assert done.counted == []


def test_a_charge_writes_session_and_ledger_tells_and_sets_the_next_tick(done: Committed) -> None:
    settled = at(10, written())
    assert (settled.charged, settled.more) == (1, False)
    (saved,) = done.saved(Session)
    assert saved == settled.after.session
    assert (saved.interval, saved.sessions_used, saved.version, saved.updated_at) == (2, 2, 2, NOON + 10 * MINUTE)
    (paid,) = done.saved(Subscription)
    assert (paid, paid.sessions_remaining, paid.entries) == (settled.after.account.subscription, 1, 2)
    assert settled.after.account.entries == ()
    assert done.sent() == [
        ("text_sessions.SessionCharged",
         {"session_id": "txs_1", "appointment_id": "apt_1", "interval": 2, "sessions_remaining": 1}),
        ("job:text_sessions.Tick", TICK),
    ]  # fmt: skip
    delays = [action.row.delay_seconds for action in done.actions if isinstance(action.row, OutboxRow)]
    assert delays == [0, 8 * 60]
    assert done.audited() == [
        ("text_session.charged", "user:usr_1",
         {"fields": ["interval", "sessions_used"], "subscription": "sub_1", "intervals": "2"}),
    ]  # fmt: skip
    assert done.counted == [("TextSessionDeduction", {})]


def test_several_charges_are_one_audit_entry_and_one_tick(done: Committed) -> None:
    at(30, written(9))
    assert done.audited()[0][2]["intervals"] == "2-4"
    assert done.events() == ["SessionCharged", "Tick"]
    assert done.sent()[1][1]["interval"] == 4
    assert done.counted == [("TextSessionDeduction", {})] * 3


def test_an_end_by_the_clock_is_told_with_its_reason_and_sets_no_tick(done: Committed) -> None:
    settled = at(12, written(1))
    assert done.sent() == [("text_sessions.SessionEnded", {**WHO, "reason": "none_left", "sessions_used": 1})]
    assert done.audited() == [
        ("text_session.ended", "user:usr_1", {"fields": ["ended_at", "end_reason"], "reason": "none_left"}),
    ]
    assert done.counted == [("TextSessionEnded", {"reason": "none_left"})]
    assert settled.after.session.ended_at == NOON + 10 * MINUTE


def test_a_session_charged_and_ended_at_once_tells_both_and_sets_no_tick(done: Committed) -> None:
    at(25, written(2))
    assert done.events() == ["SessionCharged", "SessionEnded"]


def test_notice_is_told_once(done: Committed) -> None:
    settled = at(8, written(1))
    assert done.sent() == [("text_sessions.SessionEndingSoon", {**WHO, "ends_at": "2026-11-23T12:10:00Z"})]
    assert done.audited() == [("text_session.ending_soon", "user:usr_1", {"fields": []})]
    assert settled.after.session.notified_interval == 1
    assert done.saved(Subscription) == []
    at(9, settled.after)
    assert done.events() == ["SessionEndingSoon"]


@pytest.mark.parametrize(
    ("before", "seconds"),
    [(timedelta(0), 0), (timedelta(seconds=-5), 0), (timedelta(microseconds=1), 1), (timedelta(seconds=2), 2)],
)
def test_a_tick_is_not_too_early(before: timedelta, seconds: int) -> None:
    assert update_meter.seconds_until(NOON + before, NOON) == seconds


def test_a_change_is_made_after_what_the_clock_says_and_in_its_transaction(done: Committed) -> None:
    answers: list[Settled] = []
    noted: list[Session] = []

    def hook(unit: Unit, changed: Session) -> None:
        noted.append(changed)
        unit.audit("hook", changed.id)

    def answer(settled: Settled) -> str:
        answers.append(settled)
        return "the answer"

    settled = at(10, written(), Change(END.how, hook, answer=answer))
    assert done.events() == ["SessionCharged", "SessionEnded"]
    assert [entry[0] for entry in done.audited()] == ["text_session.charged", "text_session.ended", "hook"]
    assert noted == [settled.after.session]
    assert answers == [Settled(settled.before, settled.after)]
    (guard,) = [action.row for action in done.actions if isinstance(action.row, GuardRow)]
    assert guard.data == '"the answer"'
    assert done.commits == 1


def test_without_an_answer_of_its_own_the_unit_keeps_what_was_settled(done: Committed) -> None:
    settled = at(5, written())
    (guard,) = [action.row for action in done.actions if isinstance(action.row, GuardRow)]
    assert guard.data == msgspec.json.encode(settled).decode()


def test_a_change_is_given_the_instant_and_the_session_by_the_clock(done: Committed) -> None:
    given: list[tuple[int, datetime]] = []

    def how(meter: Meter, instant: datetime) -> Meter:
        given.append((meter.session.interval, instant))
        return meter

    at(10, written(), Change(how))
    assert given == [(2, NOON + 10 * MINUTE)]


def test_an_end_by_the_clock_refuses_the_change_is_kept_and_is_nobodys_answer(done: Committed) -> None:
    hooked: list[Session] = []
    with pytest.raises(Conflict) as refused:
        at(12, written(1), Change(END.how, lambda unit, changed: hooked.append(changed)))
    assert refused.value.code == "session_ended"
    assert refused.value.detail == "This session is over."
    assert refused.value.extra == {
        "session_id": "txs_1", "end_reason": "none_left", "ended_at": "2026-11-23T12:10:00+00:00",
    }  # fmt: skip
    assert done.events() == ["SessionEnded"]
    # In the clock's own name, and not under the request's key: the same request is refused again.
    assert [entry[1] for entry in done.audited()] == ["system:pilot"]
    assert {action.row.correlation_id for action in done.actions if isinstance(action.row, OutboxRow)} == {"cor_1"}
    assert [action.row for action in done.actions if isinstance(action.row, GuardRow)] == []
    assert hooked == []


def test_an_end_by_the_clock_will_do_for_who_only_wants_it_to_end(done: Committed) -> None:
    settled = at(12, written(1), Change(END.how, clock_may_end=True))
    assert settled.after.session.end_reason == "none_left"
    assert [entry[1] for entry in done.audited()] == ["user:usr_1"]


def test_what_is_over_is_not_changed(done: Committed) -> None:
    over = written().ended("manual_end", ONE_MINUTE)
    assert at(30, over) == Settled(over, over)
    with pytest.raises(Conflict, match="session_ended"):
        at(30, over, END)
    with pytest.raises(Conflict):
        at(30, over, Change(END.how, clock_may_end=True))
    assert done.commits == 0


def test_another_session_of_the_appointment_is_not_taken_for_this_one(done: Committed) -> None:
    first, next_one = written(), written(id="txs_2")
    done.stored = [next_one]
    found = settle(new_unit, first.session, lambda: NOON + 10 * MINUTE)
    assert (found.before, found.after, done.commits) == (next_one, next_one, 0)


def test_an_end_without_an_instant_is_refused_all_the_same() -> None:
    assert update_meter.over(session()).extra == {"session_id": "txs_1", "end_reason": None, "ended_at": None}


def test_more_than_fits_into_one_transaction_is_done_in_rounds(done: Committed) -> None:
    long = written(100, planned_until=NOON + timedelta(days=1))
    rounds = long.run_to(NOON + 300 * MINUTE)
    done.stored = [Meter(replace(rounds.session, version=2), account_of(rounds.account.subscription))]
    settled = at(300, long, END)
    assert done.commits == 2
    assert (settled.before, settled.charged, settled.more) == (long, 30, False)
    assert settled.after.session.end_reason == "manual_end"
    # The first round is the clock's own; the request's key guards the round with its change.
    assert [entry[1] for entry in done.audited()] == ["system:pilot", "user:usr_1", "user:usr_1"]
    assert len([action.row for action in done.actions if isinstance(action.row, GuardRow)]) == 1


def test_who_was_too_slow_reads_again_and_decides_again(done: Committed) -> None:
    meter = written()
    newer = Meter(replace(meter.session, version=7), meter.account)
    done.stale, done.stored = 1, [newer]
    settled = at(10, meter)
    assert (settled.before, settled.after.session.version, done.commits) == (newer, 8, 2)


def test_what_is_fought_over_too_long_is_unavailable(done: Committed) -> None:
    meter = written()
    done.stale, done.stored = 99, [meter] * 99
    with pytest.raises(Unavailable) as busy:
        at(10, meter)
    assert (busy.value.code, busy.value.detail) == (
        "session_busy", "Too much is happening to this session at once; try again in a moment.",
    )  # fmt: skip


def test_a_clocks_unit_keeps_company_correlation_and_clock_and_nothing_else() -> None:
    unit = update_meter.of_the_clock(new_unit())
    assert (unit.company_id, str(unit.actor), unit.correlation_id, unit.clock()) == ("c", "system:pilot", "cor_1", NOON)
    assert unit.idempotency is None


def test_only_new_use_and_a_new_end_are_counted(done: Committed) -> None:
    before = session(sessions_used=1)
    over = before.ended("cancelled", NOON, used=1)
    update_meter.count(before, before)
    update_meter.count(over, over)
    assert done.counted == []
    update_meter.count(before, over)
    assert done.counted == [("TextSessionEnded", {"reason": "cancelled"})]
