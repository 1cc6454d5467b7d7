"""Cal.com as a booking provider."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.booking.appointments.external import (
    BookingProvider,
    BookingSearch,
    ExternalBooking,
    ExternalChange,
    NewExternalBooking,
    Provider,
    Push,
)
from chalicelib.core.errors import DomainError, VendorRefused
from chalicelib.core.logging import log
from chalicelib.integrations.calcom.translate import NAME, told_by

if TYPE_CHECKING:
    from chalicelib.vendors.calcom.client import Booking, CalCom, NewBooking

LONGEST_CHAIN = 20
"""How often a booking is followed to the one that replaced it."""
MARGIN = timedelta(hours=1)


class CalComProvider:
    """What we ask of a provider, in the calls of Cal.com's client."""

    def __init__(self, client: "CalCom") -> None:
        self._client = client

    def create(self, new: NewExternalBooking) -> ExternalBooking:
        """Book it; VendorRefused `calcom_no_event_type` for what Cal.com does not book."""
        return told_by(self._client.create_booking(_new_booking(new)))

    def change(self, booking_id: str, change: ExternalChange) -> ExternalBooking:
        """Change it. An event type of its own host keeps that host; a round-robin one gets the other."""
        match change.kind:
            case "confirm":
                return told_by(self._client.confirm(booking_id))
            case "decline":
                return told_by(self._client.decline(booking_id, change.reason))
            case "reassign":
                if change.host is None:
                    raise VendorRefused(
                        "calcom_forbidden", "This member of staff is not connected with a Cal.com user."
                    )
                self._client.reassign(booking_id, int(change.host), change.reason)
                return told_by(self._client.booking(booking_id))
            case _:
                return told_by(self._reschedule(booking_id, change))

    def _reschedule(self, booking_id: str, change: ExternalChange) -> "Booking":
        assert change.starts_at
        made = self._client.reschedule(booking_id, change.starts_at, change.reason)
        host = int(change.host) if change.host else None
        if not change.to_another or host in {None, *(one.id for one in made.hosts)}:
            return made
        try:
            self._client.reassign(made.uid, host or 0, change.reason)
            return self._client.booking(made.uid)
        except DomainError as error:
            # It has moved, and whom Cal.com chose is what stands.
            log.warning("calcom kept its host", extra={"uid": made.uid, "code": error.code})
            return made

    def cancel(self, booking_id: str, reason: str) -> ExternalBooking:
        """Cancel it; VendorRefused `calcom_invalid` when it is cancelled already."""
        return told_by(self._client.cancel(booking_id, reason))

    def find(self, booking_id: str, *, newest: bool = True) -> ExternalBooking | None:
        """The booking of that uid, or the one that rescheduling has made of it."""
        booking = self._known(lambda: self._latest(booking_id) if newest else self._client.booking(booking_id))
        return told_by(booking) if booking else None

    def search(self, wanted: BookingSearch) -> ExternalBooking | None:
        """Looked for among the bookings of the event type around that time."""
        gone = None
        around = wanted.starts_at - MARGIN, wanted.ends_at + MARGIN
        for booking in self._client.bookings(int(wanted.service_id), *around):
            if booking.metadata.get(wanted.mark) == wanted.value:
                if booking.status in ("accepted", "pending"):
                    return told_by(booking)
                gone = booking
        return self.find(gone.uid) if gone else None

    def push(self, booking: ExternalBooking, push: Push) -> ExternalBooking:
        """Cal.com's API adds attendees and guests, and marks who was absent; it changes and removes nobody."""
        theirs: Booking = booking.original
        if push.absent is not None:
            emails = [one.email for one in theirs.attendees if one.email]
            self._client.mark_absent(theirs.uid, dict.fromkeys(emails, push.absent))
        if push.attendee and push.attendee.email:
            zone = next((one.time_zone for one in theirs.attendees if one.time_zone), "UTC")
            email = push.attendee.email.lower()
            self._client.add_attendee(theirs.uid, push.attendee.name or email, email, zone, push.attendee.phone)
        if push.guests:
            self._client.add_guests(theirs.uid, push.guests)
        return told_by(self._client.booking(theirs.uid))

    def changes(self, after: datetime, skip: int) -> tuple[list[ExternalBooking], bool]:
        """A page of a hundred."""
        page, more = self._client.changed(after, skip)
        return [told_by(booking) for booking in page], more

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _latest(self, uid: str) -> "Booking":
        booking = self._client.booking(uid)
        for _ in range(LONGEST_CHAIN):
            if booking.rescheduled_to_uid is None:
                break
            booking = self._client.booking(booking.rescheduled_to_uid)
        return booking

    def _known(self, read: "Callable[[], Booking]") -> "Booking | None":
        try:
            return read()
        except VendorRefused as refusal:
            if refusal.code != "calcom_not_found":
                raise
            return None


def _new_booking(new: NewExternalBooking) -> "NewBooking":
    from chalicelib.vendors.calcom.client import NewAttendee, NewBooking

    if new.service_id is None:
        raise VendorRefused("calcom_no_event_type", f"{new.service_name} has no Cal.com event type; set one.")
    return NewBooking(
        event_type_id=int(new.service_id),
        start=new.starts_at,
        attendee=NewAttendee(
            name=new.attendee.name,
            time_zone=new.zone,
            email=new.attendee.email,
            phone_number=new.attendee.phone,
            language=new.language,
        ),
        metadata=new.marks,
    )


def connect() -> BookingProvider:
    """A connection with this stage's own key; raises Unavailable where none is set."""
    # Imported here: what only looks at the declaration needs no HTTP client.
    from chalicelib.vendors.calcom.client import connected

    return CalComProvider(connected())


PROVIDER = Provider(
    name=NAME,
    title="Cal.com",
    connect=connect,
    mails_customers=True,
    keeps_guests=True,
    never_sent=frozenset({"metadata", "no_event_type"}),
    service_field="calcom_event_types",
)
