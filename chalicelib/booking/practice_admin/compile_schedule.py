"""Compiling what a branch offers into the one document that bookings read."""

from collections.abc import Sequence
from datetime import date

import msgspec

from chalicelib.booking.practice.models import Branch, HolidayCalendar, Offer, Resource, Service, Staff
from chalicelib.booking.practice.schedule import Schedule

YEARS_AHEAD = 3
"""Public holidays are compiled for this year and the ones after it in which anything could be booked."""


def compile_schedule(
    branch: Branch, services: Sequence[Service], staff: Sequence[Staff], resources: Sequence[Resource], today: date
) -> Schedule:
    """What the branch offers, as version 1: who works there, the services that one of them does, on its own terms."""
    here = tuple(sorted((m for m in staff if branch.id in m.hours and not m.deleted_at), key=lambda member: member.id))
    done = {service_id for member in here for service_id in member.service_ids}
    packages = {s.id for s in services if s.parts and all(part.service_id in done for part in s.parts)}
    offered = (_on_its_terms(s, branch.offers.get(s.id, Offer())) for s in services if s.id in done | packages)
    return Schedule(
        branch=branch,
        services=with_lengths([service for service in offered if service is not None]),
        staff=here,
        resources=tuple(r for r in resources if r.branch_id == branch.id and not r.deleted_at),
        closed=public_holidays(branch.holidays, today),
    )


def recompiled(schedule: Schedule, services: Sequence[Service], today: date) -> Schedule:
    """The next version of a schedule whose branch, staff or resources were changed, or whose services are these now."""
    new = compile_schedule(schedule.branch, services, schedule.staff, schedule.resources, today)
    return msgspec.structs.replace(new, version=schedule.version + 1)


def _on_its_terms(service: Service, offer: Offer) -> Service | None:
    if service.deleted_at or not offer.offered:
        return None
    return msgspec.structs.replace(
        service,
        duration_min=offer.duration_min or service.duration_min,
        price_minor=service.price_minor if offer.price_minor is None else offer.price_minor,
    )


def with_lengths(offered: Sequence[Service]) -> tuple[Service, ...]:
    """The services, each package as long as its parts are, without the waits between them."""
    lengths = {service.id: service.duration_min for service in offered}
    return tuple(
        msgspec.structs.replace(s, duration_min=sum(lengths.get(part.service_id, 0) for part in s.parts) or 1)
        if s.parts
        else s
        for s in offered
    )


def public_holidays(calendar: HolidayCalendar | None, today: date) -> tuple[date, ...]:
    """The public holidays of a country or region, from this year on, in order; () for none or an unknown country."""
    if calendar is None:
        return ()
    from holidays import country_holidays

    years = range(today.year, today.year + YEARS_AHEAD)
    return tuple(sorted(country_holidays(calendar.country, subdiv=calendar.region, years=years)))


def knows_holidays(calendar: HolidayCalendar) -> bool:
    """Whether there is such a country and region."""
    from holidays import list_supported_countries

    regions = list_supported_countries().get(calendar.country)
    return regions is not None and (calendar.region is None or calendar.region in regions)
