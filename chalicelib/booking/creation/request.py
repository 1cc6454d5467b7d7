"""What someone wants booked."""

from datetime import datetime

import msgspec

from chalicelib.booking.allocation.assignment import Preference
from chalicelib.booking.appointments.appointment import Source
from chalicelib.booking.appointments.hold import Hold, HoldProof
from chalicelib.booking.practice.models import GeoAddress, Service
from chalicelib.booking.practice.policy import RuleName
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.clock import to_utc
from chalicelib.core.errors import invalid
from chalicelib.core.tables import Key
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.matching.resolve import Sighting, Trust
from chalicelib.crm.people import store as people


class SeatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """For whom, and how many seats. `customer_id`, or `contact` to find or add them by; neither: not said yet.

    `path` is where these fields stand in the request, for the faults that name them. `override`: rules that do not
    matter; whoever may say so is the endpoint's to know. `visitor`: somebody from the street, who is shown nothing and
    nobody unpublished. `trust`: who says who comes; of a visitor it is a stranger.
    """

    customer_id: str | None = None
    contact: Contact = Contact()
    seats: int = 1
    source: Source = "api"
    override: tuple[RuleName, ...] = ()
    visitor: bool = False
    trust: Trust = "staff"
    path: str = "body"

    @property
    def names_customer(self) -> bool:
        """Whether it is said who comes; if not, what the rules say of them shows later."""
        return bool(self.customer_id or self.contact.phone or self.contact.email)

    def customer_keys(self, company_id: str) -> list[Key]:
        """Where the customer would be found."""
        if self.customer_id:
            return [people.key(company_id, self.customer_id)]
        return contact_points.keys(company_id, self.contact)

    @property
    def by_stranger(self) -> bool:
        """Whether what is said of who comes is believed for this booking alone."""
        return self.visitor or self.trust == "stranger"

    def sighting(self) -> Sighting:
        """Who is said to come, and by whom."""
        return Sighting(
            contact=self.contact,
            trust="stranger" if self.visitor else self.trust,
            source=self.source,
            can_answer=not self.visitor,
        )


class BookingRequest(SeatRequest, frozen=True, kw_only=True):
    """What, where and when besides. `service` and `staff` by id or name; no `staff`: anyone.

    `length_min`: of a service whose length the customer chooses. `hold`: the visitor's own, which becomes the
    appointment. `seats`: of a group; one that stands then is joined. `address`: where the customer is, for a mobile
    service. `deposit_minor`: what was paid of the deposit; `pays_later`: what is left is paid afterwards, as a
    visitor's always is.
    """

    branch_id: str
    service: str
    starts_at: datetime
    staff: str | None = None
    length_min: int | None = None
    prefer: Preference = Preference()
    address: GeoAddress | None = None
    hold: HoldProof | None = None
    deposit_minor: int = 0
    pays_later: bool = False
    call_id: str | None = None
    metadata: dict[str, str] = {}

    def service_in(self, schedule: Schedule) -> Service:
        """The service that is asked for; raises Invalid about `service`."""
        path = f"{self.path}.service"
        service = schedule.service(self.service, path)
        if self.visitor and not service.published:
            raise invalid(path, "unknown_service", "This is not offered here.")
        return service

    def in_utc(self) -> "BookingRequest":
        """The same at the same instant, in UTC."""
        return msgspec.structs.replace(self, starts_at=to_utc(self.starts_at))

    def of_hold(self, hold: Hold) -> "BookingRequest":
        """The same, of what the hold was made for."""
        address = hold.address or self.address
        return msgspec.structs.replace(self, service=hold.service_id, length_min=hold.length_min, address=address)
