"""The link to an offer: whoever has it may answer; of its secret only the digest is kept."""

from datetime import timedelta

from chalicelib.booking.appointments.hold_token import new_secret
from chalicelib.booking.waitlist.entry import Offer, WaitlistEntry
from chalicelib.core import directory
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.directory import Claim
from chalicelib.core.errors import NotFound, Stale
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit

OFFER = "offer"
"""The kind of directory key under which the digest of a link's secret leads to the offer."""
ANSWERS_FOR = timedelta(days=7)
"""How long after its end an offer's link still says what became of it."""


def make_link(unit: Unit, entry: WaitlistEntry, offer: Offer) -> str:
    """Stage a link and return it; each has a secret of its own."""
    secret, token_digest = new_secret()
    expires_at = epoch(offer.until + ANSWERS_FOR)
    claim = Claim(OFFER, token_digest, entry.id, data={"offer_id": offer.id}, expires_at=expires_at)
    directory.claim(unit, claim, Stale())
    return f"{settings().offers_url.rstrip('/')}/{secret}"


def find_offer(secret: str, clock: Clock) -> tuple[str, str, str]:
    """The ids of company, waitlist entry and offer that a link's secret leads to; raises NotFound."""
    found = directory.find(OFFER, directory.digest_of(secret))
    if found is None or (found.expires_at or 0) <= epoch(clock()):
        raise NotFound("offer_not_found", "This offer does not exist, or no longer.")
    return found.company_id, found.record, str(found.data["offer_id"])
