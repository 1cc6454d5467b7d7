"""Kill the process at every outside call of an offer, its answer and its end: nobody is lost, nobody asked twice."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.tables import BookingRow, OccupancyRow
from chalicelib.booking.waitlist import answer_offer
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.entry import WaitlistEntry
from chalicelib.core.clock import now
from chalicelib.core.rows import FailedJobRow
from chalicelib.core.unit import Unit
from chalicelib.messaging.tables import MessagingRow
from infra.local.demo_practice import Practice
from tests.calls.telephone import COMPANY
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import until_it_survives
from tests.races.test_waiting_list import lapse as end_on_time
from tests.races.test_waiting_list import link_of, opening, wait


def never() -> None:
    raise AssertionError("this branch does not book through Cal.com")


def clear() -> None:
    """As if nobody had ever waited."""
    for row in [*BookingRow.scan(), *OccupancyRow.scan(), *MessagingRow.scan()]:
        if row.sk in ("waiting", "appointment", "hold", "text") or isinstance(row, OccupancyRow):
            row.delete()


def each(practice: Practice, work: Callable[[WaitlistEntry], Callable[[], object]]) -> int:
    """Two want the same time. What `work` says is killed at each call, done again, and what must hold is looked at."""
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        first, _ = wait(practice, 1, 570), wait(practice, 2, 570)
        act = work(first)
        died = run_dying(act, death)
        act()  # SQS delivers again, whoever answers answers again, the next sweep comes
        sound()
        clear()
        return died

    calls = until_it_survives(case)
    assert list(FailedJobRow.scan()) == []
    return calls


def sound() -> None:
    """One time, one hold or one appointment; one text for each offer that was made."""
    people = [row.model(WaitlistEntry) for row in BookingRow.scan() if row.sk == "waiting"]
    holds = [row for row in OccupancyRow.scan() if row.sk == "hold"]
    made = [row.model(Appointment) for row in BookingRow.scan() if row.sk == "appointment"]
    assert len(holds) == len([one for one in people if one.offer])
    assert len(holds) + len(made) == 1
    assert len([one for one in people if one.status == "booked"]) == len(made)
    texts = [row for row in MessagingRow.scan() if row.sk == "text"]
    assert len(texts) == sum(len(one.offers) for one in people)


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["accept", "lapse"])
def test_an_answer_counts_once_whatever_dies(practice: Practice, answer: str) -> None:
    def work(first: WaitlistEntry) -> Callable[[], object]:
        opening(practice)
        offer = waitlist_store.get(COMPANY, first.id).offer
        assert offer is not None
        link, later = link_of("+4915112345701"), offer.until + timedelta(seconds=1)

        def accept() -> object:
            return answer_offer.accept(Unit, link, now, never)  # type: ignore[arg-type]

        def lapse() -> None:
            """The job that ends the offer, and the one that offers the time to the second."""
            if waitlist_store.get(COMPANY, first.id).offer:
                end_on_time(first.id, later)
            opening(practice)

        return accept if answer == "accept" else lapse

    calls = each(practice, work)
    print(f"{answer}: {calls} outside calls")
    assert calls >= 4
