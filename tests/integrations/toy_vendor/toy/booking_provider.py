"""The adapter of a booking provider that does not exist: desks, reservations, seconds since 1970, one id that stays."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from chalicelib.booking.appointments.appointment import BOOKING, Attendee, Status
from chalicelib.booking.appointments.external import (
    BookingProvider,
    BookingSearch,
    ExternalBooking,
    ExternalChange,
    ExternalHost,
    NewExternalBooking,
    Provider,
    Push,
)
from chalicelib.core.errors import Conflict, Unavailable, VendorRefused
from chalicelib.core.references import Reference
from chalicelib.vendors.http import VendorSession
from chalicelib.vendors.outcomes import Vendor

NAME = "toy"
VENDOR = Vendor(NAME, "Toy")
STATUS_OF: dict[str, Status] = {"booked": "confirmed", "asked": "requested", "gone": "cancelled"}


class Guest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who comes, as Toy has it."""

    name: str
    mail: str | None = None
    phone: str | None = None


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation of Toy's; `at`, `until` and `changed` in seconds since 1970."""

    id: str
    what: str
    desk: str
    at: float
    until: float
    state: str
    guest: Guest
    others: tuple[str, ...] = ()
    came: bool | None = None
    notes: dict[str, str] = {}
    changed: float


class _List(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Reservation]
    more: bool = False


class ToyProvider:
    """What we ask of a provider, in Toy's calls."""

    def __init__(self, session: VendorSession) -> None:
        self._session = session

    def create(self, new: NewExternalBooking) -> ExternalBooking:
        """Reserve it."""
        if new.service_id is None:
            raise VendorRefused("toy_no_service", f"Toy does not know {new.service_name}.")
        body = {"what": new.service_id, "desk": new.host, "at": new.starts_at.timestamp(), "notes": new.marks}
        return self._take("POST", "/reservations", {**body, "guest": _guest(new.attendee)})

    def change(self, booking_id: str, change: ExternalChange) -> ExternalBooking:
        """Change it in its place."""
        match change.kind:
            case "confirm":
                return self._take("PATCH", _path(booking_id), {"state": "booked"})
            case "decline":
                return self.cancel(booking_id, change.reason)
            case _:
                at = {"at": change.starts_at.timestamp()} if change.starts_at else {}
                desk = {"desk": change.host} if change.to_another else {}
                return self._take("PATCH", _path(booking_id), {**at, **desk})

    def cancel(self, booking_id: str, reason: str) -> ExternalBooking:
        """Let it go; twice is once."""
        return told_by(self._session.call("DELETE", _path(booking_id), Reservation, body={"why": reason}))

    def find(self, booking_id: str, *, newest: bool = True) -> ExternalBooking | None:
        """A reservation keeps its id, so the newest is the one."""
        try:
            return told_by(self._session.call("GET", _path(booking_id), Reservation))
        except VendorRefused as refusal:
            if refusal.code != "toy_not_found":
                raise
            return None

    def search(self, wanted: BookingSearch) -> ExternalBooking | None:
        """By the note that it bears."""
        query = {"note": f"{wanted.mark}:{wanted.value}"}
        found = self._session.call("GET", "/reservations", _List, query=query).items
        told = sorted(map(told_by, found), key=lambda each: not each.stands)
        return told[0] if told else None

    def push(self, booking: ExternalBooking, push: Push) -> ExternalBooking:
        """Who comes and who came is replaced as a whole."""
        known: Reservation = booking.original
        came = known.came if push.absent is None else not push.absent
        others = [each for each in (*known.others, *push.guests) if each not in push.gone]
        guest = _guest(push.attendee) if push.attendee else known.guest
        body = {"guest": guest, "others": others, "came": came}
        return told_by(self._session.call("PUT", f"{_path(known.id)}/people", Reservation, body=body))

    def changes(self, after: datetime, skip: int) -> tuple[list[ExternalBooking], bool]:
        """A few at a time."""
        query: dict[str, str | int] = {"after": str(after.timestamp()), "skip": skip}
        page = self._session.call("GET", "/changes", _List, query=query)
        return [told_by(each) for each in page.items], page.more

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def _take(self, method: str, path: str, body: dict[str, object]) -> ExternalBooking:
        try:
            return told_by(self._session.call(method, path, Reservation, body=body))
        except Conflict as error:
            if error.extra.get("vendor_message") != "occupied":
                raise
            raise Conflict("toy_slot_taken", "This time is taken at Toy; choose another.") from error


def told_by(reservation: Reservation) -> ExternalBooking:
    """A reservation as a provider's word."""
    return ExternalBooking(
        provider=NAME,
        status=STATUS_OF.get(reservation.state),
        references=(Reference(NAME, BOOKING, reservation.id),),
        starts_at=_instant(reservation.at),
        ends_at=_instant(reservation.until),
        service_id=reservation.what,
        host=ExternalHost(reservation.desk),
        attendee=Attendee(name=reservation.guest.name, email=reservation.guest.mail, phone=reservation.guest.phone),
        guests=_lower(reservation.others),
        absent=None if reservation.came is None else not reservation.came,
        marks=reservation.notes,
        told_at=_instant(reservation.changed),
        original=reservation,
    )


def _guest(attendee: Attendee) -> Guest:
    return Guest(name=attendee.name, mail=attendee.email, phone=attendee.phone)


def _lower(addresses: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(address.lower() for address in addresses))


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _path(reservation_id: str) -> str:
    return f"/reservations/{quote(reservation_id, safe='')}"


def connect() -> BookingProvider:
    """A connection; raises Unavailable where no key is set."""
    key = os.environ.get("TOY_KEY")
    if not key:
        raise Unavailable("not_configured", "The key of Toy is not configured.")
    return ToyProvider(VendorSession(VENDOR, os.environ["TOY_URL"], key))


PROVIDER = Provider(name=NAME, title="Toy", connect=connect, never_sent=frozenset({"no_service"}))
