"""The unit of work: all or nothing, retried with its token, refused when something stands against it."""

import re
from collections.abc import Callable

import pytest
from pynamodb.exceptions import TransactWriteError

from chalicelib.core import directory
from chalicelib.core import unit as units
from chalicelib.core.directory import Claim
from chalicelib.core.errors import Conflict, Invalid, Stale, Unavailable
from chalicelib.core.idempotency import IdempotencyKey, Replay
from chalicelib.core.rows import AuditRow, GuardRow, OutboxRow
from chalicelib.core.tables import Key, fetch
from chalicelib.core.unit import Unit
from tests.conftest import EmbeddedAws


def test_everything_lands_or_nothing(aws: EmbeddedAws) -> None:
    unit = Unit("com_1")
    unit.put(GuardRow("com_1#a", "guard"))
    unit.audit("test.done", "rec_1", ("name",))
    unit.commit()
    assert GuardRow.find("com_1#a", "guard") is not None
    assert len(list(AuditRow.query("com_1#rec_1"))) == 1

    other = Unit("com_1")
    other.put(GuardRow("com_1#b", "guard"))
    other.add(GuardRow("com_1#a", "guard"), Conflict("taken", "It is taken."))
    with pytest.raises(Conflict, match="taken"):
        other.commit()
    assert GuardRow.find("com_1#b", "guard") is None


def test_reasons_follow_the_order_in_which_pynamodb_sends(aws: EmbeddedAws) -> None:
    seed = Unit("com_1")
    seed.put(GuardRow("com_1#there", "guard"))
    seed.commit()
    unit = Unit("com_1")
    unit.put(GuardRow("com_1#fine", "guard"))
    unit.update(
        GuardRow("com_1#absent", "guard"), [GuardRow.tally.set(1)], GuardRow.pk.exists(), Conflict("update", "u")
    )
    unit.check(GuardRow("com_1#there", "guard"), GuardRow.pk.exists(), Conflict("check", "c"))
    with pytest.raises(Conflict, match="update"):
        unit.commit()


def test_a_condition_without_an_explanation_is_stale(aws: EmbeddedAws) -> None:
    unit = Unit("com_1")
    unit.delete(GuardRow("com_1#absent", "guard"), GuardRow.pk.exists())
    with pytest.raises(Stale):
        unit.commit()


def test_claims_are_exclusive_between_companies_and_repeatable_by_the_owner(aws: EmbeddedAws) -> None:
    def claim(company: str, record: str) -> None:
        unit = Unit(company)
        directory.claim(unit, Claim("phone", "+4930", record), Conflict("phone_taken", "Taken."))
        unit.commit()

    claim("com_1", "bra_1")
    claim("com_1", "bra_1")
    with pytest.raises(Conflict):
        claim("com_2", "bra_1")
    with pytest.raises(Conflict):
        claim("com_1", "bra_2")
    found = directory.find("phone", "+4930")
    assert found is not None
    assert (found.company_id, found.record) == ("com_1", "bra_1")


def test_more_than_ninety_actions_are_refused_before_sending(aws: EmbeddedAws) -> None:
    unit = Unit("com_1")
    for number in range(91):
        unit.put(GuardRow(f"com_1#{number}", "guard"))
    with pytest.raises(Invalid):
        unit.commit()
    assert fetch([Key(GuardRow, "com_1#0", "guard"), Key(GuardRow, "com_1#90", "guard")]) == [None, None]


class _Canceled(TransactWriteError):
    """What AWS answers under contention and no emulator does."""

    def __init__(self, *codes: str | None) -> None:
        super().__init__("canceled")
        self.codes = codes

    @property
    def cause_response_code(self) -> str:
        return "TransactionCanceledException"

    @property
    def cancellation_reasons(self) -> list[object]:  # type: ignore[override]
        return [type("Reason", (), {"code": code})() if code else None for code in self.codes]


def test_contention_is_retried_with_the_same_token_five_times(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens: list[str] = []
    waits: list[float] = []
    real = units._write

    def contended(actions: list[units._Action], token: str) -> None:
        tokens.append(token)
        if len(tokens) < 5:
            raise _Canceled("TransactionConflict")
        real(actions, token)

    monkeypatch.setattr(units, "_write", contended)
    monkeypatch.setattr(units, "pause", waits.append)
    unit = Unit("com_1")
    unit.put(GuardRow("com_1#a", "guard"))
    unit.commit()
    assert len(tokens) == 5
    assert len(set(tokens)) == 1
    assert len(waits) == 4
    assert GuardRow.find("com_1#a", "guard") is not None


def test_endless_contention_ends_as_unavailable_after_five_tries(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, waits = failing(monkeypatch, *[_Canceled("TransactionConflict")] * 9)
    with pytest.raises(Unavailable) as busy:
        put_one()
    assert busy.value.code == "storage_busy"
    assert busy.value.detail == "Too much is happening to this record at once; try again in a moment."
    assert (len(tries), len(waits)) == (5, 5)
    # Ten to twenty milliseconds, doubling.
    assert all(0.01 * 2**n <= wait <= 0.02 * 2**n for n, wait in enumerate(waits))
    assert len(set(waits)) == 5


def failing(monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> tuple[list[str], list[float]]:
    """Let DynamoDB answer so, one after the other, and then do it; returns tokens and waits of the tries."""
    left, tokens, waits = list(errors), list[str](), list[float]()
    real = units._write

    def write(actions: list[units._Action], token: str) -> None:
        tokens.append(token)
        if left:
            raise left.pop(0)
        real(actions, token)

    monkeypatch.setattr(units, "_write", write)
    monkeypatch.setattr(units, "pause", waits.append)
    return tokens, waits


def put_one() -> None:
    unit = Unit("com_1")
    unit.put(GuardRow("com_1#a", "guard"))
    unit.commit()


class _Refused(TransactWriteError):
    """What AWS answers when it does not look at the conditions at all; None: no answer."""

    def __init__(self, code: str | None) -> None:
        super().__init__("refused")
        self.code = code

    @property
    def cause_response_code(self) -> str | None:
        return self.code


AGAIN = [
    "TransactionInProgressException", "ThrottlingException", "ProvisionedThroughputExceededException",
    "RequestLimitExceeded", "InternalServerError", None,
]  # fmt: skip


@pytest.mark.parametrize("code", AGAIN)
def test_what_may_go_through_at_another_try_is_tried_again(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, code: str | None
) -> None:
    tokens, _ = failing(monkeypatch, _Refused(code))
    put_one()
    assert len(tokens) == 2
    assert len(set(tokens)) == 1
    assert GuardRow.find("com_1#a", "guard") is not None


@pytest.mark.parametrize(
    "error",
    [
        _Refused("ValidationException"),
        _Refused("ResourceNotFoundException"),
        _Canceled("ItemCollectionSizeLimitExceeded"),
        _Canceled("ValidationError"),
        _Canceled(None),
    ],
)
def test_what_no_repetition_mends_is_raised_as_it_is(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    tokens, _ = failing(monkeypatch, error)
    with pytest.raises(TransactWriteError) as raised:
        put_one()
    assert raised.value is error
    assert len(tokens) == 1


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_one_action_in_contention_suffices_for_another_try(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    tokens, _ = failing(monkeypatch, _Canceled(code))
    put_one()
    assert len(tokens) == 2


def refused(monkeypatch: pytest.MonkeyPatch, *reasons: str | None, key: bool = False) -> Exception:
    """What a unit of two puts, the second with an explanation, ends as for these reasons."""
    given = IdempotencyKey("POST /things", "k", "hash", 201, lambda answer: answer) if key else None
    unit = Unit("com_1", idempotency=given)
    unit.put(GuardRow("com_1#a", "guard"), GuardRow.pk.exists())
    unit.put(GuardRow("com_1#b", "guard"), GuardRow.pk.exists(), Conflict("taken", "It is taken."))
    failing(monkeypatch, _Canceled(*reasons))
    with pytest.raises(Conflict) as raised:
        unit.commit("done")
    assert raised.value.__suppress_context__
    return raised.value


FAILED = "ConditionalCheckFailed"


def test_the_first_failed_condition_says_why_even_among_contention(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(refused(monkeypatch, FAILED, FAILED), Stale)
    taken = refused(monkeypatch, "TransactionConflict", FAILED)
    assert isinstance(taken, Conflict)
    assert taken.code == "taken"
    assert isinstance(refused(monkeypatch, FAILED, None), Stale)


def test_each_commit_has_a_token_of_its_own(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, _ = failing(monkeypatch)
    put_one()
    put_one()
    assert [re.fullmatch("[0-9a-f]{32}", token) is not None for token in tokens] == [True, True]
    assert len(set(tokens)) == 2


def test_reasons_that_are_not_those_of_its_actions_are_not_taken_for_them(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, _Canceled("TransactionConflict", FAILED))
    with pytest.raises(ValueError, match="longer"):
        put_one()


def test_a_used_key_explains_every_other_failure(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(refused(monkeypatch, FAILED, FAILED, FAILED, key=True), Replay)
    assert isinstance(refused(monkeypatch, None, None, FAILED, key=True), Replay)
    assert isinstance(refused(monkeypatch, FAILED, FAILED, None, key=True), Stale)


def test_updates_change_and_deletions_remove_on_their_conditions(aws: EmbeddedAws) -> None:
    put_one()
    unit = Unit("com_1")
    unit.update(GuardRow("com_1#a", "guard"), [GuardRow.tally.set(7)], GuardRow.tally.does_not_exist())
    unit.commit()
    found = GuardRow.find("com_1#a", "guard")
    assert found is not None
    assert found.tally == 7
    guards: list[Callable[[Unit], None]] = [
        lambda unit: unit.update(GuardRow("com_1#a", "guard"), [GuardRow.tally.set(8)], GuardRow.tally == 6),
        lambda unit: unit.put(GuardRow("com_1#a", "guard"), GuardRow.tally == 6),
        lambda unit: unit.delete(GuardRow("com_1#a", "guard"), GuardRow.tally == 6),
    ]
    for guarded in guards:
        other = Unit("com_1")
        guarded(other)
        with pytest.raises(Stale):
            other.commit()
    checked = Unit("com_1")
    checked.check(GuardRow("com_1#a", "guard"), GuardRow.tally == 7)
    checked.delete(GuardRow("com_1#b", "guard"))
    checked.commit()
    gone = Unit("com_1")
    gone.delete(GuardRow("com_1#a", "guard"), GuardRow.tally == 7)
    gone.commit()
    assert GuardRow.find("com_1#a", "guard") is None


def test_the_same_token_writes_once(aws: EmbeddedAws) -> None:
    row = GuardRow("com_1#a", "guard")
    added = [units._Action("put", row, GuardRow.pk.does_not_exist(), None)]
    units._write(added, "0123456789abcdef0123456789abcdef")
    # The condition does not hold any more, and is not looked at: with another token it is.
    units._write(added, "0123456789abcdef0123456789abcdef")
    assert GuardRow.find("com_1#a", "guard") is not None
    with pytest.raises(TransactWriteError, match="write transaction items"):
        units._write(added, "fedcba9876543210fedcba9876543210")


def test_what_is_published_waits_in_the_outbox(aws: EmbeddedAws) -> None:
    from chalicelib.core.events import Event

    class Happened(Event):
        record_id: str

    unit = Unit("com_1")
    event_id = unit.publish(Happened(record_id="rec_1"))
    assert OutboxRow.find(f"com_1#{event_id}", "event") is None
    unit.commit()
    row = OutboxRow.find(f"com_1#{event_id}", "event")
    assert row is not None
    assert row.pending
    assert row.data == '{"record_id":"rec_1"}'
