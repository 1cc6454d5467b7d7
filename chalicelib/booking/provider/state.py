"""What our appointment becomes by what a provider says of its booking, however it reached us. No I/O."""

from datetime import datetime, timedelta
from typing import Literal

from chalicelib.booking.appointments.appointment import OVER, Appointment, Attendee, ExternalState, Status, TimeSlot
from chalicelib.booking.appointments.external import ExternalBooking, ExternalHost
from chalicelib.booking.practice.models import ANYONE, Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.references import updated

_STAYS: frozenset[Status] = frozenset({"no_show", "completed"})
"""What we know better than a booking that stands tells."""
Outcome = Literal["done", "elsewhere", "untouched"]


def host_of(schedule: Schedule, appointment: Appointment, told: ExternalBooking) -> Staff | None:
    """Who of us has it by the provider's word: by what was booked, else by id or e-mail; None: not known."""
    service = schedule.find_service(appointment.service_id)
    by_staff = service.booked_as(told.provider) if service else {}
    fixed = {theirs: whose for whose, theirs in by_staff.items() if whose != ANYONE}
    for member in schedule.staff:
        if member.id == fixed.get(told.service_id or "") or is_host(member, told.provider, told.host):
            return member
    return None


def is_host(member: Staff, provider: str, host: ExternalHost) -> bool:
    """Whether the provider means this member of staff."""
    known = member.reference(provider)
    if host.id is not None and known is not None:
        return known == host.id
    return bool(host.email and member.email and member.email.lower() == host.email.lower())


def judge(old: Appointment, told: ExternalBooking, host: Staff | None) -> Outcome:
    """What became of the pending change: carried out, overtaken by something else, or nothing has happened (yet)."""
    if _carried_out(old, told, host):
        return "done"
    same = told.id == old.external_id and told.starts_at in (None, old.starts_at)
    live = told.stands and (told.status == old.status or old.status in _STAYS)
    return "untouched" if same and live else "elsewhere"


def _carried_out(old: Appointment, told: ExternalBooking, host: Staff | None) -> bool:
    change = old.pending_change
    slot = change.slot if change else None
    match change.kind if change else None:
        case None:
            return False
        case "cancel" | "decline":
            return told.status in ("cancelled", "declined")
        case "confirm":
            return told.status == "confirmed" and told.id == old.external_id
        case "reassign":
            return slot is not None and host is not None and host.id == slot.staff_id
        case _:
            return slot is not None and told.stands and told.starts_at == slot.starts_at and _is_another(old, told)


def _is_another(old: Appointment, told: ExternalBooking) -> bool:
    """Whether it is another booking, or at another time: some providers move a booking in its place."""
    change = old.pending_change
    in_place = change is not None and change.kind == "reschedule" and told.starts_at != old.starts_at
    return told.id != old.external_id or in_place


def with_external_state(old: Appointment, told: ExternalBooking, host: Staff | None, at: datetime) -> Appointment:
    """The appointment as the provider's word makes it, where the booking stands (confirmed or requested).

    A pending change that is carried out, or that a new booking has overtaken, is over; otherwise it stays pending.
    """
    change, status = old.pending_change, told.status or old.status
    replaced = told.id is not None and told.id != old.external_id
    done = change is not None and judge(old, told, host) == "done"
    external = _external(old.external, told, replaced)
    return old.changed(
        at,
        **old.at(_slot(told, host, (change.slot if done and change else None) or old.slot())),
        **_people(old, external),
        status=_status(old, status, external, replaced),
        external=external,
        booked_as=old.booked_as or ("confirmed" if status == "confirmed" else None),
        pending_change=None if done or replaced else change,
        provider=told.provider,
        references=updated(old.references, told.references),
        external_seen_at=later(told.told_at, old.external_seen_at),
    )


def _status(old: Appointment, status: Status, external: ExternalState, replaced: bool) -> Status:
    if status != "confirmed" or replaced:
        return status
    if external.absent != old.external.absent:
        return "no_show" if external.absent else (status if old.status == "no_show" else old.status)
    return old.status if old.status in _STAYS else status


def _external(before: ExternalState, told: ExternalBooking, replaced: bool) -> ExternalState:
    """What the provider says now; what this piece of news does not mention is as it was said before."""
    absent = told.absent if told.absent is not None else before.absent and not replaced
    host = told.host.id or before.host
    if told.attendee is None:
        return ExternalState(host=host, absent=absent, attendee=before.attendee, guests=before.guests)
    known = before.attendee or Attendee()
    first = Attendee(
        name=told.attendee.name or known.name,
        email=told.attendee.email or known.email,
        phone=told.attendee.phone or known.phone,
    )
    others = {guest.lower() for guest in told.guests} - {(first.email or "").lower()}
    return ExternalState(host=host, absent=absent, attendee=first, guests=tuple(sorted(others)))


def _people(old: Appointment, external: ExternalState) -> dict[str, object]:
    """Who comes, after what the provider says now: ours stays where it says what it said before."""
    fields: dict[str, object] = {}
    if external.attendee != old.external.attendee:
        fields["attendee"] = external.attendee
    if external.guests != old.external.guests:
        mine = {(old.attendee.email or "").lower()} if old.attendee and "attendee" not in fields else set()
        fields["guests"] = tuple(sorted({*external.guests} - mine))
    return fields


def external_of(told: ExternalBooking) -> ExternalState:
    """What a provider says besides time and status, in the first news of a booking."""
    return _external(ExternalState(), told, replaced=False)


def who_comes(told: ExternalBooking) -> dict[str, object]:
    """The fields of an appointment that tell who comes, from the first news of its booking."""
    external = external_of(told)
    return {"external": external, "attendee": external.attendee, "guests": external.guests}


def echoes(old: Appointment, told: ExternalBooking) -> bool:
    """Whether the news is nothing but what the appointment says already, so that the provider need not be asked."""
    if told.status in OVER:
        return old.status in OVER
    return (
        old.pending_change is None
        and told.id == old.external_id
        and told.stands
        and told.status == old.status
        and told.starts_at in (None, old.starts_at)
        and told.ends_at in (None, old.ends_at)
        and _external(old.external, told, replaced=False) == old.external
    )


def _slot(told: ExternalBooking, host: Staff | None, known: TimeSlot) -> TimeSlot:
    starts_at = whole_minute(told.starts_at) if told.starts_at else known.starts_at
    ends_at = whole_minute(told.ends_at) if told.ends_at else known.ends_at
    stays = (starts_at, ends_at) == (known.starts_at, known.ends_at)
    return TimeSlot(
        starts_at=starts_at,
        ends_at=ends_at,
        staff_id=host.id if host else known.staff_id,
        home_branch_id=host.home_branch_id if host else known.home_branch_id,
        # A provider knows no rooms: where it moves a booking to, none is taken.
        resource_ids=known.resource_ids if stays else (),
    )


def whole_minute(instant: datetime) -> datetime:
    """Calendars count in whole minutes."""
    return instant - timedelta(seconds=instant.second, microseconds=instant.microsecond)


def later(left: datetime | None, right: datetime | None) -> datetime | None:
    """The later of two instants, where there are two."""
    return max(left, right) if left and right else left or right
