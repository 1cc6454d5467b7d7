"""The inbox: a delivery is kept once and whole, together with its job, however often and however wide it comes."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.core import inbox
from chalicelib.core.errors import NotFound, Unavailable
from chalicelib.core.inbox import Delivery
from chalicelib.core.rows import InboxRow, OutboxRow
from chalicelib.core.unit import Actor, Unit
from tests.core.trial_area import Doing, Try

JOB = Try(company_id=inbox.PLATFORM, what="delivery")


def unit() -> Unit:
    """A webhook's unit of work."""
    return Unit(inbox.PLATFORM, Actor("vendor", "acme"))


def test_a_delivery_is_kept_once_with_one_job(doing: Doing) -> None:
    assert inbox.receive(unit(), Delivery("acme", "d1", "thing.done", b'{"a": 1}'), JOB)
    assert not inbox.receive(unit(), Delivery("acme", "d1", "thing.done", b'{"a": 1}'), JOB)
    assert inbox.load("acme", "d1") == b'{"a": 1}'
    assert [row.type for row in OutboxRow.scan()] == ["job:trial.Try"]
    [row] = InboxRow.scan()
    assert (row.kind, row.parts) == ("thing.done", 1)


def test_the_first_delivery_stands_whatever_comes_later_under_its_id(doing: Doing) -> None:
    inbox.receive(unit(), Delivery("acme", "d1", "thing.done", b"first"), JOB)
    inbox.receive(unit(), Delivery("acme", "d1", "thing.undone", b"second"), JOB)
    assert inbox.load("acme", "d1") == b"first"


def test_vendors_do_not_get_into_each_others_way(doing: Doing) -> None:
    assert inbox.receive(unit(), Delivery("acme", "d1", "k", b"a"), JOB)
    assert inbox.receive(unit(), Delivery("other", "d1", "k", b"b"), JOB)
    assert (inbox.load("acme", "d1"), inbox.load("other", "d1")) == (b"a", b"b")


def test_a_delivery_nobody_acts_on_is_kept_all_the_same(doing: Doing) -> None:
    assert inbox.receive(unit(), Delivery("acme", "d1", "news", b"{}"), None)
    assert inbox.load("acme", "d1") == b"{}"
    assert list(OutboxRow.scan()) == []


@pytest.mark.parametrize("raw", [b"", b"\x00\xff", os.urandom(1_000_000), b"x" * 1_000_000], ids=len)
def test_any_body_comes_back_byte_for_byte(doing: Doing, raw: bytes) -> None:
    assert inbox.receive(unit(), Delivery("acme", "d1", "k", raw), JOB)
    assert inbox.load("acme", "d1") == raw
    assert not inbox.receive(unit(), Delivery("acme", "d1", "k", raw), JOB)


def test_of_many_at_once_exactly_one_is_the_first(doing: Doing) -> None:
    def deliver(number: int) -> bool:
        return inbox.receive(unit(), Delivery("acme", "d1", "k", os.urandom(400_000)), JOB)

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(deliver, range(16))) == 1
    assert len(list(OutboxRow.scan())) == 1
    assert inbox.load("acme", "d1")


def test_a_delivery_that_could_not_be_kept_can_be_delivered_again(
    doing: Doing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Unit, answer: object = None) -> None:
        raise Unavailable("storage_busy", "Busy.")

    with monkeypatch.context() as broken:
        broken.setattr(Unit, "commit", fail)
        with pytest.raises(Unavailable):
            inbox.receive(unit(), Delivery("acme", "d1", "k", b"a"), JOB)
    assert inbox.receive(unit(), Delivery("acme", "d1", "k", b"a"), JOB)


def test_an_unknown_delivery_is_not_found(doing: Doing) -> None:
    with pytest.raises(NotFound):
        inbox.load("acme", "never")
