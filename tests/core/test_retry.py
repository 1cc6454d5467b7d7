"""Reading and deciding again while another writer is faster."""

from collections.abc import Callable

import pytest

from chalicelib.core import retry
from chalicelib.core.errors import Conflict, Stale, Unavailable
from chalicelib.core.retry import LONGEST_PAUSE_SECONDS, known_first, until_committed


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr(retry, "pause", made.append)
    return made


def losing(times: int) -> Callable[[], str]:
    """An attempt that is too late so many times, then gets through."""
    left = [times]

    def attempt() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise Stale
        return "done"

    return attempt


@pytest.mark.parametrize("lost", [0, 1, 4])
def test_it_is_tried_until_it_gets_through(pauses: list[float], lost: int) -> None:
    assert until_committed(losing(lost), "busy", "Busy.", tries=5) == "done"
    assert len(pauses) == lost


def test_the_last_loss_is_unavailable_with_the_word_given(pauses: list[float]) -> None:
    with pytest.raises(Unavailable) as raised:
        until_committed(losing(5), "day_busy", "Come back.", tries=5)
    assert (raised.value.code, raised.value.detail) == ("day_busy", "Come back.")


def test_a_refusal_is_no_reason_to_try_again(pauses: list[float]) -> None:
    def attempt() -> None:
        raise Conflict("slot_taken", "Taken.")

    with pytest.raises(Conflict, match="slot_taken"):
        until_committed(attempt, "busy", "Busy.")
    assert pauses == []


def test_what_is_known_is_used_once_and_then_read() -> None:
    read = known_first("known", lambda: "read")
    assert [read(), read(), read()] == ["known", "read", "read"]


def test_pauses_grow_and_stay_short(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.core.retry.random.uniform", lambda low, high: high)
    until_committed(losing(10), "busy", "Busy.", tries=11)
    assert pauses == sorted(pauses)
    assert pauses[:2] == [0.005, 0.01]
    assert pauses[-1] == LONGEST_PAUSE_SECONDS
