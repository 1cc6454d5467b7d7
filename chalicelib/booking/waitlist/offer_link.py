"""The link to an offer: whoever has it may answer; of its secret only the digest is kept."""

from datetime import timedelta

from chalicelib.booking.appointments.hold_token import digest, new_secret
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.waitlist.entry import Offer, WaitlistEntry
from chalicelib.booking.waitlist.messages import OfferMessage
from chalicelib.core import directory
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.directory import Claim
from chalicelib.core.errors import NotFound, Stale
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit

OFFER = "offer"
"""The kind of directory key under which the digest of a link's secret leads to the offer."""
TOLD_FOR = timedelta(days=7)
"""How long after its end an offer still says what became of it."""


def make_link(unit: Unit, waiting: WaitlistEntry, offer: Offer) -> str:
    """Stage a link and return it; each has a secret of its own."""
    secret, kept = new_secret()
    expires_at = epoch(offer.until + TOLD_FOR)
    directory.claim(unit, Claim(OFFER, kept, waiting.id, data={"offer_id": offer.id}, expires_at=expires_at), Stale())
    return f"{settings().offers_url.rstrip('/')}/{secret}"


def behind(secret: str, clock: Clock) -> tuple[str, str, str]:
    """The ids of company, waiting and offer behind a link's secret; raises NotFound."""
    entry = directory.find(OFFER, digest(secret))
    if entry is None or (entry.expires_at or 0) <= epoch(clock()):
        raise NotFound("offer_not_found", "This offer does not exist, or no longer.")
    return entry.company_id, entry.record, str(entry.data["offer_id"])


def told(schedule: Schedule, offer: Offer, link: str) -> OfferMessage:
    """What the message about an offer says; who does it only where he is published."""
    clock = schedule.branch.clock()
    service = schedule.find_service(offer.service_id)
    member = next((one for one in schedule.staff if one.id == offer.staff_id and one.published), None)
    return OfferMessage(
        branch=schedule.branch.name,
        service=service.name if service else "",
        starts_at=offer.starts_at.astimezone(clock),
        until=offer.until.astimezone(clock),
        staff=member.name if member else None,
        link=link,
    )
