"""An appointment and the moves it may make."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from chalicelib.booking.appointments.group import Group
from chalicelib.booking.calendar.entries import Entry, Kind, reference_of
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.engine.clocks import MINUTE
from chalicelib.booking.events import AppointmentBooked
from chalicelib.booking.practice.models import Channel
from chalicelib.booking.practice.models import GeoAddress as Address
from chalicelib.core.references import Reference, id_of

Status = Literal["held", "requested", "confirmed", "cancelled", "declined", "no_show", "completed", "released"]
Source = str
"""By what it was booked: retell_phone, web, api, mobile; or the name of the provider that it was booked at."""
BOOKING, BOOKING_NUMBER = "booking", "booking_number"
"""Kinds of references: the id by which a provider is asked for a booking, and a second one that some have."""
TAKES_TIME = frozenset({"held", "requested", "confirmed", "no_show", "completed"})
OVER = frozenset({"cancelled", "declined", "released"})
"""Nothing but a new booking brings one of these back."""
BOOKED = frozenset({"confirmed", "scheduled"})


class TimeSlot(msgspec.Struct, frozen=True, kw_only=True):
    """A time with a member of staff, in rooms and with devices of the branch; instants in UTC."""

    starts_at: datetime
    ends_at: datetime
    staff_id: str | None
    home_branch_id: str | None = None
    resource_ids: tuple[str, ...] = ()

    def owners(self, company_id: str, branch_id: str) -> list[CalendarOwner]:
        """Whose calendars it takes time of, for an appointment in that branch."""
        staff = CalendarOwner(company_id, self.home_branch_id or branch_id, str(self.staff_id))
        return [staff, *(CalendarOwner(company_id, branch_id, room) for room in self.resource_ids)]


class PendingChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change that the provider was asked for and has not answered. Until it is settled, `slot` is taken too.

    `rebook`: a member of staff whom the provider books otherwise takes over: a new booking is made, the old one goes.
    `fee_minor`: what cancelling costs once it is done, as it was when it was asked for.
    """

    id: str
    kind: Literal["reschedule", "rebook", "reassign", "cancel", "confirm", "decline"]
    by: str
    since: datetime
    reason: str | None = None
    slot: TimeSlot | None = None
    fee_minor: int = 0
    currency: str | None = None


class Attendee(msgspec.Struct, frozen=True, kw_only=True):
    """Who comes, as the booking has it; the customer's own record may say otherwise. Phone in E.164."""

    name: str = ""
    email: str | None = None
    phone: str | None = None


class ExternalState(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider last said besides time and status; what it says again is no news. `host`: its id of them."""

    host: str | None = None
    absent: bool = False
    attendee: Attendee | None = None
    guests: tuple[str, ...] = ()


class InPackage(msgspec.Struct, frozen=True):
    """Which package an appointment is a part of, and the service that was booked as one."""

    id: str
    service_id: str


class Appointment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Instants in UTC; lengths and buffers in whole minutes. `channel` is the service's.

    `provider`: who decides its time together with us, `references`: its ids there. `held`: the time is taken here and
    the provider has not answered yet; only asking it releases it. `released`: such a hold that the provider turned out
    not to have. `booked_as` is the status it had when it was booked. `external_seen_at` is the time of the provider's
    newest word on it: older words change nothing. `moves` counts how often it got another time; ids that it had before
    lead to it still. `guests`: e-mail addresses of who comes along.
    `counted`: names of the counters of limits that it counts to. `address`: the customer's, of a mobile service.
    `group`: of a service with several seats, who takes part; `customer_id` is then the first of them, and what each
    counts to is kept with them. `fee_minor`: what was to be paid for cancelling it, in minor units of `currency`.
    `deposit_due_minor`: the deposit asked for, `deposit_minor`: what was paid of it. `package`: what it is a part of,
    with whose number (`service_number`) it lies in calendars then.
    """

    id: str
    company_id: str
    branch_id: str
    service_id: str
    staff_id: str | None
    customer_id: str
    call_id: str | None = None
    starts_at: datetime
    ends_at: datetime
    before_min: int = 0
    after_min: int = 0
    service_number: int = 0
    channel: Channel = "in_person"
    status: Status
    booked_as: Status | None = None
    source: Source
    metadata: dict[str, str] = {}
    home_branch_id: str | None = None
    resource_ids: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    provider: str | None = None
    references: tuple[Reference, ...] = ()
    external_seen_at: datetime | None = None
    cancellation_reason: str | None = None
    pending_change: PendingChange | None = None
    moves: int = 0
    attendee: Attendee | None = None
    guests: tuple[str, ...] = ()
    external: ExternalState = ExternalState()
    address: Address | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1
    legacy_id: str | None = None
    group: Group | None = None
    fee_minor: int = 0
    currency: str | None = None
    deposit_due_minor: int = 0
    deposit_minor: int = 0
    series_id: str | None = None
    package: InPackage | None = None

    @property
    def sold_as(self) -> str:
        """The service whose price and terms it has: its own, or that of the package it is a part of."""
        return self.package.service_id if self.package else self.service_id

    def slot(self) -> TimeSlot:
        """When, and with whom."""
        return TimeSlot(
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            staff_id=self.staff_id,
            home_branch_id=self.home_branch_id,
            resource_ids=self.resource_ids,
        )

    def entry(self, slot: TimeSlot | None = None) -> Entry:
        """What it takes of a calendar at its own time, or would take at another."""
        slot = slot or self.slot()
        return Entry(
            slot.starts_at,
            (slot.ends_at - slot.starts_at) // MINUTE,
            self.before_min,
            self.after_min,
            Kind.GROUP if self.group and not self.group.full else Kind.BOOKING,
            self.service_number,
            reference_of(self.id),
            point=self.address.point() if self.address else None,
        )

    def slots(self) -> list[TimeSlot]:
        """Every time it takes: its own, and the one that a pending change holds; none once it is over."""
        if self.status not in TAKES_TIME:
            return []
        held = self.pending_change.slot if self.pending_change else None
        return [slot for slot in (self.slot(), held) if slot is not None and slot.staff_id is not None]

    def at(self, slot: TimeSlot) -> dict[str, object]:
        """The fields that put it at that time, for `changed`."""
        moved = slot.starts_at != self.starts_at
        return {**msgspec.structs.asdict(slot), "moves": self.moves + moved}

    def changed(self, at: datetime, **fields: object) -> "Appointment":
        """The next version of it."""
        return msgspec.structs.replace(self, **({"updated_at": at, "version": self.version + 1} | fields))

    @property
    def external_id(self) -> str | None:
        """The id by which the provider is asked for it; None: the provider does not have it (yet)."""
        return id_of(self.references, self.provider, BOOKING)

    @property
    def external_number(self) -> int | None:
        """The number that some providers give a booking besides."""
        number = id_of(self.references, self.provider, BOOKING_NUMBER)
        return int(number) if number and number.isdecimal() else None

    @property
    def length_min(self) -> int:
        """Whole minutes."""
        return (self.ends_at - self.starts_at) // MINUTE

    def deadline(self) -> datetime | None:
        """When the minimum of the group is looked at; None for what is no group, and once that was done."""
        if self.group is None or self.group.deadline_min is None:
            return None
        return self.starts_at - timedelta(minutes=self.group.deadline_min)

    def is_for(self, customer_id: str) -> bool:
        """Whether that customer comes to it."""
        return self.group.of(customer_id) is not None if self.group else self.customer_id == customer_id

    def seen_by(self, customer_id: str) -> "Appointment":
        """A group as that participant's own appointment; to be shown, not to be written."""
        return msgspec.structs.replace(self, customer_id=customer_id) if self.group else self

    def was_booked(self) -> bool:
        """Whether its status is, or when booked was, confirmed or scheduled."""
        return self.status in BOOKED or self.booked_as in BOOKED


def booked_event(appointment: Appointment) -> AppointmentBooked:
    """The fact that it stands."""
    return AppointmentBooked(
        appointment_id=appointment.id,
        customer_id=appointment.customer_id,
        branch_id=appointment.branch_id,
        source=appointment.source,
        version=appointment.version,
        call_id=appointment.call_id,
    )
