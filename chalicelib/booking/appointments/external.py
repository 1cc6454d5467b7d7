"""The port to vendors that decide a time together with us (`Branch.books_through`), and what passes through it.

An adapter translates and nothing else. It lies in `chalicelib/integrations/<name>/booking_provider.py`, is found there
by its name, and imported only when it is needed.
"""

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any, Literal, Protocol

import msgspec

from chalicelib.booking.appointments.appointment import BOOKING, Attendee, Status
from chalicelib.core.errors import DomainError, Unavailable
from chalicelib.core.references import Reference, id_of

ADAPTERS = "chalicelib.integrations"
ADAPTER = "booking_provider"
APPOINTMENT, COMPANY, CHANGE = "appointment_id", "company_id", "change_id"
"""Marks that a booking bears for us: the appointment and company it stands for, and the change it was made for."""
SLOT_TAKEN = "_slot_taken"
"""How the code ends with which a provider refuses a time that is taken there."""
_SURELY_UNDONE = frozenset({"unreachable", "credentials", "forbidden", "rate_limited"})
_UNREADABLE = frozenset({"not_found", "forbidden", "credentials"})


class ExternalHost(msgspec.Struct, frozen=True):
    """Who does it by a provider's word: its id of them, their e-mail address."""

    id: str | None = None
    email: str | None = None


class ExternalBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as a provider has it, or tells of it; instants in UTC. None, and no guests: of that it says nothing.

    `references`: its ids. `service_id`: what was booked, by the provider's id. `marks`: what it bears of ours.
    `moved`: it tells of another time; `replaces`: the id that the booking had before. `told_at`: by the provider's
    clock. `reason`: why it is over. `original`: what the adapter alone looks at.
    """

    provider: str
    status: Status | None
    references: tuple[Reference, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    service_id: str | None = None
    host: ExternalHost = ExternalHost()
    attendee: Attendee | None = None
    guests: tuple[str, ...] = ()
    absent: bool | None = None
    marks: dict[str, str] = {}
    moved: bool = False
    replaces: str | None = None
    told_at: datetime | None = None
    reason: str | None = None
    original: Any = None

    @property
    def id(self) -> str | None:
        """By which the provider is asked for it."""
        return id_of(self.references, self.provider, BOOKING)

    @property
    def stands(self) -> bool:
        """Whether it takes place, or is asked for."""
        return self.status in ("confirmed", "requested")


class NewExternalBooking(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider is asked to book; `service_id` and `host` by its ids, None where it has none; and our marks.

    `zone` (IANA) and `language` are the branch's.
    """

    service_id: str | None
    service_name: str
    host: str | None
    starts_at: datetime
    attendee: Attendee
    zone: str
    language: str
    marks: dict[str, str]


class BookingSearch(msgspec.Struct, frozen=True, kw_only=True):
    """A booking whose id we do not know: of that service, around that time, bearing this mark."""

    service_id: str
    starts_at: datetime
    ends_at: datetime
    mark: str
    value: str


class ExternalChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change that needs a provider's consent. `host`: by the provider's id, where it is another member of staff's."""

    kind: Literal["reschedule", "reassign", "confirm", "decline"]
    reason: str
    starts_at: datetime | None = None
    to_another: bool = False
    host: str | None = None


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider is told, and need not agree to. None: as it has it. `attendee` and `guests` are to be added.

    `gone`: guests to be taken off, where the provider does so.
    """

    absent: bool | None = None
    attendee: Attendee | None = None
    guests: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != Push()


class BookingProvider(Protocol):
    """A connection to a provider, to be closed. Codes of what its methods raise begin with the provider's name.

    OutcomeUnknown: it may have been done. Conflict `…_slot_taken`: the time is taken there. Any other refusal may be
    the second copy of a request whose first was carried out; those of `Provider.surely_undone` are not.
    """

    def create(self, new: NewExternalBooking) -> ExternalBooking:
        """Book it."""
        ...

    def change(self, booking_id: str, change: ExternalChange) -> ExternalBooking:
        """Change it; the booking as it stands then, under a new id if the provider makes a new one of it."""
        ...

    def cancel(self, booking_id: str, reason: str) -> ExternalBooking:
        """Cancel it; the booking as it is then."""
        ...

    def find(self, booking_id: str, *, newest: bool = True) -> ExternalBooking | None:
        """The booking, or (`newest`) what has been made of it since; None: the provider does not know it."""
        ...

    def search(self, wanted: BookingSearch) -> ExternalBooking | None:
        """The booking that bears the mark: one that stands, if any, else one that is over."""
        ...

    def push(self, booking: ExternalBooking, push: Push) -> ExternalBooking:
        """Bring the booking, as it was read, up to ours; as it is then."""
        ...

    def changes(self, after: datetime, skip: int) -> tuple[list[ExternalBooking], bool]:
        """Some of what changed at or after the instant, the oldest change first; whether more follow."""
        ...

    def close(self) -> None:
        """Give the connections back."""
        ...


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be known of a provider before anything is asked of it. `title`: what people call it.

    `connect`: raises Unavailable `not_configured` without credentials. `mails_customers`: by itself. `keeps_guests`:
    who was added as a guest cannot be taken off. `never_sent`: endings of codes with which the adapter refuses by
    itself. `service_field`: what the API calls the ids under which it books a service.
    """

    name: str
    title: str
    connect: Callable[[], BookingProvider]
    mails_customers: bool = False
    keeps_guests: bool = False
    never_sent: frozenset[str] = frozenset()
    service_field: str = "references"

    def named(self, pattern: str) -> str:
        """A code with the provider's name at the braces."""
        return pattern.format(self.name)

    def surely_undone(self, refusal: DomainError) -> bool:
        """Whether the provider has surely done nothing. After any other refusal it is asked."""
        return self._ending(refusal) in _SURELY_UNDONE | self.never_sent

    def cannot_read(self, error: DomainError) -> bool:
        """Whether a booking is out of reach for good, rather than for the moment."""
        return error.code == "not_configured" or self._ending(error) in _UNREADABLE

    def _ending(self, error: DomainError) -> str:
        return error.code.removeprefix(f"{self.name}_")


def find_provider(name: str) -> Provider:
    """The provider of that name; raises Unavailable when this installation has none."""
    path = f"{ADAPTERS}.{name}.{ADAPTER}"
    try:
        found: Provider = import_module(path).PROVIDER
    except ModuleNotFoundError as error:
        if not path.startswith(str(error.name)):
            raise
        raise Unavailable("not_configured", f"Nothing here books through {name!r}.") from None
    return found


def connect(name: str) -> BookingProvider:
    """A connection to that provider; raises Unavailable when there is none, or it has no credentials."""
    return find_provider(name).connect()


def provider_names() -> list[str]:
    """Of all providers there are."""
    folders = import_module(ADAPTERS).__path__
    named = [found.name for found in iter_modules(folders) if found.ispkg]
    return sorted(name for name in named if find_spec(f"{ADAPTERS}.{name}.{ADAPTER}"))
