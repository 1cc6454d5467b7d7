"""Many at once: no time is offered to two people, nobody has two offers, and one answer alone counts."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.creation.book import book
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.jobs import CheckWaiting, OfferOpening
from chalicelib.booking.practice.hours import Span
from chalicelib.booking.tables import BookingRow, OccupancyRow
from chalicelib.booking.waitlist import answer_offer, end_offer
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.entry import Range, WaitlistEntry
from chalicelib.booking.waitlist.join import WaitlistRequest, join
from chalicelib.booking.waitlist.make_offers import offer_opening
from chalicelib.core.clock import now
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.messaging.tables import MessagingRow
from chalicelib.messaging.text import Text
from infra.local.demo_practice import Practice
from tests.calls.conftest import next_monday
from tests.calls.telephone import COMPANY, context
from tests.races.together import at_once
from tests.sizes import ROUNDS

THREADS = 16


def wait(practice: Practice, number: int, until: int = 600) -> WaitlistEntry:
    """Someone who wants Ada on Monday between nine and `until`."""
    day = next_monday(9).date()
    request = WaitlistRequest(
        branch_id=practice.branches[0].id, services=("Consultation",), staff=("Ada Keller",),
        days=(Range(day, day),), times=(Span(540, until),), contact=Contact(phone=f"+49151123457{number:02}"),
    )  # fmt: skip
    return join(lambda: Unit(COMPANY), COMPANY, request, now)


def opening(practice: Practice) -> None:
    offer_opening(OfferOpening(company_id=COMPANY, branch_ids=(practice.branches[0].id,)), context())


def lapse(waiting_id: str, at: datetime) -> None:
    """What the job does that was scheduled for the offer's end."""
    end_offer.check_waiting(
        CheckWaiting(company_id=COMPANY, waiting_id=waiting_id), replace(context(), clock=lambda: at)
    )


def everyone() -> list[WaitlistEntry]:
    return [row.model(WaitlistEntry) for row in BookingRow.scan() if row.sk == "waiting"]


def link_of(phone: str) -> str:
    (text,) = [row.model(Text) for row in MessagingRow.scan() if row.sk == "text" and phone in (row.data or "")]
    return text.body.rpartition("/")[2]


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_two_openings_never_offer_one_time_twice(practice: Practice, round_number: int) -> None:
    people = [wait(practice, number) for number in range(4)]  # two of them find room before ten
    at_once(*[lambda: opening(practice) for _ in range(THREADS // 2)])
    made = [one.offer for one in everyone() if one.offer]
    assert len(made) == 2
    first, second = sorted(made, key=lambda one: one.starts_at)
    assert first.ends_at <= second.starts_at
    assert all(len(one.offers) <= 1 for one in everyone())
    assert sorted(one.id for one in everyone() if one.offer) == sorted(one.id for one in people[:2])
    assert len([row for row in MessagingRow.scan() if row.sk == "text"]) == 2
    assert len([row for row in OccupancyRow.scan() if row.sk == "hold"]) == 2


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_one_answer_alone_counts(practice: Practice, round_number: int) -> None:
    one = wait(practice, 1, 570)
    opening(practice)
    offered = waitlist_store.get(COMPANY, one.id).offer
    assert offered is not None
    link = link_of("+4915112345701")
    later = offered.until + timedelta(seconds=1)
    other = BookingRequest(
        branch_id=practice.branches[0].id, service="Consultation", starts_at=offered.starts_at, source="web",
        staff="Ada Keller", contact=Contact(phone="+4915112345799"), visitor=True,
    )  # fmt: skip

    def never() -> None:
        raise AssertionError("this branch does not book through Cal.com")

    def accept() -> object:
        return answer_offer.accept(Unit, link, now, never).appointment  # type: ignore[arg-type]

    answers = at_once(
        *[accept] * 5,
        *[lambda: answer_offer.decline(Unit, link, now)] * 3,
        *[lambda: lapse(one.id, later)] * 3,
        *[lambda: book(lambda: Unit(COMPANY), COMPANY, other, now)] * 3,
        *[lambda: end_offer.withdraw(lambda: Unit(COMPANY), COMPANY, one.id, now)] * 2,
    )
    after = waitlist_store.get(COMPANY, one.id)
    appointments = [row.model(Appointment) for row in BookingRow.scan() if row.sk == "appointment"]
    accepted = [answer for answer in answers if isinstance(answer, Appointment)]
    mine = [made for made in appointments if made.metadata]
    assert len(appointments) <= 1
    assert (after.status == "booked") == (len(mine) == 1) == bool(accepted)
    assert {made.id for made in accepted} <= {made.id for made in mine}
    assert "open" not in [given.outcome for given in after.offers]
    ended = [row for row in OutboxRow.scan() if row.type in ("booking.WaitingOfferEnded", "booking.WaitingBooked")]
    assert len(ended) == 1
    assert [row for row in OccupancyRow.scan() if row.sk == "hold"] == []
