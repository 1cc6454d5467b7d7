"""Kill the process before and after every outside call of holding a time, prolonging it, giving it back, using it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.booking.appointments import hold_store
from chalicelib.booking.appointments.hold import Hold, HoldProof
from chalicelib.booking.calendar.entries import Entry, Kind
from chalicelib.booking.creation.book import book
from chalicelib.booking.creation.hold import extend, hold, release
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.core.errors import DomainError
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_practice import Practice
from tests.booking.agreement import ours
from tests.booking.calendars import read_calendar
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import until_it_survives

COMPANY = "com_test"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
Change = Callable[[Practice, Hold, HoldProof], object]


def _begin(company_id: str = COMPANY) -> Unit:
    return Unit(company_id, clock=lambda: NOW)


def _hold(practice: Practice, at: datetime) -> tuple[Hold, str]:
    hold_request = BookingRequest(
        branch_id=practice.branches[0].id, service="Massage", starts_at=at, staff="Ada Keller"
    )
    # Everyone from an address of their own, since two a visitor are the most.
    return hold(_begin, f"address {at}", hold_request, lambda: NOW)


def _use(practice: Practice, made: Hold, proof: HoldProof) -> object:
    booking_request = BookingRequest(
        branch_id=practice.branches[0].id, service="Massage", starts_at=made.starts_at, source="web", hold=proof,
        contact=Contact(name="Ada", phone="+4915112345678"),
    )  # fmt: skip
    return book(_begin, COMPANY, booking_request, lambda: NOW)


CHANGES: dict[str, Change] = {
    "extend": lambda practice, made, proof: extend(_begin, proof, lambda: NOW),
    "release": lambda practice, made, proof: release(_begin, proof, lambda: NOW),
    "use": _use,
}


def _taken(practice: Practice, at: datetime) -> list[Entry]:
    around = Entry(at, 60, 0, 0, Kind.HOLD, 0, b"")
    return [e for e in read_calendar(practice.staff[0], around).entries() if e.start == at]


def _at(case: int) -> datetime:
    return MONDAY + timedelta(days=case % 5, weeks=case // 5)


@pytest.mark.slow
def test_a_hold_is_made_whole_or_not_at_all(practice: Practice) -> None:
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        at = _at(tried)
        tried += 1
        died = run_dying(lambda: _hold(practice, at), death)
        holds = _taken(practice, at)
        assert len(holds) <= 1
        # Whoever lost the answer has lost the secret too: the time comes back by itself.
        assert all(entry.kind == Kind.HOLD and entry.expires_at for entry in holds)
        if not holds:
            _hold(practice, at)
        return died

    assert until_it_survives(case) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_a_hold_is_changed_whole_or_not_at_all(practice: Practice, change: str) -> None:
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        at = _at(tried)
        tried += 1
        made, secret = _hold(practice, at)
        proof = HoldProof(made.id, secret)
        died = run_dying(lambda: CHANGES[change](practice, made, proof), death)
        _agree(practice, made)
        # Who asks again gets it, or hears that it is done.
        again = _outcome(lambda: CHANGES[change](practice, made, proof))
        assert again in ("done", "extended_before", "hold_not_found")
        _agree(practice, made)
        _stands(change, practice, made)
        return died

    assert until_it_survives(case) >= 2


def _agree(practice: Practice, made: Hold) -> None:
    kept = hold_store.find(COMPANY, made.id)
    mine = [one.entry() for one in ours() if one.starts_at == made.starts_at]
    assert _taken(practice, made.starts_at) == (next(iter(kept.lies().values())) if kept else mine)


def _stands(change: str, practice: Practice, made: Hold) -> None:
    kept = hold_store.find(COMPANY, made.id)
    bookings = [one for one in ours() if one.starts_at == made.starts_at]
    assert (kept is not None and kept.extended) is (change == "extend")
    assert len(bookings) == (change == "use")


def _outcome(work: Callable[[], Any]) -> str:
    try:
        work()
    except DomainError as error:
        return error.code
    return "done"
