"""Who comes: the customer a request names by id, or whom its contact leads to, who may have to be added first."""

from datetime import datetime

import msgspec

from chalicelib.booking.creation.request import SeatRequest
from chalicelib.booking.rules.facts import Rows
from chalicelib.core.errors import NotFound, invalid
from chalicelib.core.unit import Unit
from chalicelib.crm.matching import resolve
from chalicelib.crm.matching.resolve import Resolution
from chalicelib.crm.people import store as people


class WhoComes(msgspec.Struct, frozen=True):
    """`customer_id` None: somebody new. `resolution`: how they were found, where they were not named by id."""

    customer_id: str | None
    resolution: Resolution | None = None

    def stage(self, unit: Unit, at: datetime, customer_id: str | None = None) -> str:
        """Stage what the booking changes of the customer's record; returns their id, `customer_id` of somebody new."""
        if self.resolution is None:
            assert self.customer_id, "whoever is not looked for is named"
            return self.customer_id
        return resolve.stage(unit, self.resolution, at, customer_id)


def who_comes(company_id: str, request: SeatRequest, rows: Rows) -> WhoComes:
    """By the rows at the request's `customer_keys`. Raises NotFound, Conflict `customer_unsure`, and Invalid where
    nothing is said of who comes.
    """
    if request.customer_id:
        if people.person_of(rows[people.key(company_id, request.customer_id)]) is None:
            raise NotFound("customer_not_found", f"There is no customer {request.customer_id}.")
        return WhoComes(request.customer_id)
    if not request.names_customer:
        raise invalid(f"{request.path}.customer", "required", "Give the customer's phone number or e-mail address.")
    found = resolve.resolve(company_id, request.sighting(), rows)
    return WhoComes(found.person_id, found)
