"""Going on with a series from wherever it was left: holds become appointments, or are given up; idempotent throughout.

Whoever comes, a request or the job, however often and however many at once: an appointment is made once, since its id
was settled with the hold, and the series' version moves its status only forward.
"""

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.allocation.time_swap import Exchange
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.entries import Entry, monday_of
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.changes.cancel import Cancellation, cancel
from chalicelib.booking.creation import book
from chalicelib.booking.creation.book import TRIES, Booked
from chalicelib.booking.creation.stage import stage_booked
from chalicelib.booking.rules import limit_store
from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.plan import Conflicts
from chalicelib.booking.series.series import SERIES_FAILED, Occurrence, Series
from chalicelib.core.clock import Clock
from chalicelib.core.errors import DomainError, NotFound, OutcomeUnknown, Stale, Unavailable
from chalicelib.core.logging import log
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm import store as crm
from chalicelib.crm.customer import Contact

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import CalCom


class Units(msgspec.Struct, frozen=True):
    """How a use case of several transactions begins them: `answering` ones keep the answer to an Idempotency-Key."""

    answering: UnitFactory
    silent: UnitFactory


class SeriesProgress(msgspec.Struct, frozen=True):
    """A series and those of its appointments that there are, by id; and what refusals said, in the answer alone."""

    series: Series
    appointments: dict[str, Appointment]
    told: Conflicts = {}


def progress_of(series: Series, told: Conflicts | None = None) -> SeriesProgress:
    """With its appointments as they are; one request."""
    ids = [str(one.appointment_id) for one in series.wanted()]
    return SeriesProgress(series, appointment_store.appointments_of(dict.fromkeys(ids, series.company_id)), told or {})


def carry_on(
    units: Units,
    series: Series,
    clock: Clock,
    calcom: "Callable[[], CalCom]",
    until: datetime,
    told: Conflicts | None = None,
) -> SeriesProgress:
    """Make the appointments of a series that is `booking`, until then; `booked` once all are made.

    One commit for each. When a hold has lapsed and somebody took its time, a series that was to be whole comes to
    nothing: what was made of it is cancelled.
    """
    found = dict(progress_of(series).appointments)
    taking = _Taking(units, series, clock, calcom)
    for one in series.wanted():
        if str(one.appointment_id) in found:
            continue
        if clock() >= until:
            return SeriesProgress(series, found, told or {})
        try:
            made = taking.make(one)
            if made:
                found[made.id] = made
            elif series.whole:
                return progress_of(give_up(units, series, clock, calcom), told)
            else:
                series = taking.lose(one)
        except _Moved as moved:
            return progress_of(moved.series, told)
    return _finished(units, series, SeriesProgress(series, found, told or {}))


def _finished(units: Units, series: Series, made: SeriesProgress) -> SeriesProgress:
    unit = units.answering()
    booked = series.changed(unit.clock(), status="booked")
    series_store.save_series(unit, booked)
    unit.audit("series.booked", booked.id, ("status",))
    result = msgspec.structs.replace(made, series=booked)
    try:
        unit.commit(result)
    except Stale:  # someone else finished it: the same appointments stand
        return progress_of(series_store.get_series(series.company_id, series.id), made.told)
    return result


def _kept(exchange: Exchange, hold: Entry, now: datetime) -> bool:
    """Whether the time is still the series' own: its hold is there (whatever came on top), or nobody is in the way."""
    lasts = hold.expires_at is not None and now < hold.expires_at
    mine = any(entry.reference == hold.reference for entry in exchange.calendar.entries())
    return (lasts and mine) or exchange.fits(now)


class _Moved(Exception):
    """Someone else finished the series, or gave it up."""

    def __init__(self, series: Series) -> None:
        super().__init__(series.id)
        self.series = series


class _Taking:
    """Makes the appointments of a series."""

    def __init__(self, units: Units, series: Series, clock: Clock, calcom: "Callable[[], CalCom]") -> None:
        self.units, self.series, self.clock, self.calcom = units, series, clock, calcom

    def make(self, one: Occurrence) -> Appointment | None:
        """The appointment that the hold becomes; None when the hold has lapsed and someone else has the time."""
        for attempt in range(TRIES):
            appointment = self.series.appointment(one, self.clock())
            held = self.series.hold(one)
            nothing = msgspec.structs.replace(appointment, status="released")
            found = time_swap.exchanges((nothing, appointment))
            if not all(_kept(exchange, held, self.clock()) for exchange in found):
                return appointment_store.find_appointment(self.series.company_id, appointment.id)
            unit = self.units.silent()
            for exchange in found:
                Exchange(exchange.calendar, (held,), exchange.after).stage(unit)
            series_store.check_unchanged(unit, self.series)
            self._write(unit, appointment)
            try:
                unit.commit()
                return self._confirmed(appointment)
            except Stale:
                made = appointment_store.find_appointment(self.series.company_id, appointment.id)
                if made:
                    return made
                current = series_store.get_series(self.series.company_id, self.series.id)
                if current.version != self.series.version:
                    raise _Moved(current) from None
                book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
        raise Unavailable("calendar_busy", "Many are booking these days at once; the series is gone on with shortly.")

    def lose(self, one: Occurrence) -> Series:
        """The series without an occurrence whose hold has lapsed and whose time is somebody else's."""
        gone = msgspec.structs.replace(one, appointment_id=None, counted=(), code="slot_taken")
        unit = self.units.silent()
        left = tuple(gone if each is one else each for each in self.series.occurrences)
        fewer = self.series.changed(unit.clock(), occurrences=left)
        series_store.save_series(unit, fewer)
        limit_store.uncount(unit, one.counted)
        unit.audit("series.lost_one", fewer.id, ("occurrences",), appointment=str(one.appointment_id))
        try:
            unit.commit()
        except Stale:
            raise _Moved(series_store.get_series(fewer.company_id, fewer.id)) from None
        self.series = fewer
        return fewer

    def _write(self, unit: Unit, appointment: Appointment) -> None:
        appointment_store.add_appointment(unit, appointment)
        stage_booked(unit, appointment, series=self.series.id)

    def _confirmed(self, appointment: Appointment) -> Appointment:
        """Taken to Cal.com where the branch books through it; what Cal.com refuses is released there."""
        if appointment.status != "held":
            return appointment
        from chalicelib.booking.calcom.book import confirm_at_calcom

        schedule = time_swap.schedule_for(appointment)
        member = time_swap.staff_of(schedule, appointment.staff_id)
        if member is None:
            raise NotFound("staff_not_found", f"{appointment.staff_id} is no longer at this branch.")
        service = schedule.service(appointment.service_id, "body.service")
        customer = crm.get_customer(appointment.company_id, appointment.customer_id)
        contact = Contact(name=customer.name, phone=customer.phone, email=customer.email)
        booked = Booked(appointment, schedule, service, member, contact)
        client = self.calcom()
        try:
            context: ChangeContext[Appointment] = ChangeContext(self.units.silent, appointment.company_id, self.clock)
            return confirm_at_calcom(context, booked, client)
        except OutcomeUnknown:
            return appointment
        except DomainError as refusal:
            log.info("calcom refused one of a series", extra={"appointment_id": appointment.id, "code": refusal.code})
            return appointment_store.get_appointment(appointment.company_id, appointment.id)
        finally:
            client.close()


def give_up(units: Units, series: Series, clock: Clock, calcom: "Callable[[], CalCom]") -> Series:
    """Let a series come to nothing: `failed` first, then what was made is cancelled and what is held is freed.

    Idempotent: called again, it goes on where it was left.
    """
    if series.status != "failed":
        unit = units.silent()
        failed = series.changed(unit.clock(), status="failed")
        series_store.save_series(unit, failed)
        unit.audit("series.failed", failed.id, ("status",))
        unit.commit()
        series = failed
    while series.held_in:
        series = _give_up_last(units, series, clock, calcom)
    return series


def _give_up_last(units: Units, series: Series, clock: Clock, calcom: "Callable[[], CalCom]") -> Series:
    """What the last transaction held is freed by one like it; nothing new is made, as the series has `failed`."""
    ids = [str(one.appointment_id) for one in series.held_last()]
    made = appointment_store.appointments_of(dict.fromkeys(ids, series.company_id))
    context: ChangeContext[Appointment] = ChangeContext(units.silent, series.company_id, clock, calcom=calcom)
    for appointment_id in made:
        cancel(context, appointment_id, Cancellation(reason=SERIES_FAILED))
    for attempt in range(TRIES):
        unit = units.silent()
        fewer = series.changed(unit.clock(), held_in=series.held_in[:-1])
        series_store.save_series(unit, fewer)
        going = [one for one in series.held_last() if one.appointment_id not in made]
        _free(unit, series, going)
        limit_store.uncount(unit, [name for one in going for name in one.counted])
        try:
            unit.commit()
            return fewer
        except Stale:
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
            current = series_store.get_series(series.company_id, series.id)
            if current.held_in != series.held_in:
                return current
    raise Unavailable("calendar_busy", "Many are booking these days at once; the holds are given up shortly.")


def _free(unit: Unit, series: Series, going: Sequence[Occurrence]) -> None:
    """Stage that the holds are gone; the calendars are read now, a hundred weeks to a request."""
    holds = [(owner, series.hold(one)) for one in going for owner in series.owners(one)]
    owners = [CalendarOwner(series.company_id, *owner) for owner in dict.fromkeys(owner for owner, _ in holds)]
    mondays = sorted({monday_of(day) for _, hold in holds for day in hold.days()})
    for calendar in calendar_store.read(owners, mondays):
        mine = [hold for owner, hold in holds if owner[1] == calendar.owner.id]
        days = {day for hold in mine for day in hold.days()}
        calendar_store.free(unit, calendar, [hold.reference for hold in mine], days)
