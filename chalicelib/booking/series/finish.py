"""Going on with a series from wherever it was left: holds become appointments, or are given up; idempotent throughout.

Whoever comes, a request or the job, however often and however many at once: an appointment is made once, since its id
was settled with the hold, and the series' version moves its status only forward.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.allocation.time_swap import Exchange, Taken
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.calendar.entries import Entry
from chalicelib.booking.changes.cancel import Cancellation, cancel
from chalicelib.booking.creation.book import Booked
from chalicelib.booking.creation.stage import stage_booked
from chalicelib.booking.rules import limit_store
from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.plan import Conflicts
from chalicelib.booking.series.series import SERIES_FAILED, Occurrence, Series, held
from chalicelib.core.errors import DomainError, NotFound, OutcomeUnknown, Stale
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm.people import store as people

BUSY = "Many are booking these days at once; the series is gone on with shortly."


class SeriesRun(ChangeContext[Appointment], frozen=True, kw_only=True):
    """What goes through the transactions of a series is given. The units of `answering` keep the answer to an
    Idempotency-Key, those of `new_unit` do not.
    """

    answering: UnitFactory


class SeriesProgress(msgspec.Struct, frozen=True):
    """A series and those of its appointments that there are, by id; and what refusals said, in the answer alone."""

    series: Series
    appointments: dict[str, Appointment]
    conflicts: Conflicts = {}


def progress_of(series: Series, conflicts: Conflicts | None = None) -> SeriesProgress:
    """With its appointments as they are; one request."""
    made = appointment_store.appointments_of(dict.fromkeys(series.appointment_ids(), series.company_id))
    return SeriesProgress(series, made, conflicts or {})


def commit_progress(unit: Unit, progress: SeriesProgress) -> SeriesProgress:
    """Commit the last step of something, and answer it; as the series is now if someone else took that step first."""
    series_store.save_series(unit, progress.series)
    try:
        unit.commit(progress)
        return progress
    except Stale:
        series = progress.series
        return progress_of(series_store.get_series(series.company_id, series.id), progress.conflicts)


def carry_on(run: SeriesRun, series: Series, until: datetime, conflicts: Conflicts | None = None) -> SeriesProgress:
    """Make the appointments of a series that is `booking`, until then; `booked` once all are made.

    One commit for each. When a hold has lapsed and somebody took its time, a series that was to be whole comes to
    nothing: what was made of it is cancelled.
    """
    found = dict(progress_of(series).appointments)
    for one in series.bookable():
        if str(one.appointment_id) in found:
            continue
        if run.clock() >= until:
            return SeriesProgress(series, found, conflicts or {})
        try:
            made = _make(run, series, one)
            if made:
                found[made.id] = made
            elif series.whole:
                return progress_of(give_up(run, series), conflicts)
            else:
                series = _lose(run, series, one)
        except _MovedOn as moved:
            return progress_of(moved.series, conflicts)
    unit = run.answering()
    booked = series.changed(unit.clock(), status="booked")
    unit.audit("series.booked", booked.id, ("status",))
    return commit_progress(unit, SeriesProgress(booked, found, conflicts or {}))


class _MovedOn(Exception):
    """Someone else finished the series, or gave it up."""

    def __init__(self, series: Series) -> None:
        super().__init__(series.id)
        self.series = series


def is_kept(exchange: Exchange, hold: Entry, now: datetime) -> bool:
    """Whether the time is still the series' own: its hold is there (whatever came on top), or nobody is in the way."""
    lasts = hold.expires_at is not None and now < hold.expires_at
    own = any(entry.reference == hold.reference for entry in exchange.calendar.entries())
    return (lasts and own) or exchange.fits(now)


def _make(run: SeriesRun, series: Series, one: Occurrence) -> Appointment | None:
    """The appointment that the hold becomes; None when the hold has lapsed and someone else has the time."""

    def attempt() -> Appointment | None:
        appointment = series.appointment(one, run.clock())
        hold = held(appointment.entry(), series.held_until)
        found = time_swap.exchanges((msgspec.structs.replace(appointment, status="released"), appointment))
        if not all(is_kept(exchange, hold, run.clock()) for exchange in found):
            return appointment_store.find_appointment(series.company_id, appointment.id)
        unit = run.new_unit()
        for exchange in found:
            Exchange(exchange.calendar, (hold,), exchange.after).stage(unit)
        series_store.check_unchanged(unit, series)
        appointment_store.add_appointment(unit, appointment)
        stage_booked(unit, appointment, series=series.id)
        try:
            unit.commit()
        except Stale:
            made = appointment_store.find_appointment(series.company_id, appointment.id)
            if made:
                return made
            current = series_store.get_series(series.company_id, series.id)
            if current.version != series.version:
                raise _MovedOn(current) from None
            raise
        return _confirmed(run, appointment)

    return until_committed(attempt, "calendar_busy", BUSY)


def _confirmed(run: SeriesRun, appointment: Appointment) -> Appointment:
    """Taken to the provider that the branch books through; what that refuses is released there."""
    if appointment.status != "held":
        return appointment
    from chalicelib.booking.provider.book import confirm_with_provider

    schedule = time_swap.schedule_for(appointment)
    staff = time_swap.staff_of(schedule, appointment.staff_id)
    if staff is None:
        raise NotFound("staff_not_found", f"{appointment.staff_id} is no longer at this branch.")
    service = schedule.service(appointment.service_id, "body.service")
    contact = people.get(appointment.company_id, appointment.customer_id).contact()
    client = run.connect(str(appointment.provider))
    try:
        booked = Booked(appointment, schedule, service, staff, contact)
        context: ChangeContext[Appointment] = ChangeContext(run.new_unit, appointment.company_id, run.clock)
        return confirm_with_provider(context, booked, client)
    except OutcomeUnknown:
        return appointment
    except DomainError as refusal:
        log.info("provider refused one of a series", extra={"appointment_id": appointment.id, "code": refusal.code})
        return appointment_store.get_appointment(appointment.company_id, appointment.id)
    finally:
        client.close()


def _lose(run: SeriesRun, series: Series, one: Occurrence) -> Series:
    """The series without an occurrence whose hold has lapsed and whose time is somebody else's."""
    gone = msgspec.structs.replace(one, appointment_id=None, counted=(), code="slot_taken")
    unit = run.new_unit()
    left = tuple(gone if each is one else each for each in series.occurrences)
    fewer = series.changed(unit.clock(), occurrences=left)
    series_store.save_series(unit, fewer)
    limit_store.uncount(unit, one.counted)
    unit.audit("series.lost_one", fewer.id, ("occurrences",), appointment=str(one.appointment_id))
    try:
        unit.commit()
    except Stale:
        raise _MovedOn(series_store.get_series(fewer.company_id, fewer.id)) from None
    return fewer


def give_up(run: SeriesRun, series: Series) -> Series:
    """Let a series come to nothing: `failed` first, then what was made is cancelled and what is held is freed.

    Idempotent: called again, it goes on where it was left.
    """
    if series.status != "failed":
        unit = run.new_unit()
        series = series.changed(unit.clock(), status="failed")
        series_store.save_series(unit, series)
        unit.audit("series.failed", series.id, ("status",))
        unit.commit()
    while series.held_in:
        series = _give_up_last(run, series)
    return series


def _give_up_last(run: SeriesRun, series: Series) -> Series:
    """What the last transaction held is freed by one like it; nothing new is made, as the series has `failed`."""
    ids = [str(one.appointment_id) for one in series.held_last()]
    made = appointment_store.appointments_of(dict.fromkeys(ids, series.company_id))
    for appointment_id in made:
        cancel(run, appointment_id, Cancellation(reason=SERIES_FAILED))
    going = [one for one in series.held_last() if one.appointment_id not in made]

    holds = holds_of(series, going)

    def attempt() -> Series:
        unit = run.new_unit()
        fewer = series.changed(unit.clock(), held_in=series.held_in[:-1])
        series_store.save_series(unit, fewer)
        time_swap.swap(unit, time_swap.read_calendars(holds), holds, {}, unit.clock())
        limit_store.uncount(unit, [name for one in going for name in one.counted])
        try:
            unit.commit()
            return fewer
        except Stale:
            current = series_store.get_series(series.company_id, series.id)
            if current.held_in != series.held_in:
                return current
            raise

    return until_committed(attempt, "calendar_busy", BUSY)


def holds_of(series: Series, occurrences: Iterable[Occurrence]) -> Taken:
    """What holds the times of these occurrences in each calendar until their appointments take them."""
    taken = time_swap.taken_by(series.appointment(one, series.created_at) for one in occurrences)
    return {owner: [held(entry, series.held_until) for entry in entries] for owner, entries in taken.items()}
