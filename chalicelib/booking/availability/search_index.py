"""What a search for free times needs of a branch's schedule: services on its terms, who works there, hours as windows.

Hours are the engine's: a week of windows and the dates that differ, so that one index serves every window asked.
Names of people, their contacts and certificates are left out, and homes where the leg from home does not matter.
"""

from datetime import date

import msgspec
from msgspec.structs import replace

from chalicelib.booking.engine.hours import Hours
from chalicelib.booking.practice.geo import Point
from chalicelib.booking.practice.models import Gender, Service
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.errors import invalid


class Ability(msgspec.Struct, frozen=True):
    """A skill (in lower case) and the last date on which its certificate is valid."""

    name: str
    valid_until: date | None = None


class IndexedStaff(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff as a search sees them; `hours`: which of the hours of the index are theirs."""

    id: str
    home_branch_id: str
    hours: int
    service_ids: tuple[str, ...]
    abilities: tuple[Ability, ...] = ()
    languages: tuple[str, ...] = ()
    gender: Gender | None = None
    daily_maximum: int | None = None
    published: bool = True
    home: Point | None = None

    def can(self, skills: tuple[str, ...], on: date) -> bool:
        """Whether they have all these skills on that date."""
        held = {one.name for one in self.abilities if one.valid_until is None or one.valid_until >= on}
        return held.issuperset(skill.casefold() for skill in skills)

    def suits(self, gender: Gender | None, language: str | None, skill: str | None) -> bool:
        """Whether they are as asked for; None: whoever. A skill counts whatever its certificate."""
        return (
            (gender is None or self.gender == gender)
            and (language is None or language.casefold() in self.languages)
            and (not skill or any(one.name == skill.casefold() for one in self.abilities))
        )


class Room(msgspec.Struct, frozen=True):
    """A room or device; `kind` in lower case, `hours`: which of the hours of the index are its own."""

    id: str
    kind: str
    hours: int


class SearchIndex(msgspec.Struct, frozen=True, kw_only=True):
    """A branch as a search sees it. `version` is that of the schedule it was made from.

    Services carry the policy that holds for them here, with nothing left to resolve.
    """

    branch_id: str
    zone: str
    published: bool
    hours: tuple[Hours, ...]
    services: tuple[Service, ...]
    staff: tuple[IndexedStaff, ...]
    rooms: tuple[Room, ...]
    version: int
    place: Point | None = None

    def service(self, name_or_id: str) -> Service | None:
        """By id, or by name whatever its capitals; None when it is not offered here."""
        name = name_or_id.strip().casefold()
        return next((s for s in self.services if s.id == name_or_id or s.name.casefold() == name), None)

    def parts_of(self, package: Service) -> list[Service]:
        """The services that a package consists of, in order; raises Invalid when the branch no longer offers one."""
        return [self._part(part.service_id) for part in package.parts]

    def _part(self, service_id: str) -> Service:
        found = self.service(service_id)
        if found is None:
            sentence = f"A part of this package ({service_id}) is not offered here."
            raise invalid("query.service", "part_not_offered", sentence)
        return found

    def rooms_of(self, kind: str) -> list[Room]:
        """The rooms and devices of a kind, in a stable order."""
        return [room for room in self.rooms if room.kind == kind.casefold()]


def compile_search(schedule: Schedule) -> SearchIndex:
    """The schedule as a search sees it."""
    numbers: dict[Hours, int] = {}

    def number(hours: Hours) -> int:
        return numbers.setdefault(hours, len(numbers))

    from_home = _from_home(schedule)
    staff = tuple(
        IndexedStaff(
            id=member.id,
            home_branch_id=member.home_branch_id,
            hours=number(schedule.hours_of(member)),
            service_ids=member.service_ids,
            abilities=tuple(Ability(skill.name.casefold(), skill.valid_until) for skill in member.skills),
            languages=tuple(language.casefold() for language in member.languages),
            gender=member.gender,
            daily_maximum=member.daily_maximum,
            published=member.published,
            home=member.home.point() if member.home and member.id in from_home else None,
        )
        for member in schedule.staff
    )
    rooms = sorted(schedule.resources, key=lambda one: one.id)
    return SearchIndex(
        branch_id=schedule.branch.id,
        zone=schedule.branch.zone,
        published=schedule.branch.published,
        services=tuple(
            replace(service, policy=schedule.policy(service), references=(), description="")
            for service in schedule.services
        ),
        staff=staff,
        rooms=tuple(Room(r.id, r.kind.casefold(), number(schedule.hours_of_resource(r))) for r in rooms),
        hours=tuple(numbers),
        version=schedule.version,
        place=schedule.branch.point,
    )


def _from_home(schedule: Schedule) -> set[str]:
    """Ids of the staff whose leg from home counts for a service that they do."""
    counts = {s.id for s in schedule.services if s.mobile and (t := schedule.policy(s).travel) and t.within_hours}
    return {member.id for member in schedule.staff if counts.intersection(member.service_ids)}
