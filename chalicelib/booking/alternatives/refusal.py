"""The refusal of a time, with the nearest ones that can be had: each bookable as given."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice.models import GeoAddress, Service
from chalicelib.booking.rules.rules import Failure, described
from chalicelib.core.errors import Conflict

NO_OTHER_TIME_HELPS = frozenset({"blocklist", "deposit", "rescheduling"})


class RefusedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A time that someone cannot have. `service` with the length asked for; `staff`: id or name, None: anyone.

    `moving`: the appointment that is to be moved: its own time is in nobody's way, and no alternative; `own`: the same
    of the parts of a package. `published`: only staff whom visitors may see. `seats`: of a group, which may be another
    one that stands. `address`: the customer's; `length_min`: the length, if one was asked for. `elsewhere`: whether
    other branches will do as well.
    """

    company_id: str
    branch_id: str
    service: Service
    staff: str | None
    starts_at: datetime
    now: datetime
    customer_id: str | None = None
    moving: Appointment | None = None
    published: bool = False
    seats: int = 1
    address: GeoAddress | None = None
    length_min: int | None = None
    elsewhere: bool = True
    own: tuple[Appointment, ...] = ()


def slot_taken(sought: RefusedRequest) -> Conflict:
    """The refusal of a time that someone else has."""
    return Conflict("slot_taken", "This time is not free; see the alternatives.", alternatives=_offered(sought))


def not_bookable(sought: RefusedRequest, failures: Sequence[Failure]) -> Conflict:
    """The refusal of what the rules do not allow; after a missing consultation, times for it are offered instead."""
    failed = {failure.rule for failure in failures}
    instead: list[dict[str, Any]] = []
    if not failed & NO_OTHER_TIME_HELPS:
        instead = _offered(sought, consultation="consultation" in failed)
    detail = " ".join(failure.message for failure in failures)
    return Conflict("not_bookable", detail, failures=described(failures), alternatives=instead)


def _offered(sought: RefusedRequest, *, consultation: bool = False) -> list[dict[str, Any]]:
    # The search is a fifth of what a booking would import, and only who is refused needs it.
    from chalicelib.booking.alternatives.search import offered

    return offered(sought, consultation=consultation)
