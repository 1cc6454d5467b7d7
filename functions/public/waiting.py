"""The waiting list for visitors: getting onto it, and answering what is offered."""

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from chalicelib.core.clock import now
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.errors import Conflict, RateLimited
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request
from functions.booking.online import CLOSED, require_open
from functions.booking.waitlist_body import EXAMPLE, WaitlistBody
from functions.public.visits import count

if TYPE_CHECKING:
    from chalicelib.booking.practice.schedule import Schedule
    from chalicelib.booking.waitlist.answer_offer import AnsweredOffer

function = Function(__name__)
JOININGS_A_MINUTE = 5
OVER = ("offer_not_found 404", "offer_accepted 409", "offer_declined 409", "offer_expired 409", "offer_withdrawn 409")
REFUSALS = ("slot_taken 409", "not_bookable 409", "calendar_busy 503", "too_many_requests 429")


class VisitorWaitlistEntry(WaitlistBody):
    """As staff give it; a phone number or an e-mail address at least."""

    source: Literal["web", "mobile"] = "web"


class JoinedAnswer(Answer):
    """You are on the list; nothing is said of whether you are known here."""

    id: str
    expires_at: datetime


class OfferAnswer(Answer):
    """What is offered until `until`; times with the branch's offset. `staff`: who does it, if published.

    `outcome`: open, accepted, declined, lapsed, withdrawn, gone.
    """

    branch_id: str
    branch: str
    service_id: str
    service: str
    staff_id: str | None
    staff: str | None
    starts_at: datetime
    ends_at: datetime
    until: datetime
    outcome: str


class OfferReply(Body):
    """Yes or no."""

    answer: Literal["accept", "decline"]


class RepliedAnswer(Answer):
    """What became of it. With an appointment: `status` requested awaits the practice, held awaits the provider.

    `deposit_due_minor`: the deposit without which it is not confirmed, in minor units of `currency`.
    """

    outcome: str
    appointment_id: str | None
    status: str | None
    starts_at: datetime
    ends_at: datetime
    deposit_due_minor: int
    currency: str | None


@function.route(
    "POST",
    "/public/waiting-list",
    ability=PUBLIC,
    status=201,
    needs=Needs(reads=("directory",), writes=("booking", "crm")),
    errors=("branch_not_found 404", "too_many_requests 429", "storage_busy 503"),
    example=EXAMPLE,
)
def join_as_visitor(request: Request, body: VisitorWaitlistEntry) -> JoinedAnswer:
    """Get onto the waiting list of a branch; what becomes free is offered by text or mail, with a link to answer by."""
    from chalicelib.booking.creation.hold import company_of
    from chalicelib.booking.waitlist.entry import WaitlistEntry
    from chalicelib.booking.waitlist.join import join
    from chalicelib.core import throttle

    def show(entry: WaitlistEntry) -> JoinedAnswer:
        return JoinedAnswer(id=entry.id, expires_at=entry.expires_at)

    throttle.count("waiting", request.address, request.clock(), most=JOININGS_A_MINUTE)
    company_id = company_of(body.branch_id)
    waitlist_request = body.request(company_id, source=body.source, visitor=True)
    try:
        return show(join(lambda: request.unit(show, company_id), company_id, waitlist_request, now))
    except Conflict as refusal:
        if refusal.code != "waits_already":
            raise
        # That this number is on the list already is nobody's business.
        raise RateLimited("too_many_requests", "Too many requests; wait a minute.", retry_after=60) from None


@function.route(
    "GET",
    "/public/offers/{token}",
    ability=PUBLIC,
    needs=Needs(reads=("booking", "directory"), updates=("guards",)),
    errors=("offer_not_found 404", "branch_not_found 404", "too_many_requests 429"),
)
def show_offer(request: Request, token: str) -> OfferAnswer:
    """What a link offers, and until when."""
    from chalicelib.booking.waitlist.answer_offer import look

    count(request)
    return _show(*look(token, now))


@function.route(
    "POST",
    "/public/offers/{token}",
    ability=PUBLIC,
    needs=Needs(reads=("crm",), writes=("booking", "occupancy", "directory"), secrets=("calcom_api_key",)),
    # Answering twice is answering once, whoever asks.
    idempotent=False,
    errors=(*OVER, *REFUSALS, CLOSED, "branch_not_found 404"),
    example={"answer": "accept"},
)
def answer_offer(request: Request, token: str, body: OfferReply) -> RepliedAnswer:
    """Accept, and it is booked; or decline, and it is offered to the next."""
    from chalicelib.booking.waitlist.answer_offer import accept, decline
    from functions.booking.visitors import plainly

    count(request)
    if body.answer == "accept":
        require_open(request)
    reply = decline if body.answer == "decline" else accept
    return _replied(plainly(lambda: reply(lambda company_id: request.unit(company_id=company_id), token, now)))


def _show(answered: "AnsweredOffer", schedule: "Schedule") -> OfferAnswer:
    offer, clock = answered.offer, schedule.branch.clock()
    service = schedule.find_service(offer.service_id)
    member = next((one for one in schedule.staff if one.id == offer.staff_id and one.published), None)
    return OfferAnswer(
        branch_id=schedule.branch.id,
        branch=schedule.branch.name,
        service_id=offer.service_id,
        service=service.name if service else "",
        staff_id=member.id if member else None,
        staff=member.name if member else None,
        starts_at=offer.starts_at.astimezone(clock),
        ends_at=offer.ends_at.astimezone(clock),
        until=offer.until.astimezone(clock),
        outcome=offer.outcome,
    )


def _replied(answered: "AnsweredOffer") -> RepliedAnswer:
    made = answered.appointment
    return RepliedAnswer(
        outcome="accepted" if made else answered.offer.outcome,
        appointment_id=made.id if made else None,
        status=made.status if made else None,
        starts_at=made.starts_at if made else answered.offer.starts_at,
        ends_at=made.ends_at if made else answered.offer.ends_at,
        deposit_due_minor=made.deposit_due_minor if made else 0,
        currency=made.currency if made else None,
    )
