"""The chain from call to appointment: nine criteria, each of which can be looked at by itself."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls import list_store, store
from chalicelib.calls.call import Call
from chalicelib.core.errors import NotFound
from chalicelib.core.tables import Key, fetch_map
from chalicelib.crm.people import store as people
from chalicelib.crm.people.person import Person

AT_ONCE = 48
"""Calls followed with one BatchGetItem of a hundred keys: customer, appointment, and the few branches they share."""


class Criterion(msgspec.Struct, frozen=True):
    """One of the nine; `detail` says what was found."""

    name: str
    passed: bool
    detail: str


class Chain(msgspec.Struct, frozen=True):
    """A call's verdict."""

    call_id: str
    valid: bool
    criteria: tuple[Criterion, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the criteria that do not hold."""
        return tuple(criterion.name for criterion in self.criteria if not criterion.passed)


class Links(msgspec.Struct, frozen=True):
    """A call with everything it should lead to, as far as it exists."""

    call: Call
    customer: Person | None
    appointment: Appointment | None
    schedule: Schedule | None


def judge(links: Links) -> Chain:
    """The verdict on a call; reads nothing."""
    call, link, appointment = links.call, links.call.link, links.appointment
    confirmed = link.booking_confirmed
    provider = links.schedule.branch.provider if links.schedule else None

    # A group came of many calls and is for many; whoever has left it is no longer found there.
    shared = appointment is not None and appointment.group is not None

    def when_booked(held: bool) -> bool:
        # What concerns the appointment is asked only of calls that say they have one.
        return held if confirmed or appointment else True

    found = (
        Criterion("call_has_company", call.company_id is not None, call.company_id or "none"),
        Criterion("call_has_customer", link.customer_id is not None, link.customer_id or "none"),
        Criterion("customer_exists", links.customer is not None, links.customer.id if links.customer else "none"),
        Criterion(
            "appointment_exists", not confirmed or appointment is not None, appointment.id if appointment else "none"
        ),
        Criterion(
            "appointment_is_of_this_call",
            when_booked(shared or (appointment is not None and appointment.call_id == call.id)),
            (appointment and appointment.call_id) or "none",
        ),
        Criterion(
            "same_customer",
            when_booked(shared or (appointment is not None and appointment.customer_id == link.customer_id)),
            appointment.customer_id if appointment else "none",
        ),
        Criterion(
            "same_company",
            when_booked(appointment is not None and appointment.company_id == call.company_id),
            appointment.company_id if appointment else "none",
        ),
        Criterion(
            "has_calcom_id",
            when_booked(provider is None or (appointment is not None and _external_id(appointment) is not None)),
            _external_detail(appointment, provider),
        ),
        Criterion(
            "was_booked",
            when_booked(appointment is not None and appointment.was_booked()),
            appointment.status if appointment else "none",
        ),
    )
    return Chain(call.id, all(criterion.passed for criterion in found), found)


def _external_detail(appointment: Appointment | None, provider: str | None) -> str:
    if provider is None:
        return "the branch does not book through a provider"
    return str(_external_id(appointment) or "none") if appointment else "none"


def _external_id(appointment: Appointment) -> int | str | None:
    # An analysis may have brought one of the two alone; the provider finds the booking by either.
    return appointment.external_number if appointment.external_number is not None else appointment.external_id


def links_of(company_id: str, call_id: str) -> Links:
    """The call, by any of its ids, and what it leads to: two requests. Raises NotFound."""
    return follow(store.get_call(company_id, call_id))


def follow(call: Call) -> Links:
    """What the call leads to; one request."""
    return follow_all([call])[0]


def follow_all(calls: Sequence[Call]) -> list[Links]:
    """What each call leads to; one request for some fifty, since calls share their branches."""
    rows = fetch_map(key for call in calls for key in (_customer(call), _appointment(call), _schedule(call)) if key)
    return [_links(call, rows) for call in calls]


def _customer(call: Call) -> Key | None:
    customer_id = call.link.customer_id
    return people.key(call.company_id or "none", customer_id) if customer_id else None


def _appointment(call: Call) -> Key | None:
    appointment_id = call.link.appointment_id
    return appointment_store.appointment_key(call.company_id or "none", appointment_id) if appointment_id else None


def _schedule(call: Call) -> Key | None:
    branch_id = call.link.branch_id
    return practice_store.schedule_key(call.company_id or "none", branch_id) if branch_id else None


def _links(call: Call, rows: Mapping[Key, Any]) -> Links:
    def row(key: Key | None) -> Any:
        return rows[key] if key else None

    try:
        schedule = practice_store.schedule_of(row(_schedule(call)), call.link.branch_id or "")
    except NotFound:
        schedule = None
    appointment = appointment_store.appointment_of(row(_appointment(call)))
    return Links(call, people.person_of(row(_customer(call))), appointment, schedule)


def validate(calls: Iterable[Call]) -> Iterator[tuple[Call, Chain]]:
    """The verdict on each call, as they come, fifty in memory."""
    batch: list[Call] = []
    for call in calls:
        batch.append(call)
        if len(batch) == AT_ONCE:
            yield from _judged(batch)
            batch = []
    yield from _judged(batch)


def validate_all(company_id: str, after: str = "") -> Iterator[tuple[Call, Chain]]:
    """The verdict on every call that wanted a booking, oldest first; `after`: the last one's `store.position`."""
    yield from validate(list_store.calls_that_booked(company_id, after))


def _judged(calls: Sequence[Call]) -> Iterator[tuple[Call, Chain]]:
    if calls:
        yield from ((links.call, judge(links)) for links in follow_all(calls))
