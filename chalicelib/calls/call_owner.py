"""Whose a call is: by the event type of what was booked, then the called number, then the default company."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from chalicelib.booking.practice.models import PHONE, SERVICE
from chalicelib.calls.analysis import BookingData
from chalicelib.calls.call import CallFacts
from chalicelib.core import directory, reference_store
from chalicelib.core.references import Reference
from chalicelib.core.tables import Key, fetch_map
from chalicelib.identity.store import find_company

ReadRows = Callable[[Iterable[Key]], dict[Key, Any]]
"""The rows at keys, by their key."""


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """The company, the rule that found it, and what the rule knows beyond it."""

    company_id: str
    rule: str
    branch_id: str | None = None
    service_id: str | None = None
    staff_id: str | None = None


class Tried(msgspec.Struct, frozen=True):
    """A rule that found no company, and why; `code` names no person."""

    rule: str
    code: str
    reason: str


class Default(msgspec.Struct, frozen=True):
    """The stage's default company: its id, if it is set, and whether there is such a company."""

    company_id: str
    exists: bool


def read_default(company_id: str) -> Default:
    """One request where a default is set."""
    return Default(company_id, bool(company_id) and find_company(company_id) is not None)


def keys(booking: BookingData, facts: CallFacts) -> list[Key]:
    """What `owner` looks at: the event type and the number."""
    return [_event_type_key(booking), _number_key(facts)]


def _event_type_key(booking: BookingData) -> Key:
    return reference_store.key(Reference(booking.provider, SERVICE, str(booking.event_type or "none")))


def _number_key(facts: CallFacts) -> Key:
    return directory.key(PHONE, facts.our_number or "none")


def owner(
    booking: BookingData, facts: CallFacts, default: Default, read: ReadRows = fetch_map
) -> tuple[Owner | None, tuple[Tried, ...]]:
    """The company by the first rule that knows one, and why the rules before it did not; one request."""
    rows = read(keys(booking, facts))
    by_type = directory.entry(rows[_event_type_key(booking)])
    by_number = directory.entry(rows[_number_key(facts)])
    tried = []
    if by_type:
        known = {name: by_type.data.get(name) for name in ("branch_id", "service_id", "staff_id")}
        return Owner(company_id=by_type.company_id, rule="the service's event type", **known), ()
    tried.append(_no_event_type(booking))
    if by_number:
        return Owner(company_id=by_number.company_id, rule="the number", branch_id=by_number.record), tuple(tried)
    tried.append(_no_number(facts))
    if default.exists:
        return Owner(company_id=default.company_id, rule="the default company"), tuple(tried)
    tried.append(_no_default(default))
    return None, tuple(tried)


def _no_event_type(booking: BookingData) -> Tried:
    if booking.event_type is None:
        return Tried("event type", "no_event_type", "the call names no event type")
    return Tried("event type", "unknown_event_type", f"the event type {booking.event_type} belongs to no company")


def _no_number(facts: CallFacts) -> Tried:
    if not facts.our_number:
        return Tried("number", "no_number", "the call names no number of ours")
    return Tried("number", "unknown_number", f"{facts.our_number} belongs to no company")


def _no_default(default: Default) -> Tried:
    if not default.company_id:
        return Tried("default", "no_default_company", "no default company is set")
    return Tried("default", "unknown_default_company", f"the default company {default.company_id} does not exist")
