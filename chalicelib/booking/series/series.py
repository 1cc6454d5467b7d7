"""A series: one request for many times, the appointments it came to, and the change it is in."""

from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.appointments.appointment import Appointment, TimeSlot
from chalicelib.booking.calendar.entries import Entry, Kind
from chalicelib.booking.series.recurrence import Recurrence

OnConflict = Literal["none", "skip"]
Scope = Literal["one", "following", "all"]
SERIES_FAILED = "series_failed"
"""Why appointments are cancelled whose series came to nothing."""
HOLDS_LAST = timedelta(hours=2)
"""Long enough for a job that has to be tried again and again; who died before all was held is cleaned up in minutes."""


class Occurrence(TimeSlot, frozen=True, kw_only=True):
    """One time of a series, in UTC. With `code`, it was not to be had, and `failed` names the rules.

    The appointment's id is known before it is made: under it the time is held. `counted`: names of the counters of
    limits that it counts to.
    """

    staff_id: str | None = None
    appointment_id: str | None = None
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
    """A change of one appointment of a series and of as many more as `scope` says. `staff`: id or name.

    `starts_at`: where that one is to be; the others are moved by as much on the local clock, as `targets` say once it
    is under way.
    """

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
        """Whether both ask for the same, whoever asks."""
        return msgspec.structs.replace(self, targets=(), by="") == msgspec.structs.replace(other, targets=(), by="")


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Instants in UTC. `status` holding: its times are being held; booking: they all are, and become appointments;
    booked: they have; failed: it came to nothing. `held_in`: of how many occurrences, from the first, the times were
    held after each transaction that held some.

    `template`: each appointment as it begins; its id, time, staff and rooms are its occurrence's. `whole`: all or none
    of them. `change`: the latest change of several of its appointments.
    """

    id: str
    template: Appointment
    recurrence: Recurrence
    zone: str
    whole: bool
    status: Literal["holding", "booking", "booked", "failed"] = "holding"
    occurrences: tuple[Occurrence, ...]
    held_in: tuple[int, ...] = ()
    held_until: datetime
    overridden: tuple[str, ...] = ()
    change: Change | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @property
    def company_id(self) -> str:
        """Whose it is."""
        return self.template.company_id

    def changed(self, at: datetime, **fields: object) -> "Series":
        """The next version of it."""
        return msgspec.structs.replace(self, **({"updated_at": at, "version": self.version + 1} | fields))

    def clock(self) -> ZoneInfo:
        """The time zone it is in."""
        return ZoneInfo(self.zone)

    def bookable(self) -> list[Occurrence]:
        """The occurrences that are, or are to become, appointments."""
        return [one for one in self.occurrences if one.appointment_id]

    def appointment_ids(self) -> list[str]:
        """The ids of those appointments, in order."""
        return [one.appointment_id for one in self.occurrences if one.appointment_id]

    def changing(self) -> bool:
        """Whether a change of it is not finished."""
        return self.change is not None and not self.change.finished

    def held_last(self) -> list[Occurrence]:
        """Those whose times the last of the transactions held."""
        first = self.held_in[-2] if len(self.held_in) > 1 else 0
        return [one for one in self.occurrences[first : self.held_in[-1]] if one.appointment_id]

    def appointment(self, one: Occurrence, at: datetime) -> Appointment:
        """The appointment that an occurrence becomes, made at `at`."""
        assert one.appointment_id
        slot = {name: getattr(one, name) for name in TimeSlot.__struct_fields__}
        made = {"id": one.appointment_id, "counted": one.counted, "created_at": at, "updated_at": at}
        return msgspec.structs.replace(self.template, **slot | made)


def held(entry: Entry, until: datetime) -> Entry:
    """An appointment's entry as the hold that keeps its time."""
    return msgspec.structs.replace(entry, kind=Kind.HOLD, expires_at=until)
