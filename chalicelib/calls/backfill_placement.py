"""Where and with whom a booking found in a call belongs: company, branch, service, staff, time, contact."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from chalicelib.booking.appointments.appointment import BOOKING, BOOKING_NUMBER, Appointment
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.entries import first_clash, weeks_between
from chalicelib.booking.calendar.owner import owner_of
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.hours import check_zone
from chalicelib.booking.practice.models import Branch, Service, Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls import call_owner
from chalicelib.calls.analysis import BookingData
from chalicelib.calls.call import Call
from chalicelib.calls.call_owner import Default, Owner
from chalicelib.calls.time_parsing import instant
from chalicelib.core import reference_store
from chalicelib.core.errors import DomainError, NotFound
from chalicelib.core.ids import new_id
from chalicelib.core.references import Reference
from chalicelib.core.tables import Key, fetch_map
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.contact_points.contact import Contact, RawContact, read_what_can_be

LONGEST = timedelta(days=1)
T = TypeVar("T")
TOO_MANY_MINUTES = 1441


class CannotBackfill(Exception):
    """Why nothing can be done about a call; `sentence` goes into a list, so it begins small and has no full stop."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


class Reads:
    """Rows by key, each read once; what is missing is read together."""

    def __init__(self) -> None:
        self._rows: dict[Key, Any] = {}

    def __call__(self, keys: Iterable[Key]) -> dict[Key, Any]:
        """The rows at `keys` by their key, None where there is none."""
        booking = list(keys)
        self._rows |= fetch_map(key for key in booking if key not in self._rows)
        return {key: self._rows[key] for key in booking}


class BackfillPlacement(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of it. `lines` say how it was found out."""

    schedule: Schedule
    service: Service
    member: Staff | None
    starts_at: datetime
    ends_at: datetime
    contact: Contact
    lines: tuple[str, ...]
    reads: Reads

    def appointment(
        self, company_id: str, call_id: str, customer_id: str, booking: BookingData, at: datetime
    ) -> Appointment:
        """The appointment that the call made."""
        provider, references = self.schedule.branch.provider, references_of(booking)
        if provider and not references:
            code = f"{provider}_id_{'unreadable' if 'booking_number' in booking.unreadable else 'missing'}"
            raise CannotBackfill(
                code, "the branch books through a provider, and no id of its that can be read is given"
            )
        return Appointment(
            id=new_id("apt"),
            company_id=company_id,
            branch_id=self.schedule.branch.id,
            service_id=self.service.id,
            staff_id=self.member.id if self.member else None,
            home_branch_id=self.member.home_branch_id if self.member else None,
            customer_id=customer_id,
            call_id=call_id,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            before_min=self.service.buffer_before_min,
            after_min=self.service.buffer_after_min,
            service_number=self.service.number,
            status="confirmed",
            booked_as="confirmed",
            source="retell_phone",
            provider=booking.provider if references else None,
            references=references,
            created_at=at,
            updated_at=at,
        )

    def take_time(self, unit: Unit, appointment: Appointment, at: datetime) -> bool:
        """Stage that it takes its time; False when someone else has it."""
        assert self.member
        entry = appointment.entry()
        mondays = weeks_between(entry.blocks_from, entry.blocks_until)
        owners = [owner_of(self.member)]
        rows = self.reads(calendar_store.keys(owners, mondays))
        (calendar,) = calendar_store.calendars(owners, mondays, rows)
        if first_clash(calendar.days, entry, at):
            return False
        calendar_store.exchange(unit, calendar, (), [entry], at)
        return True

    def line(self, appointment: Appointment) -> str:
        """The appointment in a line."""
        zone = self.schedule.branch.clock()
        first, last = appointment.starts_at.astimezone(zone), appointment.ends_at.astimezone(zone)
        who = self.member.name if self.member else "no one named"
        ids = [str(each) for each in (appointment.external_number, appointment.external_id) if each]
        theirs = f", {appointment.provider} {' '.join(ids)}" if ids else ""
        return f"appointment: {self.service.name} with {who}, {first:%a %Y-%m-%d %H:%M}–{last:%H:%M} {zone.key}{theirs}"


def find_placement(
    call: Call, booking: BookingData, default: Default, reads: Reads, guess: BackfillPlacement | None = None
) -> BackfillPlacement:
    """Find it all out, or raise CannotBackfill naming what is missing.

    `guess`: where the last call of the same kind belonged; what that one needed is read along. It decides nothing.
    """
    reads(
        [
            *call_owner.keys(booking, call.facts),
            *map(reference_store.key, references_of(booking)),
            *_guessed(call, booking, guess),
        ]
    )
    owner = _owner(call, booking, default, reads)
    schedule = _schedule(call, booking, owner, reads)
    service = _service(schedule, booking, owner)
    starts_at, ends_at = _times(schedule, service, booking, call.created_at)
    member = _member(schedule, service, booking, owner)
    return BackfillPlacement(
        schedule=schedule,
        service=service,
        member=member,
        starts_at=starts_at,
        ends_at=ends_at,
        contact=_contact(call, booking, schedule.branch.country),
        lines=(f"company: {owner.company_id}, by {owner.rule}", f"branch: {schedule.branch.name}"),
        reads=reads,
    )


def references_of(booking: BookingData) -> tuple[Reference, ...]:
    """The ids that the booking has at the provider, as far as they are given."""
    given = ((BOOKING, booking.booking_id), (BOOKING_NUMBER, booking.booking_number))
    return tuple(Reference(booking.provider, kind, str(value)) for kind, value in given if value)


def _guessed(call: Call, booking: BookingData, guess: BackfillPlacement | None) -> list[Key]:
    if guess is None:
        return []
    branch = guess.schedule.branch
    found = [practice_store.schedule_key(branch.company_id, branch.id)]
    try:
        found += contact_points.keys(branch.company_id, _contact(call, booking, branch.country))
        starts_at, ends_at = _times(guess.schedule, guess.service, booking, call.created_at)
    except CannotBackfill:
        return found
    if guess.member:
        margin = timedelta(minutes=max(guess.service.buffer_before_min, guess.service.buffer_after_min))
        mondays = weeks_between(starts_at - margin, ends_at + margin)
        found += calendar_store.keys([owner_of(guess.member)], mondays)
    return found


def _owner(call: Call, booking: BookingData, default: Default, reads: Reads) -> Owner:
    found, tried = call_owner.owner(booking, call.facts, default, reads)
    if call.company_id is None:
        if found is None:
            raise CannotBackfill("company_unknown", "; ".join(each.reason for each in tried))
        return found
    if found and found.company_id == call.company_id:
        return found
    if found and found.service_id:
        raise CannotBackfill("another_companys_service", "the event type it was booked with is another company's")
    return Owner(company_id=call.company_id, rule="the call itself", branch_id=call.link.branch_id)


def _schedule(call: Call, booking: BookingData, owner: Owner, reads: Reads) -> Schedule:
    # An event type books in one branch; else what the booking names, what the call is linked to, the number's branch.
    by_event_type = owner.branch_id if owner.service_id else None
    branch_id = by_event_type or booking.branch or call.link.branch_id or owner.branch_id
    if branch_id is None:
        branches = practice_store.practice(owner.company_id)[0]
        if len(branches) != 1:
            raise CannotBackfill("branch_missing", f"nothing says which of {len(branches)} branches it is")
        branch_id = branches[0].id
    key = practice_store.schedule_key(owner.company_id, branch_id)
    try:
        return practice_store.schedule_of(reads([key])[key], branch_id)
    except NotFound:
        raise CannotBackfill("branch_unknown", f"the company has no branch {branch_id}") from None


def _service(schedule: Schedule, booking: BookingData, owner: Owner) -> Service:
    named = owner.service_id or booking.service
    if named is None:
        missing = "no service and no known event type are given"
        raise CannotBackfill("service_missing", missing)
    service = _try("service_unknown", lambda: schedule.service(named, "service"))
    if service.parts:
        raise CannotBackfill("service_is_a_package", f"nothing says who did which part of {service.name}")
    return service


def _member(schedule: Schedule, service: Service, booking: BookingData, owner: Owner) -> Staff | None:
    able = schedule.able(service, None, "staff")
    for named in (owner.staff_id, booking.staff):
        member = next((m for m in able if named and (m.id == named or m.name.casefold() == named.casefold())), None)
        if member:
            return member
    return able[0] if len(able) == 1 else None


def _times(schedule: Schedule, service: Service, booking: BookingData, said_at: datetime) -> tuple[datetime, datetime]:
    branch = schedule.branch
    if booking.starts_at is None:
        code = "time_unreadable" if "starts_at" in booking.unreadable else "time_missing"
        raise CannotBackfill(code, "no time that can be read is given")
    if booking.zone:
        zone = _try("zone_unknown", lambda: check_zone(booking.zone or "", "time_zone"))
        branch = msgspec.structs.replace(branch, zone=zone)
    starts_at = _instant(booking.starts_at, branch, said_at)
    ends_at = starts_at + timedelta(minutes=min(booking.minutes or service.duration_min, TOO_MANY_MINUTES))
    if booking.ends_at:
        ends_at = _instant(booking.ends_at, branch, said_at)
    if not timedelta(0) < ends_at - starts_at <= LONGEST:
        raise CannotBackfill("time_unreadable", "it does not end after it starts, or lasts over a day")
    return starts_at, ends_at


def _instant(text: str, branch: Branch, said_at: datetime) -> datetime:
    return _minute(_try("time_unreadable", lambda: instant(text, branch, said_at, "booking_details")))


def _contact(call: Call, booking: BookingData, country: str) -> Contact:
    # What a language model understood of a spoken number or address is not ours to refuse: the caller's own stands in.
    contact = read_what_can_be(RawContact(name=booking.name, phone=booking.phone, email=booking.email), country)
    if contact.phone is None:
        contact = msgspec.structs.replace(contact, phone=call.facts.their_number)
    if not (contact.is_reachable or call.link.customer_id):
        missing = "no phone number or e-mail address that can be read is given, and the caller's number is hidden"
        raise CannotBackfill("contact_missing", missing)
    return contact


def _minute(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(second=0, microsecond=0)


def _or_none(read: Callable[[], str]) -> str | None:
    try:
        return read()
    except DomainError:
        return None


def _try(code: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except DomainError as error:
        raise CannotBackfill(code, error.detail.rstrip(".")) from None
