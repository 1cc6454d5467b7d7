"""Linking a practice with a Cal.com account: comparing the two, and storing what was found."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import SERVICE, STAFF, Service, Staff
from chalicelib.booking.practice_admin import manage
from chalicelib.core.clock import Clock, now
from chalicelib.core.references import Reference, updated
from chalicelib.core.unit import UnitFactory
from chalicelib.integrations.calcom.match import Link, match_event_types, match_users
from chalicelib.integrations.calcom.translate import NAME

if TYPE_CHECKING:
    from chalicelib.vendors.calcom.account import Account

R = TypeVar("R", Service, Staff)


def compare(company_id: str, account: "Account") -> list[Link]:
    """What a practice and an account have in common, and what not: staff first, then services.

    Of the practice, what belongs to the branches that book through Cal.com.
    """
    branches, services, staff = practice_store.practice(company_id)
    through = {branch.id for branch in branches if branch.provider == NAME}
    concerned = [member for member in staff if through & set(member.hours)]
    of_staff = match_users(concerned, account.users())
    linked = _linked_staff(concerned, of_staff)
    done = {service_id for member in linked for service_id in member.service_ids}
    offered = [service for service in services if service.id in done]
    return of_staff + match_event_types(offered, linked, account.event_types())


def apply(company_id: str, links: Sequence[Link], new_unit: UnitFactory, clock: Clock = now) -> int:
    """Store what was newly found, a record at a time; returns how many links that were.

    Raises Conflict when another company has one, or when someone changed the record meanwhile. Doing it again goes on.
    """
    new = [link for link in links if link.state == "new"]
    if new:
        _, services, staff = practice_store.practice(company_id)
        changed_staff = [m for old, m in zip(staff, _linked_staff(staff, new), strict=True) if m != old]
        for member in changed_staff:
            manage.save(new_unit, replace(member, version=member.version + 1), clock)
        changed_services = [s for old, s in zip(services, _linked_services(services, new), strict=True) if s != old]
        for service in changed_services:
            manage.save(new_unit, replace(service, version=service.version + 1), clock)
    return len(new)


def _linked_staff(staff: Sequence[Staff], links: Sequence[Link]) -> list[Staff]:
    new = {link.record: link.calcom_id for link in links if link.kind == "staff" and link.state == "new"}
    return [_referring(one, [Reference(NAME, STAFF, str(new[one.id]))]) if one.id in new else one for one in staff]


def _linked_services(services: Sequence[Service], links: Sequence[Link]) -> list[Service]:
    linked = []
    for service in services:
        mine = [
            Reference(NAME, SERVICE, str(link.calcom_id), str(link.whose))
            for link in links
            if link.kind == "service" and link.record == service.id and link.calcom_id is not None
        ]
        linked.append(_referring(service, mine) if mine else service)
    return linked


def _referring(record: R, new: Sequence[Reference]) -> R:
    return replace(record, references=updated(record.references, new))
