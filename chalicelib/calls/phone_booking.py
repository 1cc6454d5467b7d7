"""A phone call becomes an appointment: hold here, book at the provider, confirm here, in at most two transactions."""

from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.allocation import context as branch_context
from chalicelib.booking.alternatives.add import with_alternatives
from chalicelib.booking.appointments import package_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.package import FirstPart
from chalicelib.booking.creation.book import Booked, TransactionHook, book
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Branch
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.provider.book import confirm_with_provider, query_again
from chalicelib.booking.rules.facts import Rows
from chalicelib.calls import store
from chalicelib.calls.call import CallLink
from chalicelib.calls.caller import Caller
from chalicelib.calls.function_args import BookingArgs
from chalicelib.calls.function_context import Tools, answer_guard
from chalicelib.calls.speech import Voice, voice_of
from chalicelib.calls.time_parsing import instant
from chalicelib.core import directory, guards
from chalicelib.core.errors import Conflict, DomainError, OutcomeUnknown, invalid
from chalicelib.core.guards import Guard
from chalicelib.core.ids import new_id
from chalicelib.core.logging import log
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact, RawContact, read_contact
from chalicelib.crm.people import store as people

KEEP_GUARD = timedelta(days=30)
RESTARTS = 3
REFUSED_TIMES = frozenset({"slot_taken", "not_bookable"})
"""What booking refuses a time with; both bring the times that can be had instead."""


class _BookedBefore(Exception):
    """The same call asked for the same before, and this came of it."""

    def __init__(self, appointment: Appointment) -> None:
        super().__init__(appointment.id)
        self.appointment = appointment


class _CallAppeared(Exception):
    """A webhook created the call's record meanwhile."""


class PhoneBooking:
    """One request of the agent to book; the same call with the same arguments again gets the same appointment.

    Reads at most three times: the schedule (for the branch's clock), then calendars, customer, call and guard at once;
    the endpoint has looked up the called number before. Writes one transaction, a second one where a provider confirms.
    """

    def __init__(
        self, caller: Caller, branch_id: str, request: BookingArgs, args: dict[str, Any], tools: Tools
    ) -> None:
        self._caller = caller
        self._branch_id = branch_id
        self._request = request
        self._args = args
        self._new_unit = lambda: tools.new_unit(caller.company_id)
        self._clock = tools.clock
        self._connect = tools.connect
        self._call_id = caller.call_id or new_id("call")
        self._new_call = caller.call_id is None
        self._guard = answer_guard(caller, "book_appointment", args)
        self._guard_key = guards.key(self._guard)
        self._known = directory.key(store.RETELL, caller.facts.retell_call_id)

    def run(self) -> dict[str, Any]:
        """Book, and say so in prose and data. Raises Invalid for requests that nobody can grant."""
        try:
            booked = self._hold()
        except _BookedBefore as before:
            return self._answer_again(before.appointment)
        except Conflict as taken:
            if taken.code == "already_joined":  # the caller has a seat of this group: that is what they asked for
                joined = appointment_store.get_appointment(self._caller.company_id, taken.extra["appointment_id"])
                return self._answer_again(joined)
            if taken.code == "customer_unsure":
                return self._answer_who_for(taken.extra["candidates"])
            # What this very question booked before may be what is in the way now.
            mine = self._booked_before(guards.find(self._guard, self._clock()))
            return self._answer_again(mine) if mine else self._answer_taken(taken)
        if booked.repeated:
            return self._answer_again(booked.appointment)
        if not booked.held:
            return self._answer_booked(booked.appointment, booked.schedule)
        return self._confirm(booked)

    def _hold(self) -> Booked:
        company_id = self._caller.company_id
        schedule = branch_context.fresh(company_id, self._branch_id)
        request = self._booking_request(schedule.branch)
        hook = TransactionHook((self._guard_key, self._known), self._write_call)
        for _ in range(RESTARTS):
            try:
                return book(
                    self._new_unit,
                    company_id,
                    msgspec.structs.replace(request, call_id=self._call_id),
                    self._clock,
                    hook,
                )
            except _CallAppeared:
                continue
        raise OutcomeUnknown("call_busy", "This call's record changes too fast; ask again.")

    def _booking_request(self, branch: Branch) -> BookingRequest:
        contact = _contact(self._request, self._caller, branch.country)
        return BookingRequest(
            branch_id=branch.id,
            service=self._request.service,
            starts_at=instant(self._request.starts_at, branch, self._clock(), "args.starts_at"),
            source="retell_phone",
            staff=self._request.staff,
            contact=contact,
            # Of the number they call from, a caller is believed.
            trust="caller" if self._caller.number and contact.phone == self._caller.number else "stranger",
            path="args",
        )

    def _write_call(self, unit: Unit, booked: Booked, rows: Rows) -> None:
        seen, known = guards.guard_of(rows[self._guard_key], self._clock()), directory.entry(rows[self._known])
        before = self._booked_before(seen, booked.appointment.customer_id)
        if before:
            raise _BookedBefore(before)
        if known and (self._new_call or known.record != self._call_id):
            self._call_id, self._new_call = known.record, False
            raise _CallAppeared
        guard = Guard(until=self._clock() + KEEP_GUARD, record=booked.appointment.id)
        guards.save(unit, self._guard, guard, seen)
        link = self._link(booked.appointment)
        if self._new_call:
            store.add_call(unit, self._call_id, self._caller.facts, link)
        else:
            store.save_link(unit, self._call_id, link)

    def _booked_before(self, guard: Guard | None, customer_id: str | None = None) -> Appointment | None:
        if guard is None:
            return None
        before = appointment_store.find_appointment(self._caller.company_id, guard.record or "")
        if before is None or before.status in OVER:
            return None
        # Who has left a group since asks anew.
        return before if before.group is None or before.is_for(customer_id or "") else None

    def _link(self, appointment: Appointment) -> CallLink:
        return CallLink(
            branch_id=appointment.branch_id,
            customer_id=appointment.customer_id,
            appointment_id=appointment.id,
            booking_confirmed=appointment.status in ("confirmed", "requested"),
            booking_details=self._args,
        )

    def _confirm(self, booked: Booked) -> dict[str, Any]:
        client = self._connect(str(booked.appointment.provider))
        try:
            with with_alternatives():
                done = confirm_with_provider(self._context(booked.appointment), booked, client)
        except Conflict as taken:
            return self._answer_taken(taken)
        except OutcomeUnknown:
            return self._answer_pending(booked.appointment, booked.schedule)
        except DomainError as refusal:
            log.warning("provider did not book", extra={"code": refusal.code, "appointment_id": booked.appointment.id})
            message = voice_of(booked.schedule.branch, self._clock()).phrases.trouble
            return {"message": message, "status": "failed", "code": refusal.code}
        finally:
            client.close()
        return self._answer_booked(done, booked.schedule)

    def _context(self, appointment: Appointment) -> ChangeContext[Appointment]:
        return ChangeContext(self._new_unit, appointment.company_id, self._clock, self._confirm_call)

    def _confirm_call(self, unit: Unit, appointment: Appointment) -> None:
        store.save_link(unit, self._call_id, self._link(appointment))

    def _answer_again(self, appointment: Appointment) -> dict[str, Any]:
        schedule = practice_store.get_schedule(appointment.company_id, appointment.branch_id)
        if appointment.status == "held":
            appointment = self._as_provider_knows(appointment)
        if appointment.status == "held":
            return self._answer_pending(appointment, schedule)
        return self._answer_booked(appointment, schedule)

    def _as_provider_knows(self, appointment: Appointment) -> Appointment:
        # The first answer was lost: never book a second time without asking what became of the first.
        with closing(self._connect(str(appointment.provider))) as client:
            return query_again(self._context(appointment), appointment, client)

    def _answer_taken(self, taken: Conflict) -> dict[str, Any]:
        if taken.code not in REFUSED_TIMES:
            raise taken
        branch = branch_context.fresh(self._caller.company_id, self._branch_id).branch
        return answer_taken(voice_of(branch, self._clock()), taken)

    def _answer_who_for(self, candidates: list[str]) -> dict[str, Any]:
        branch = branch_context.fresh(self._caller.company_id, self._branch_id).branch
        voice = voice_of(branch, self._clock())
        persons = people.find_all(self._caller.company_id, candidates)
        return answer_who_for(voice, [person.first_name for person in persons if person.first_name])

    def _answer_booked(self, appointment: Appointment, schedule: Schedule) -> dict[str, Any]:
        voice = voice_of(schedule.branch, self._clock())
        package = appointment.package
        service = schedule.service(package.service_id if package else appointment.service_id, "args.service")
        staff = next((member.name for member in schedule.staff if member.id == appointment.staff_id), None)
        said = voice.phrases.booked.format(
            service=service.name,
            staff=staff or voice.phrases.our_team,
            moment=voice.on_moment(appointment.starts_at),
        )
        return {
            "message": said,
            "status": "booked",
            "appointment_id": appointment.id,
            "starts_at": appointment.starts_at.astimezone(voice.zone).isoformat(),
            "ends_at": _ends_at(appointment).astimezone(voice.zone).isoformat(),
            "service_id": service.id,
            "staff_id": appointment.staff_id,
            "calcom_booking_id": appointment.external_number,
            "external_id": appointment.external_id,
        }

    def _answer_pending(self, appointment: Appointment, schedule: Schedule) -> dict[str, Any]:
        message = voice_of(schedule.branch, self._clock()).phrases.pending
        return {"message": message, "status": "pending", "appointment_id": appointment.id}


def _ends_at(appointment: Appointment) -> datetime:
    """When the last part of a package ends, or the appointment."""
    if appointment.package is None:
        return appointment.ends_at
    if isinstance(appointment, FirstPart):
        return appointment.parts[-1].ends_at
    return package_store.get(appointment.company_id, appointment.package.id).ends_at


def answer_taken(voice: Voice, taken: Conflict) -> dict[str, Any]:
    """The time asked for is gone, or against the branch's rules; the alternatives are bookable as given."""
    offered = taken.extra["alternatives"]
    return {
        "message": voice.taken([datetime.fromisoformat(slot["starts_at"]) for slot in offered]),
        "status": "unavailable",
        "code": taken.code,
        "alternatives": offered,
    }


def answer_who_for(voice: Voice, first_names: list[str]) -> dict[str, Any]:
    """Several persons may be meant: the agent asks whom it is for, and calls again with the name."""
    said = voice.phrases.who_for.format(names=voice.either(first_names)) if first_names else voice.phrases.who_for_alone
    return {"message": said, "status": "who_for", "candidates": first_names}


def _contact(request: BookingArgs, caller: Caller, country: str) -> Contact:
    raw = RawContact(name=request.name, phone=request.phone, email=request.email)
    contact = read_contact(raw, country, "args")
    if contact.phone is None:
        contact = msgspec.structs.replace(contact, phone=caller.number)
    if not contact.is_reachable:
        raise invalid("args.phone", "required", "The caller's number is hidden: ask for a phone number.")
    return contact
