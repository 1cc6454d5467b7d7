"""The unit of work: all or nothing, retried with its token, refused when something stands against it."""

import pytest
from pynamodb.exceptions import TransactWriteError

from chalicelib.core import directory
from chalicelib.core import unit as units
from chalicelib.core.directory import Claim
from chalicelib.core.errors import Conflict, Invalid, Stale, Unavailable
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


def test_endless_contention_ends_as_unavailable(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    def contended(actions: list[units._Action], token: str) -> None:
        raise _Canceled("TransactionConflict")

    monkeypatch.setattr(units, "_write", contended)
    monkeypatch.setattr(units, "pause", lambda seconds: None)
    unit = Unit("com_1")
    unit.put(GuardRow("com_1#a", "guard"))
    with pytest.raises(Unavailable):
        unit.commit()


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
