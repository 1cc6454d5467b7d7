"""Which of Cal.com's event types books which service, and which user is which member of staff. No I/O.

By the stored id first; then by e-mail address for users, by title or slug and length for event types. What fits more
than one is shown and left to people: nothing is guessed.
"""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from chalicelib.booking.practice.models import ANYONE, Service, Staff
from chalicelib.integrations.calcom.translate import NAME

if TYPE_CHECKING:
    from chalicelib.vendors.calcom.account import CalComEventType, CalComUser

State = Literal["linked", "new", "ambiguous", "gone", "differs", "unmatched", "unused"]
NEEDS_A_HAND: frozenset[State] = frozenset({"ambiguous", "gone", "differs", "unmatched"})


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the comparison. `record`: the service or member of staff; `whose`: for a service, by which staff.

    linked: stored and right; new: found, to be stored; gone: stored, but Cal.com has it no more; differs: stored, but
    of another length; unmatched: ours without theirs; unused: theirs without ours.
    """

    kind: Literal["staff", "service"]
    state: State
    record: str | None = None
    whose: str | None = None
    here: str = ""
    there: str = ""
    calcom_id: int | None = None


def match_users(staff: Iterable[Staff], users: Sequence["CalComUser"]) -> list[Link]:
    """Every member of staff, then every user who is none."""
    by_id = {user.id: user for user in users}
    links = [_staff_link(member, users, by_id) for member in staff]
    taken = {link.calcom_id for link in links}
    rest = [user for user in users if user.id not in taken]
    return links + [
        Link(kind="staff", state="unused", there=user.email or user.name, calcom_id=user.id) for user in rest
    ]


def _staff_link(member: Staff, users: Sequence["CalComUser"], by_id: "dict[int, CalComUser]") -> Link:
    stored = _user_of(member)
    if stored is not None:
        known = by_id.get(stored)
        there = (known.email or known.name) if known else f"user {stored}"
        return _of_staff(member, "linked" if known else "gone", there, stored)
    email = (member.email or "").lower()
    fits = [user for user in users if email and user.email and user.email.lower() == email]
    if len(fits) == 1:
        return _of_staff(member, "new", fits[0].email or "", fits[0].id)
    return _of_staff(member, "ambiguous" if fits else "unmatched", ", ".join(str(user.id) for user in fits), None)


def _user_of(member: Staff) -> int | None:
    stored = member.reference(NAME)
    return int(stored) if stored else None


def _event_types_of(service: Service) -> dict[str, int]:
    return {whose: int(number) for whose, number in service.booked_as(NAME).items()}


def _of_staff(member: Staff, state: State, there: str, calcom_id: int | None) -> Link:
    return Link(kind="staff", state=state, record=member.id, here=member.name, there=there, calcom_id=calcom_id)


def match_event_types(
    services: Sequence[Service], staff: Sequence[Staff], event_types: Sequence["CalComEventType"]
) -> list[Link]:
    """Every service with each of its event types, then every event type that books none. `staff` as linked by now."""
    stored = {number: (service, whose) for service in services for whose, number in _event_types_of(service).items()}
    by_id = {kind.id: kind for kind in event_types}
    links = [_stored_link(service, whose, number, by_id, staff) for number, (service, whose) in stored.items()]
    found: dict[tuple[str, str], list[CalComEventType]] = {}
    unused = []
    for kind in event_types:
        if kind.id in stored:
            continue
        places = list(dict.fromkeys(_places(kind, services, staff)))
        for place in places:
            found.setdefault(place, []).append(kind)
        if not places:
            unused.append(Link(kind="service", state="unused", there=_shown(kind), calcom_id=kind.id))
    services_by_id = {service.id: service for service in services}
    for (service_id, whose), kinds in found.items():
        links.append(_found_link(services_by_id[service_id], whose, kinds, found, staff))
    return links + _missing(services, staff, links) + unused


def _missing(services: Sequence[Service], staff: Sequence[Staff], links: Sequence[Link]) -> list[Link]:
    """Who does a service that Cal.com could not book with them."""
    covered = {(link.record, link.whose) for link in links}
    return [
        _of_service(service, member.id, staff, "unmatched")
        for service in services
        for member in staff
        if service.id in member.service_ids and not covered & {(service.id, member.id), (service.id, ANYONE)}
    ]


def _stored_link(
    service: Service, whose: str, number: int, by_id: "dict[int, CalComEventType]", staff: Sequence[Staff]
) -> Link:
    kind = by_id.get(number)
    right = kind is not None and kind.length_min == service.duration_min
    state: State = "gone" if kind is None else "linked" if right else "differs"
    there = _shown(kind) if kind else f"event type {number}"
    return _of_service(service, whose, staff, state, there=there, calcom_id=number)


def _found_link(
    service: Service,
    whose: str,
    kinds: "list[CalComEventType]",
    found: "dict[tuple[str, str], list[CalComEventType]]",
    staff: Sequence[Staff],
) -> Link:
    elsewhere = any(kind in others for kind in kinds for place, others in found.items() if place != (service.id, whose))
    if len(kinds) == 1 and not elsewhere and whose not in _event_types_of(service):
        return _of_service(service, whose, staff, "new", there=_shown(kinds[0]), calcom_id=kinds[0].id)
    return _of_service(service, whose, staff, "ambiguous", there=", ".join(map(_shown, kinds)))


def _of_service(service: Service, whose: str, staff: Sequence[Staff], state: State, **found: Any) -> Link:
    name = next((member.name for member in staff if member.id == whose), "anyone")
    here = f"{service.name} ({service.duration_min} min), {name}"
    return Link(kind="service", state=state, record=service.id, whose=whose, here=here, **found)


def _places(kind: "CalComEventType", services: Sequence[Service], staff: Sequence[Staff]) -> Iterable[tuple[str, str]]:
    """What the event type could book: (service, whose), of the same name and length."""
    hosts = [member for member in staff if _user_of(member) in kind.hosts]
    for service in services:
        able = [member for member in hosts if service.id in member.service_ids]
        names = {word for member in able for word in _words(member.name)}
        alike = any(_is_named(text, service.name, names) for text in (kind.title, kind.slug))
        if alike and kind.length_min == service.duration_min:
            if len(kind.hosts) > 1:
                yield service.id, ANYONE
            elif able:
                yield service.id, able[0].id


def _is_named(text: str, service: str, hosts: set[str]) -> bool:
    """Whether a title or slug is the service's name, alone or with its host's."""
    words, name = _words(text), _words(service)
    return words[: len(name)] == name and set(words[len(name) :]) <= hosts


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _shown(kind: "CalComEventType") -> str:
    return f"{kind.slug} ({kind.length_min} min, id {kind.id})"
