"""The rules of an offer: on which days it may be, how long it is kept, how the customer hears of it; pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from chalicelib.booking.engine.clocks import day_of, day_start, minute_of
from chalicelib.booking.practice.models import Branch
from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.waitlist.entry import WaitlistEntry
from chalicelib.core.errors import Conflict
from chalicelib.core.phones import takes_texts
from chalicelib.crm.people.person import Person

REACH = timedelta(days=92)
"""How far ahead offers are made; every day another day comes within reach."""
SHORTEST = timedelta(minutes=3)
"""The least time to answer an offer."""


class CannotReach(Exception):
    """The customer cannot be told of an offer now; `until`: when they can be, if ever."""

    def __init__(self, until: datetime | None = None) -> None:
        super().__init__()
        self.until = until


class FreedTime(msgspec.Struct, frozen=True):
    """Days of a branch on which something may have become free; None: whenever."""

    branch_id: str
    first: datetime | None = None
    last: datetime | None = None


def start_window(freed: FreedTime, zone: str, entries: Iterable[WaitlistEntry], now: datetime) -> tuple[int, int]:
    """The minutes since 1970, half open, in which something may begin that became free and would do for an entry."""
    last_day = max(entry.last_day() for entry in entries).toordinal()
    first, last = minute_of(now), min(minute_of(now + REACH), day_start(zone, last_day + 1))
    if freed.first:
        first = max(first, day_start(zone, day_of(zone, minute_of(freed.first))))
    if freed.last:
        last = min(last, day_start(zone, day_of(zone, minute_of(freed.last)) + 1))
    return first, last


def kept_until(starts_at: datetime, policy: Policy, now: datetime) -> datetime:
    """Until when an offer is kept: on a whole minute, as calendars keep it, and not so late that the rules would refuse
    the appointment by then. Raises Conflict `too_late`.
    """
    notice = 0 if "minimum_notice" in policy.off else policy.minimum_notice_min or 0
    latest = starts_at - timedelta(minutes=notice)
    until = min(now + timedelta(minutes=policy.waiting_offer_min or 0), latest).replace(second=0, microsecond=0)
    if until - now < SHORTEST:
        raise Conflict("too_late", "There is no time left to answer.")
    return until


def offered_by(customer: Person, branch: Branch, now: datetime, *, refuses_texts: bool) -> Literal["text", "mail"]:
    """By text where the customer can get one, by mail where not, or while texts would disturb. Raises CannotReach."""
    texted = bool(customer.phone and texts_from(branch) and not refuses_texts and takes_texts(customer.phone))
    awake_at = branch.next_outbound(now) if branch.quiet_hours.texts else now
    if texted and awake_at <= now:
        return "text"
    if customer.email:
        return "mail"
    raise CannotReach(awake_at if texted else None)


def texts_from(branch: Branch) -> str:
    """The number that texts of the branch come from; empty where it has none."""
    return branch.call_routing.text_from or branch.phone or ""
