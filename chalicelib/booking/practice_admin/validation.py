"""What a branch, service, member of staff or resource must satisfy before it is saved; every fault is named at once."""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from chalicelib.booking.appointments.external import find_provider, provider_names
from chalicelib.booking.appointments.package import LONGEST_MIN, MOST_CALENDARS, MOST_PARTS
from chalicelib.booking.practice.hours import Window, check_closures, check_days, check_windows, check_zone
from chalicelib.booking.practice.models import Branch, Offer, Part, Resource, Service, Staff
from chalicelib.booking.practice.phone import check_quiet_hours, check_routing
from chalicelib.booking.practice.policy import MAXIMUM_ADVANCE_DAYS, Limits, Policy, resolved
from chalicelib.core.errors import Fault, Invalid


def branch_faults(branch: Branch, service_ids: Container[str], path: str) -> Iterator[Fault]:
    """Zone, hours, dates, holidays, rules and offers of a branch. `service_ids`: all there are, also deleted ones."""
    yield from _caught(lambda: check_zone(branch.zone, f"{path}.zone"))
    yield from _caught(lambda: check_windows(branch.hours, f"{path}.hours"))
    yield from _caught(lambda: check_days(branch.exceptions, f"{path}.exceptions"))
    yield from _caught(lambda: check_closures(branch.closures, f"{path}.closures"))
    yield from _caught(lambda: check_routing(branch.call_routing, f"{path}.call_routing"))
    yield from _caught(lambda: check_quiet_hours(branch.quiet_hours, branch.country, f"{path}.quiet_hours"))
    yield from policy_faults(branch.policy, f"{path}.policy", (branch.policy,))
    if branch.provider and branch.provider not in provider_names():
        yield Fault(f"{path}.books_through", "unknown_provider", f"Nothing here books through {branch.provider!r}.")
    for service_id, offer in branch.offers.items():
        if service_id not in service_ids:
            yield Fault(f"{path}.offers.{service_id}", "unknown_service", f"There is no service {service_id}.")
        yield from policy_faults(offer.policy, f"{path}.offers.{service_id}.policy")
    if branch.holidays:
        from chalicelib.booking.practice_admin.compile_schedule import knows_holidays

        if not knows_holidays(branch.holidays):
            yield Fault(
                f"{path}.holidays", "unknown_holidays", "No public holidays are known for this country and region."
            )


def staff_faults(member: Staff, branch_ids: Iterable[str], services: Sequence[Service], path: str) -> Iterator[Fault]:
    """Hours by branch, and services that exist. `branch_ids`: the branches there are."""
    known = set(branch_ids)
    for name, by_branch in (("hours", member.hours), ("breaks", member.breaks)):
        for branch_id, windows in by_branch.items():
            yield from _caught(lambda w=windows, n=name, b=branch_id: check_windows(w, f"{path}.{n}.{b}"))  # type: ignore[misc]
    for branch_id, days in member.exceptions.items():
        yield from _caught(lambda d=days, b=branch_id: check_days(d, f"{path}.exceptions.{b}"))  # type: ignore[misc]
    named = {"home_branch_id": {member.home_branch_id}, "hours": set(member.hours)}
    named |= {"breaks": set(member.breaks), "exceptions": set(member.exceptions)}
    for where, ids in named.items():
        for branch_id in sorted(ids - known):
            yield Fault(f"{path}.{where}", "unknown_branch", f"There is no branch {branch_id}.")
    for service_id in sorted(set(member.service_ids) - {service.id for service in services}):
        yield Fault(f"{path}.service_ids", "unknown_service", f"Nobody offers {service_id}.")


def resource_faults(resource: Resource, path: str) -> Iterator[Fault]:
    """The hours of a room or device."""
    if resource.hours is not None:
        hours: tuple[Window, ...] = resource.hours
        yield from _caught(lambda: check_windows(hours, f"{path}.hours"))


def service_faults(
    service: Service, others: Sequence[Service], staff: Sequence[Staff], branches: Sequence[Branch], path: str
) -> Iterator[Fault]:
    """Lengths, seats, package, skills and rules. `branches`: those there are, with their hours and rules."""
    by_id = {other.id: other for other in others if other.id != service.id}
    if service.category == "flexible" and (service.longest_min or 0) < service.duration_min:
        yield Fault(f"{path}.longest_min", "shorter_than_shortest", "The longest length is at least `duration_min`.")
    if service.category != "flexible" and service.longest_min is not None:
        yield Fault(f"{path}.longest_min", "not_flexible", "Only a flexible service has a longest length.")
    if service.least_seats > service.seats:
        yield Fault(f"{path}.least_seats", "more_than_seats", "The minimum does not exceed `seats`.")
    yield from group_faults(service, path)
    if service.slot_offset_min >= service.slot_interval_min:
        yield Fault(f"{path}.slot_offset_min", "not_within_interval", "The offset is shorter than the interval.")
    yield from _consultation_faults(service, by_id, path)
    yield from _package_faults(service, by_id, longest_opening(branches), path)
    yield from _part_of_faults(service, by_id.values(), path)
    held = {skill.name.casefold() for member in staff for skill in member.skills}
    for number, skill in enumerate(service.skills):
        if skill.casefold() not in held:
            yield Fault(
                f"{path}.skills[{number}]", "skill_nobody_has", f"Nobody has the skill {skill!r}; give it first."
            )
    offers = [(branch, branch.offers.get(service.id, Offer())) for branch in branches]
    terms = [resolved(offer.policy, service.policy, branch.policy) for branch, offer in offers if offer.offered]
    yield from policy_faults(service.policy, f"{path}.policy", terms)


def _consultation_faults(service: Service, by_id: dict[str, Service], path: str) -> Iterator[Fault]:
    if service.consultation_id is not None and service.consultation_id not in by_id:
        yield Fault(f"{path}.consultation_id", "unknown_service", f"There is no service {service.consultation_id}.")
    before, seen = service.consultation_id, set[str]()
    while before is not None and before in by_id and before not in seen:
        seen.add(before)
        before = by_id[before].consultation_id
    if before == service.id and seen:
        sentence = f"Nobody could begin: {by_id[str(service.consultation_id)].name} is for who has had this one."
        yield Fault(f"{path}.consultation_id", "contradiction", sentence)


def _package_faults(service: Service, by_id: dict[str, Service], longest: int, path: str) -> Iterator[Fault]:
    if service.category == "package" and not service.parts:
        yield Fault(f"{path}.parts", "required", "A package has parts.")
    if service.category != "package" and service.parts:
        yield Fault(f"{path}.parts", "not_a_package", "Only a package has parts.")
    for number, part in enumerate(service.parts):
        fault = _part_fault(part, by_id)
        if fault:
            yield Fault(f"{path}.parts[{number}].service_id", *fault)
    yield from _size_faults(service, [by_id[p.service_id] for p in service.parts if p.service_id in by_id], path)
    length = sum(by_id[part.service_id].duration_min for part in service.parts if part.service_id in by_id)
    if service.parts and length > longest:
        sentence = f"Its parts take {length} minutes; no branch is open for longer than {longest} at a stretch."
        yield Fault(f"{path}.parts", "never_fits", sentence)


def group_faults(service: Service, path: str) -> Iterator[Fault]:
    """What a service with several seats cannot be as well."""
    if service.seats == 1:
        return
    if service.category in ("package", "recurring"):
        yield Fault(f"{path}.seats", "no_groups_here", f"A {service.category} service has one seat.")
    if service.channel == "text":
        yield Fault(f"{path}.seats", "no_groups_here", "A text appointment is for one customer.")
    if service.mobile:
        yield Fault(f"{path}.seats", "no_groups_here", "What is done at the customer's place is for one customer.")
    # What refers to a vendor that this installation has no more is no fault.
    for name in sorted({each.connection for each in service.references}.intersection(provider_names())):
        provider = find_provider(name)
        sentence = f"Groups are not booked through {provider.title}."
        yield Fault(f"{path}.{provider.service_field}", provider.named("no_groups_at_{}"), sentence)


def _part_of_faults(service: Service, others: Iterable[Service], path: str) -> Iterator[Fault]:
    standing = [one for one in others if not one.deleted_at]
    packages = [one.name for one in standing if any(part.service_id == service.id for part in one.parts)]
    if packages and _stands_alone(service):
        where = "mobile" if service.mobile else "seats"
        sentence = f"It is a part of {packages[0]}: take it out of there first."
        yield Fault(f"{path}.{where}", "part_of_package", sentence)


def _size_faults(package: Service, parts: Sequence[Service], path: str) -> Iterator[Fault]:
    """A package is booked in one transaction, around the one day that a booking reads."""
    if len(package.parts) > MOST_PARTS:
        yield Fault(f"{path}.parts", "too_many", f"A package has at most {MOST_PARTS} parts.")
    if sum(1 + len(part.resources) for part in parts) > MOST_CALENDARS:
        sentence = f"Its parts take more than {MOST_CALENDARS} staff, rooms and devices together."
        yield Fault(f"{path}.parts", "too_many_resources", sentence)
    waits = sum(part.gap_min for part in package.parts[1:])
    if parts and sum(part.duration_min for part in parts) + waits > LONGEST_MIN:
        yield Fault(f"{path}.parts", "too_long", "Its parts, with the longest waits between them, exceed a day.")


def _part_fault(part: Part, by_id: dict[str, Service]) -> tuple[str, str] | None:
    other = by_id.get(part.service_id)
    if other is None:
        return "unknown_service", f"There is no service {part.service_id}."
    if other.category == "package":
        return "nested_package", "A package consists of services, not of packages."
    if _stands_alone(other):
        return "stands_alone", f"{other.name} takes groups, or is done at the customer's: it is booked by itself."
    return None


def _stands_alone(service: Service) -> bool:
    return service.mobile or service.seats > 1


def policy_faults(policy: Policy, path: str, together: Sequence[Policy] = ()) -> Iterator[Fault]:
    """Rules that contradict each other. `together`: the rules they make with what others settle; one must do."""
    settles = policy.minimum_notice_min is not None or policy.maximum_advance_days is not None
    if _never(policy) or (settles and together and all(_never(resolved(each)) for each in together)):
        usual = f"{MAXIMUM_ADVANCE_DAYS} days unless set"
        sentence = f"Nothing could be booked: the minimum notice is not shorter than the maximum advance ({usual})."
        yield Fault(f"{path}.minimum_notice_min", "contradiction", sentence)
    for name in ("service_limits", "staff_limits", "customer_limits"):
        limits: Limits | None = getattr(policy, name)
        yield from _limit_faults(limits, f"{path}.{name}") if limits else ()
    advance = policy.maximum_advance_days
    if policy.group and advance is not None and policy.group.deadline_min >= advance * 1440:
        sentence = "No group could be opened: its deadline is not shorter than the maximum advance."
        yield Fault(f"{path}.group.deadline_min", "contradiction", sentence)
    if policy.cancellation and policy.cancellation.fee_minor and policy.cancellation.fee_percent:
        yield Fault(f"{path}.cancellation", "contradiction", "Give a fee or a share of the price, not both.")


def _never(policy: Policy) -> bool:
    """Whether what is far enough ahead is too far ahead."""
    notice, advance = policy.minimum_notice_min, policy.maximum_advance_days
    if notice is None or advance is None or {"minimum_notice", "maximum_advance"} & set(policy.off):
        return False
    return notice >= advance * 1440


def _limit_faults(limits: Limits, path: str) -> Iterator[Fault]:
    ordered = [("per_day", limits.per_day), ("per_week", limits.per_week), ("per_month", limits.per_month)]
    given = [(name, most) for name, most in ordered if most is not None]
    for (short, few), (long, many) in pairwise(given):
        if few > many:
            yield Fault(f"{path}.{short}", "contradiction", f"More than {long} allows.")


def longest_opening(branches: Iterable[Branch]) -> int:
    """The longest stretch any branch is open on a usual day, in minutes; adjoining windows count as one."""
    longest = 0
    for branch in branches:
        reach: tuple[int, int] = (0, 0)
        for window in sorted(branch.hours, key=lambda w: (w.day, w.start)):
            start, end = window.day * 1440 + window.start, window.day * 1440 + window.end
            reach = (reach[0], max(reach[1], end)) if start <= reach[1] and reach[1] else (start, end)
            longest = max(longest, reach[1] - reach[0])
    return longest


def _caught(check: Callable[[], Any]) -> tuple[Fault, ...]:
    try:
        check()
    except Invalid as error:
        return error.faults
    return ()
