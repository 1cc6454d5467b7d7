"""What a unit of work collects: audit entries, outbox rows, due rows and guards, in the order in which it is sent."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.core import unit as units
from chalicelib.core.clock import epoch
from chalicelib.core.errors import Conflict, Invalid
from chalicelib.core.idempotency import IdempotencyKey, Replay
from chalicelib.core.rows import AuditRow, DueRow, GuardRow, OutboxRow
from chalicelib.core.unit import SYSTEM, Actor, Unit
from tests.core.trial_area import Doing, Happened, Try, trial_area

NOW = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
JOB = Try(company_id="com_1", what="this")
TAKEN = Conflict("taken", "It is taken.")
Actions = list[units._Action]


@pytest.fixture
def sent() -> Iterator[Actions]:
    """All actions of what is committed; nothing reaches DynamoDB."""
    found: Actions = []
    token = units.dry_run_commit.set(found.extend)
    yield found
    units.dry_run_commit.reset(token)


@pytest.fixture
def trial() -> Iterator[Doing]:
    """The area `trial`, without queues."""
    with trial_area() as doing:
        yield doing


def unit_at(at: datetime = NOW, **fields: Any) -> Unit:
    return Unit("com_1", Actor("user", "usr_1"), correlation_id="cor_1", clock=lambda: at, **fields)


def guard(name: str = "com_1#a") -> GuardRow:
    return GuardRow(name, "guard")


def test_it_acts_for_the_system_under_a_correlation_of_its_own_unless_it_is_told() -> None:
    plain = Unit("com_1")
    assert (plain.company_id, plain.actor, str(plain.actor)) == ("com_1", SYSTEM, "system:pilot")
    assert plain.correlation_id.startswith("cor_")
    assert abs(plain.clock() - datetime.now(UTC)) < timedelta(minutes=1)
    given = unit_at()
    assert (given.correlation_id, str(given.actor), given.clock()) == ("cor_1", "user:usr_1", NOW)


def test_actions_are_sent_in_pynamodbs_order_with_what_they_depend_on(sent: Actions) -> None:
    condition, change = GuardRow.pk.exists(), GuardRow.tally.set(1)
    unit = unit_at()
    unit.update(guard("u"), [change], condition, TAKEN)
    unit.update(guard("v"), [change])
    unit.put(guard("p"), condition, TAKEN)
    unit.put(guard("q"))
    unit.add(guard("r"), TAKEN)
    unit.delete(guard("d"), condition, TAKEN)
    unit.delete(guard("e"))
    unit.check(guard("c"), condition, TAKEN)
    unit.check(guard("b"), condition)
    unit.commit()
    assert [(action.kind, action.row.pk) for action in sent] == [
        ("check", "c"), ("check", "b"), ("delete", "d"), ("delete", "e"), ("put", "p"), ("put", "q"), ("put", "r"),
        ("update", "u"), ("update", "v"),
    ]  # fmt: skip
    bare = {"b", "e", "q", "v"}
    assert {action.row.pk: action.otherwise for action in sent} == {
        name: None if name in bare else TAKEN for name in "cbdepqruv"
    }
    conditions = {action.row.pk: action.condition for action in sent}
    assert [name for name, found in conditions.items() if found is condition] == ["c", "b", "d", "p", "u"]
    assert str(conditions["r"]) == str(GuardRow.pk.does_not_exist())
    assert [action.changes for action in sent if action.kind == "update"] == [(change,), (change,)]
    assert unit.committed


def test_nothing_is_sent_where_nothing_is_to_be_changed(sent: Actions) -> None:
    unit = unit_at()
    unit.commit("the answer")
    assert (sent, unit.committed) == ([], False)
    unit.put(guard())
    unit.commit()
    assert (len(sent), unit.committed) == (1, True)
    with pytest.raises(AssertionError, match="once"):
        unit.commit()


@pytest.mark.parametrize("more", [0, 1])
def test_ninety_records_may_be_changed_at_once_and_no_more(sent: Actions, more: int) -> None:
    unit = unit_at()
    for number in range(90 + more):
        unit.put(guard(f"com_1#{number}"))
    if not more:
        unit.commit()
        assert len(sent) == 90
        return
    with pytest.raises(Invalid) as refused:
        unit.commit()
    assert refused.value.code == "too_much_at_once"
    assert refused.value.detail == "This would change 91 records at once; split it up."
    assert (sent, unit.committed) == ([], False)


def test_an_audit_entry_says_who_did_what_and_which_fields_it_touched(sent: Actions) -> None:
    unit = unit_at()
    unit.audit("thing.made", "thg_1", ("name", "size"), customer="cus_1")
    unit.audit("thing.seen", "thg_1")
    unit.commit()
    first, second = (action.row for action in sent)
    assert isinstance(first, AuditRow)
    assert isinstance(second, AuditRow)
    assert (first.pk, first.actor, first.action, first.correlation_id) == (
        "com_1#thg_1", "user:usr_1", "thing.made", "cor_1",
    )  # fmt: skip
    assert first.sk.startswith("2026-11-23T12:00:00.250000Z#aud_")
    assert msgspec.json.decode(first.data) == {"fields": ["name", "size"], "customer": "cus_1"}
    assert msgspec.json.decode(second.data) == {"fields": []}
    assert first.sk != second.sk


def outbox(sent: Actions) -> list[OutboxRow]:
    """The outbox rows, which are all new."""
    found = [action for action in sent if isinstance(action.row, OutboxRow)]
    assert all(str(action.condition) == str(OutboxRow.pk.does_not_exist()) for action in found)
    return [action.row for action in found if isinstance(action.row, OutboxRow)]


def test_an_event_waits_in_the_outbox_with_all_the_relay_needs(trial: Doing, sent: Actions) -> None:
    unit = unit_at()
    event_id = unit.publish(Happened(record_id="rec_1"))
    unit.commit()
    (row,) = outbox(sent)
    assert event_id.startswith("evt_")
    assert (row.pk, row.sk, row.event_id) == (f"com_1#{event_id}", "event", event_id)
    assert (row.company_id, row.actor, row.correlation_id) == ("com_1", "user:usr_1", "cor_1")
    assert (row.type, row.data) == ("trial.Happened", '{"record_id":"rec_1"}')
    assert row.delay_seconds == 0
    assert row.due is None
    assert row.occurred_at == "2026-11-23T12:00:00.250000Z"
    assert row.expires_at == epoch(NOW + timedelta(days=30))
    assert row.pending in {f"pending#{shard}" for shard in range(4)}


def test_rows_lie_in_four_shards(trial: Doing, sent: Actions) -> None:
    unit = unit_at()
    for _ in range(80):
        unit.publish(Happened(record_id="rec_1"))
    unit.commit()
    assert {row.pending for row in outbox(sent)} == {f"pending#{shard}" for shard in range(4)}


@pytest.mark.parametrize("seconds", [0, 900])
def test_a_job_waits_in_the_outbox_with_its_delay(trial: Doing, sent: Actions, seconds: int) -> None:
    unit = unit_at()
    job_id = unit.enqueue(JOB, delay_seconds=seconds) if seconds else unit.enqueue(JOB)
    unit.commit()
    (row,) = outbox(sent)
    assert (row.event_id, row.type) == (job_id, "job:trial.Try")
    assert row.delay_seconds == seconds
    assert row.due is None
    assert msgspec.json.decode(row.data) == {"company_id": "com_1", "what": "this"}


@pytest.mark.parametrize(("ahead", "near"), [(timedelta(minutes=3), True), (timedelta(minutes=3, seconds=1), False)])
def test_a_scheduled_job_has_a_due_row_and_is_queued_as_well_when_it_is_near(
    trial: Doing, sent: Actions, ahead: timedelta, near: bool
) -> None:
    unit = unit_at()
    nonce = unit.schedule(JOB, NOW + ahead, "reminder#1")
    unit.commit()
    due = next(action.row for action in sent if isinstance(action.row, DueRow))
    assert (due.pk, due.sk, due.nonce, due.job, due.handed) == (
        "com_1#due", "reminder#1", nonce, "trial.Try", int(near),
    )  # fmt: skip
    assert next(action.condition for action in sent if action.row is due) is None  # it moves what was scheduled
    found = [(row.type, row.due, row.delay_seconds, row.data) for row in outbox(sent)]
    assert found == ([("job:trial.Try", f"reminder#1#{nonce}", 180, due.data)] if near else [])


def test_unscheduling_takes_the_due_row_away_whether_or_not_it_is_there(sent: Actions) -> None:
    unit = unit_at()
    unit.unschedule("reminder#1")
    unit.commit()
    (action,) = sent
    assert (action.kind, action.row.pk, action.row.sk, action.condition) == ("delete", "com_1#due", "reminder#1", None)


def key(*, continued: bool = False) -> IdempotencyKey:
    """A client's key, whose answer is shouted."""
    return IdempotencyKey("POST /things", "k", "hash", 201, lambda answer: str(answer).upper(), continued)


def test_the_guard_keeps_what_the_route_will_answer_and_repeats_are_told_apart(sent: Actions) -> None:
    unit = unit_at(idempotency=key())
    unit.commit("done")
    (action,) = sent
    assert isinstance(action.row, GuardRow)
    assert (action.kind, action.row.pk) == ("put", "com_1#idempotency#POST /things#k")
    assert (action.row.body_hash, action.row.status, action.row.data) == ("hash", 201, '"DONE"')
    assert action.row.expires_at == epoch(NOW + timedelta(hours=24))
    assert isinstance(action.otherwise, Replay)
    free = GuardRow.pk.does_not_exist() | (GuardRow.expires_at < epoch(NOW))
    assert str(action.condition) == str(free)


@pytest.mark.parametrize("continued", [False, True])
def test_a_key_that_is_freed_is_not_kept_and_removed_where_an_earlier_unit_kept_it(
    sent: Actions, continued: bool
) -> None:
    unit = unit_at(idempotency=key(continued=continued))
    unit.free_key()
    unit.commit("undone")
    found = [(action.kind, action.row.pk, action.row.sk) for action in sent]
    assert found == ([("delete", "com_1#idempotency#POST /things#k", "guard")] if continued else [])


def test_without_a_key_there_is_none_to_free(sent: Actions) -> None:
    unit = unit_at()
    unit.free_key()
    unit.put(guard())
    unit.commit()
    assert [action.row.pk for action in sent] == ["com_1#a"]
