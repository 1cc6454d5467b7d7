"""A series: one wish for many times, the appointments it came to, and the change it is in."""

from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.appointments.appointment import Appointment, Source, Status
from chalicelib.booking.calendar.entries import Entry, Kind, reference_of
from chalicelib.booking.practice.models import Channel
from chalicelib.booking.series.recurrence import Recurrence

OnConflict = Literal["none", "skip"]
Scope = Literal["one", "following", "all"]
SERIES_FAILED = "series_failed"
"""Why appointments are cancelled whose series came to nothing."""
HOLDS_LAST = timedelta(hours=2)
"""Long enough for a job that has to be tried again and again; who died before all was held is cleaned up in minutes."""


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One time of a series, in UTC. With `code`, it was not to be had, and `failed` names the rules.

    The appointment's id is known before it is made: under it the time is held.
    """

    starts_at: datetime
    ends_at: datetime
    appointment_id: str | None = None
    staff_id: str | None = None
    home_branch_id: str | None = None
    resource_ids: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    code: str | None = None
    failed: tuple[str, ...] = ()


class Target(msgspec.Struct, frozen=True):
    """What a change makes of one appointment, by absolute time; `starts_at` None: it is cancelled, or left alone.

    `code`: why it was left alone, or what it was refused with.
    """

    appointment_id: str
    starts_at: datetime | None = None
    code: str | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change of several appointments, told from one of them. `starts_at`: where that one is to be."""

    kind: Literal["reschedule", "cancel"]
    scope: Scope
    appointment_id: str
    starts_at: datetime | None = None
    staff: str | None = None
    reason: str | None = None
    by: str = "staff"
    targets: tuple[Target, ...] = ()
    finished: bool = False

    def same(self, other: "Change") -> bool:
        """Whether both were asked for with the same words."""
        return msgspec.structs.replace(self, targets=(), by="") == msgspec.structs.replace(other, targets=(), by="")


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Instants in UTC. `status` holding: its times are being held; booking: they all are, and become appointments;
    booked: they have; failed: it came to nothing. `held_in`: of how many occurrences, from the first, the times were
    held after each transaction that held some.

    `books_as`: how its appointments begin. `whole`: all of them or none. `deposit_due_minor`: the deposit asked for
    each of them, in minor units of `currency`. `change`: the latest change of several of its appointments.
    """

    id: str
    company_id: str
    branch_id: str
    service_id: str
    service_number: int
    channel: Channel
    before_min: int
    after_min: int
    customer_id: str
    source: Source
    metadata: dict[str, str] = {}
    recurrence: Recurrence
    zone: str
    starts_at: datetime
    whole: bool
    books_as: Status
    status: Literal["holding", "booking", "booked", "failed"] = "holding"
    occurrences: tuple[Occurrence, ...]
    held_in: tuple[int, ...] = ()
    holds_until: datetime
    overridden: tuple[str, ...] = ()
    deposit_due_minor: int = 0
    currency: str | None = None
    change: Change | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def changed(self, at: datetime, **fields: object) -> "Series":
        """The next version of it."""
        return msgspec.structs.replace(self, **({"updated_at": at, "version": self.version + 1} | fields))

    def clock(self) -> ZoneInfo:
        """The time zone it is in."""
        return ZoneInfo(self.zone)

    def wanted(self) -> list[Occurrence]:
        """The occurrences that are, or are to become, appointments."""
        return [one for one in self.occurrences if one.appointment_id]

    def changing(self) -> bool:
        """Whether a change of it is not finished."""
        return self.change is not None and not self.change.finished

    def held_last(self) -> list[Occurrence]:
        """Those whose times the last of the transactions held."""
        first = self.held_in[-2] if len(self.held_in) > 1 else 0
        return [one for one in self.occurrences[first : self.held_in[-1]] if one.appointment_id]

    def hold(self, one: Occurrence) -> Entry:
        """What holds an occurrence's time in its calendars until its appointment takes it."""
        assert one.appointment_id
        return Entry(
            one.starts_at,
            (one.ends_at - one.starts_at) // timedelta(minutes=1),
            self.before_min,
            self.after_min,
            Kind.HOLD,
            self.service_number,
            reference_of(one.appointment_id),
            self.holds_until,
        )

    def appointment(self, one: Occurrence, at: datetime) -> Appointment:
        """The appointment that an occurrence becomes."""
        assert one.appointment_id
        return Appointment(
            id=one.appointment_id,
            company_id=self.company_id,
            branch_id=self.branch_id,
            service_id=self.service_id,
            staff_id=one.staff_id,
            customer_id=self.customer_id,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            before_min=self.before_min,
            after_min=self.after_min,
            service_number=self.service_number,
            channel=self.channel,
            status=self.books_as,
            booked_as="confirmed" if self.books_as == "confirmed" else None,
            source=self.source,
            metadata=self.metadata,
            home_branch_id=one.home_branch_id,
            resource_ids=one.resource_ids,
            counted=one.counted,
            deposit_due_minor=self.deposit_due_minor,
            currency=self.currency,
            created_at=at,
            updated_at=at,
            series_id=self.id,
        )

    def owners(self, one: Occurrence) -> list[tuple[str, str]]:
        """Whose calendars an occurrence takes, each with its home branch."""
        staff = (one.home_branch_id or self.branch_id, str(one.staff_id))
        return [staff, *((self.branch_id, room) for room in one.resource_ids)]
