"""Deciding about a package: what the rules say of it and of its parts, and who does each part where."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from chalicelib.booking.allocation.assignment import candidate, ranked
from chalicelib.booking.allocation.choose import PartPlacement
from chalicelib.booking.alternatives.package_search import is_offered
from chalicelib.booking.alternatives.package_solver import PackageProblem, parts_of, taken_of
from chalicelib.booking.alternatives.refusal import NotBookable, RefusedRequest, SlotTaken
from chalicelib.booking.appointments.external import find_provider
from chalicelib.booking.creation.context import BookingContext
from chalicelib.booking.creation.decided import OFF_THE_GRID, Decided, judged
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules.facts import RuleFacts
from chalicelib.booking.rules.limits import LimitQuery
from chalicelib.booking.rules.rules import Failure, RuleInput
from chalicelib.booking.rules.verdict import Verdict
from chalicelib.core.errors import invalid

PARTS_DO_NOT_FIT = Failure("staff_availability", "parts_do_not_fit", "Its parts do not fit into working hours then.")


class PackageStaff(msgspec.Struct, frozen=True):
    """Whoever does one of a package's parts, and the id of whom was asked for, to take for all that they do."""

    staff: list[Staff]
    only: str | None

    @property
    def that_matter(self) -> list[Staff]:
        """Those who matter to the rules."""
        return [member for member in self.staff if member.id == self.only] or self.staff


def decide_package(context: BookingContext, package: Service) -> Decided:
    """Who does each part, when and where; what it raises, as for `decide`.

    The rules are asked about the package, as one booking of its service, and whether its parts fit into working hours.
    """
    if context.hold:
        context = replace(context, request=replace(context.request, length_min=None))
    request, schedule, branch = context.request, context.schedule, context.branch
    _check(context, package)
    people = staff_for(schedule, package, request.staff, path=request.path, published=request.visitor)
    query = LimitQuery(schedule, package, people.staff, context.customer_id, context.day)
    facts = rule_facts.read(query, request.contact, branch.rows)
    rule_input = rule_input_of(query, people, facts, request.starts_at, context.now)
    consulted = facts.consulted or not request.names_customer
    verdict = judged(context, replace(rule_input, consulted=consulted, paid_minor=request.deposit_minor))
    able = _ranked(context, verdict, verdict.with_room(people.staff, facts))
    problem = PackageProblem(
        schedule=schedule,
        package=package,
        taken=taken_of(branch, [context.hold.reference] if context.hold else ()),
        starts_at=request.starts_at,
        now=context.now,
        only=people.only,
        keep=_held(context, package),
    )
    verdict, parts = placed(problem, verdict, people.staff, able, context.refused(package))
    only_offered = request.visitor and context.hold is None
    if only_offered and not is_offered(branch, package, request.starts_at, context.now, people.only):
        raise NotBookable(context.refused(package), (OFF_THE_GRID,))
    return Decided(service=package, verdict=verdict, day=context.day, parts=parts)


def placed(
    problem: PackageProblem, verdict: Verdict, staff: Sequence[Staff], able: Sequence[Staff], refused: RefusedRequest
) -> tuple[Verdict, tuple[PartPlacement, ...]]:
    """Where the parts go, done by those `able` of the `staff`; to what fails comes whether the parts fit at all.

    Raises NotBookable with all that fail and are not overridden, SlotTaken.
    """
    parts = None
    if "staff_availability" not in {*verdict.policy.off, *(failure.rule for failure in verdict.failed)}:
        parts = problem.solve(able)
        # Where the first part stands, the others may still have nobody, or the branch close over them.
        if parts is None and problem.solve(staff, as_if_free=True) is None:
            verdict = replace(verdict, failed=(*verdict.failed, PARTS_DO_NOT_FIT))
    if verdict.refused:
        raise NotBookable(refused, verdict.refused)
    if parts is None and verdict.any_hours:
        parts = problem.solve(able, any_hours=True)
    if parts is None:
        raise SlotTaken(refused)
    return verdict, parts


def staff_for(
    schedule: Schedule, package: Service, staff: str | None, *, path: str, published: bool = False
) -> PackageStaff:
    """Whoever does one of the parts, and who of them is asked for (`staff`: id or name).

    `published`: only whom visitors may see. `path` is where `staff` and `service` stand in the request; raises Invalid
    about them.
    """
    parts = {part.id for part in parts_of(schedule, package, f"{path}.service")}
    doing = [member for member in schedule.staff if parts.intersection(member.service_ids)]
    people = [member for member in doing if member.published or not published]
    if staff is None:
        return PackageStaff(people, None)
    called = next((one for one in people if one.is_called(staff)), None)
    if called is None:
        raise invalid(f"{path}.staff", "unknown_staff", f"{staff!r} does no part of {package.name} here.")
    return PackageStaff(people, called.id)


def rule_input_of(
    query: LimitQuery, people: PackageStaff, facts: RuleFacts, starts_at: datetime, now: datetime
) -> RuleInput:
    """The package as the rules see it: one booking of its service, which begins with its first part."""
    schedule, package = query.schedule, query.service
    first = parts_of(schedule, package, "service")[0]
    able = [member for member in people.staff if first.id in member.service_ids]
    return RuleInput(
        now=now,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=first.duration_min),
        schedule=schedule,
        service=replace(package, skills=first.skills),
        policy=schedule.policy(package),
        staff=[member for member in able if member.id == people.only] or able,
        usages=facts.that_matter(people.that_matter),
        blocked=facts.blocked,
        consulted=facts.consulted,
    )


def _check(context: BookingContext, package: Service) -> None:
    request, branch = context.request, context.schedule.branch
    if branch.provider:
        provider = find_provider(branch.provider)
        detail = f"{branch.name} books through {provider.title}, where a package cannot be booked as one."
        raise invalid(f"{request.path}.service", provider.named("package_not_at_{}"), detail)
    if request.length_min not in (None, package.duration_min):
        raise invalid(f"{request.path}.length_min", "length_not_offered", "A package is as long as its parts.")


def _held(context: BookingContext, package: Service) -> list[tuple[str, ...]]:
    # Unless the package was changed since: then its time is the visitor's, and who and where is found anew.
    if context.hold is None or len(context.hold.parts) != len(package.parts):
        return []
    return [(str(part.staff_id), *part.resource_ids) for part in context.hold.parts]


def _ranked(context: BookingContext, verdict: Verdict, staff: Sequence[Staff]) -> list[Staff]:
    clock, how = context.schedule.branch.clock(), verdict.policy.assignment or "least_loaded"
    candidates = [
        candidate(member, calendar.entries(), context.day, clock)
        for member in staff
        if (calendar := context.branch.calendar(member.id)) is not None
    ]
    return [one.member for one in ranked(candidates, context.day, how, context.request.prefer)]
