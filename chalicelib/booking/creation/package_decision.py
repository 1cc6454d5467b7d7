"""Deciding about a package: what the rules say of it and of its parts, and who does each part where."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from chalicelib.booking.allocation.assignment import candidate, ranked
from chalicelib.booking.allocation.context import BookingContext
from chalicelib.booking.alternatives.package_solver import Taking, parts_of, solve, taken_of
from chalicelib.booking.alternatives.refusal import RefusedRequest, not_bookable, slot_taken
from chalicelib.booking.appointments.hold import Hold
from chalicelib.booking.creation.decision import OFF_THE_GRID, Asked, sought_of, waits_for_deposit
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import Policy, RuleName
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules import limits, rules
from chalicelib.booking.rules.facts import RuleFacts
from chalicelib.booking.rules.limits import Counter
from chalicelib.booking.rules.rules import Failure, RuleInput
from chalicelib.core.errors import invalid
from chalicelib.core.tables import Key
from chalicelib.crm.customer import Contact

PARTS_DO_NOT_FIT = Failure("staff_availability", "parts_do_not_fit", "Its parts do not fit into working hours then.")


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """The package can be booked so, part by part. `overridden`: rules that would have refused it.

    `awaits_deposit`: it stands once the deposit is paid.
    """

    package: Service
    policy: Policy
    parts: tuple[Taking, ...]
    day: date
    overridden: tuple[RuleName, ...]
    unlimited: bool
    awaits_deposit: bool = False

    def counters(self, schedule: Schedule, customer_id: str | None) -> list[Counter]:
        """What it counts to: as one booking, of its service and of everyone who takes part."""
        return limits.counters(schedule, self.package, team(self.parts), customer_id, self.day)


def team(parts: Sequence[Taking]) -> list[Staff]:
    """Everyone who takes part, each once."""
    return list({part.staff.id: part.staff for part in parts}.values())


def decide_package(
    company_id: str,
    asked: Asked,
    package: Service,
    found: BookingContext,
    rows: dict[Key, Any],
    customer_id: str | None,
    contact: Contact,
    now: datetime,
    hold: Hold | None = None,
    *,
    somebody: bool = True,
) -> Placement:
    """Who does each part, when and where. `rows`, `hold`, `somebody`, and what it raises: as for `deciding.decide`.

    The rules are asked about the package, as one booking of its service, and whether its parts fit into working hours.
    """
    schedule = found.schedule
    _check(schedule, asked, package)
    workers, only = workers_for(schedule, package, asked)
    policy = schedule.policy(package)
    day = asked.starts_at.astimezone(schedule.branch.clock()).date()
    seen = rule_facts.found(company_id, schedule, package, workers, customer_id, contact, day, rows)
    attempt = attempt_of(schedule, asked, package, workers, only, seen, now, somebody=somebody)
    failed = rules.failures(attempt)
    waived = {*policy.off, *(failure.rule for failure in failed if failure.rule in asked.override)}
    able = _ranked(found, workers if "limits" in waived else seen.with_room(workers), asked, policy, day)
    taken, keep = taken_of(found, [hold.reference] if hold else ()), _held(hold, package)

    def place(members: Sequence[Staff], *, empty: bool = False, any_hours: bool = False) -> list[Taking] | None:
        days, at = {} if empty else taken, asked.starts_at
        return solve(schedule, package, members, days, at, now, only=only, any_hours=any_hours, keep=keep)

    sought = sought_of(company_id, asked, package, customer_id, now)
    awaits_deposit = waits_for_deposit(attempt, asked, failed)
    excused = (*asked.override, "deposit") if awaits_deposit else asked.override
    parts = placed(place, able, workers, failed, policy, sought, excused)
    if asked.visitor and hold is None and not _is_offered(found, package, asked, only, now):
        raise not_bookable(sought, [OFF_THE_GRID])
    overridden = tuple(failure.rule for failure in failed if failure.rule in asked.override)
    return Placement(
        package=package,
        policy=policy,
        parts=tuple(parts),
        day=day,
        overridden=overridden,
        unlimited=bool({"limits", "daily_maximum"} & set(overridden)),
        awaits_deposit=awaits_deposit,
    )


def _is_offered(found: BookingContext, package: Service, asked: Asked, only: str | None, now: datetime) -> bool:
    from chalicelib.booking.alternatives.package_search import offers

    return offers(found, package, asked.starts_at, now, only)


class PartPlacement(Protocol):
    """Solves the package with these members of staff; `empty`: as if nothing were taken."""

    def __call__(
        self, members: Sequence[Staff], *, empty: bool = False, any_hours: bool = False
    ) -> list[Taking] | None:
        """Its parts, or None."""


def placed(
    place: PartPlacement,
    able: Sequence[Staff],
    workers: Sequence[Staff],
    failed: list[Failure],
    policy: Policy,
    sought: RefusedRequest,
    excused: Sequence[RuleName],
) -> list[Taking]:
    """Where the parts go, of rules that `failed` all being `excused`; to these comes whether its parts fit at all.

    Raises Conflict `not_bookable` with all that fail, `slot_taken`.
    """
    parts = None
    if "staff_availability" not in {*policy.off, *(failure.rule for failure in failed)}:
        parts = place(able)
        # Where the first part stands, the others may still have nobody, or the branch close over them.
        if parts is None and place(workers, empty=True) is None:
            failed.append(PARTS_DO_NOT_FIT)
    refused = [failure for failure in failed if failure.rule not in excused]
    if refused:
        raise not_bookable(sought, refused)
    waived = {*policy.off, *(failure.rule for failure in failed)}
    if parts is None and "staff_availability" in waived:
        parts = place(able, any_hours=True)
    if parts is None:
        raise slot_taken(sought)
    return parts


def workers_for(schedule: Schedule, package: Service, asked: Asked) -> tuple[list[Staff], str | None]:
    """Whoever does one of the parts, and the id of whom is wished for; raises Invalid about `staff`, `service`."""
    parts = {part.id for part in parts_of(schedule, package, f"{asked.path}.service")}
    doing = [member for member in schedule.staff if parts.intersection(member.service_ids)]
    workers = [member for member in doing if member.published or not asked.visitor]
    if asked.staff is None:
        return workers, None
    name = asked.staff.strip().casefold()
    wished = next((m for m in workers if m.id == asked.staff or m.name.casefold() == name), None)
    if wished is None:
        raise invalid(f"{asked.path}.staff", "unknown_staff", f"{asked.staff!r} does no part of {package.name} here.")
    return workers, wished.id


def _check(schedule: Schedule, asked: Asked, package: Service) -> None:
    if schedule.branch.books_through == "calcom":
        detail = f"{schedule.branch.name} books through Cal.com, where a package cannot be booked as one."
        raise invalid(f"{asked.path}.service", "package_not_at_calcom", detail)
    if asked.length_min not in (None, package.duration_min):
        raise invalid(f"{asked.path}.length_min", "length_not_offered", "A package is as long as its parts.")


def attempt_of(
    schedule: Schedule,
    asked: Asked,
    package: Service,
    workers: Sequence[Staff],
    only: str | None,
    seen: RuleFacts,
    now: datetime,
    *,
    somebody: bool = True,
) -> RuleInput:
    """The package as the rules see it: one booking of its service, which begins with its first part."""
    first = parts_of(schedule, package, f"{asked.path}.service")[0]
    able = [member for member in workers if first.id in member.service_ids]
    return RuleInput(
        now=now,
        starts_at=asked.starts_at,
        ends_at=asked.starts_at + timedelta(minutes=first.duration_min),
        schedule=schedule,
        service=replace(package, skills=first.skills),
        policy=schedule.policy(package),
        staff=[member for member in able if member.id == only] or able,
        tallies=seen.that_matter([member for member in workers if member.id == only] or workers),
        blocked=seen.blocked,
        consulted=seen.consulted or not somebody,
        paid_minor=asked.paid_minor,
    )


def _held(hold: Hold | None, package: Service) -> list[tuple[str, ...]]:
    # Unless the package was changed since: then its time is the visitor's, and who and where is found anew.
    if hold is None or len(hold.parts) != len(package.parts):
        return []
    return [(part.staff_id, *part.resource_ids) for part in hold.parts]


def _ranked(found: BookingContext, workers: Sequence[Staff], asked: Asked, policy: Policy, day: date) -> list[Staff]:
    clock = found.schedule.branch.clock()
    candidates = [
        candidate(member, calendar.entries(), day, clock)
        for member in workers
        if (calendar := found.calendar(member.id)) is not None
    ]
    how = policy.assignment or "least_loaded"
    return [one.member for one in ranked(candidates, day, how, asked.prefer)]
