"""What a search for free times needs of a branch's schedule: services on its terms, who works there, hours as windows.

Hours are the engine's: a week of windows and the dates that differ, so that one compilation serves every window asked.
Names of people, their contacts and certificates are left out, and homes where the way from home does not matter.
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
    """A member of staff as a search sees him; `hours`: which of the compiled hours are his."""

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
        """Whether he has all these skills (in lower case) on that date."""
        held = {one.name for one in self.abilities if one.valid_until is None or one.valid_until >= on}
        return held.issuperset(skills)


class Room(msgspec.Struct, frozen=True):
    """A room or device; `kind` in lower case, `hours`: which of the compiled hours are its own."""

    id: str
    kind: str
    hours: int


class SearchIndex(msgspec.Struct, frozen=True, kw_only=True):
    """A branch as a search sees it. `version` is that of the schedule it was compiled from.

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

    def service(self, wanted: str) -> Service | None:
        """By id, or by name whatever its capitals; None when it is not offered here."""
        name = wanted.strip().casefold()
        return next((s for s in self.services if s.id == wanted or s.name.casefold() == name), None)

    def part(self, service_id: str, path: str) -> Service:
        """A service that a package consists of; raises Invalid when the branch no longer offers it."""
        found = self.service(service_id)
        if found is None:
            raise invalid(path, "part_not_offered", f"A part of this package ({service_id}) is not offered here.")
        return found

    def rooms_of(self, kind: str) -> list[Room]:
        """The rooms and devices of a kind, in a stable order."""
        return [room for room in self.rooms if room.kind == kind.casefold()]


def compile_search(schedule: Schedule) -> SearchIndex:
    """The schedule as a search sees it."""
    places: dict[Hours, int] = {}

    def place(hours: Hours) -> int:
        return places.setdefault(hours, len(places))

    from_home = _from_home(schedule)
    staff = tuple(
        IndexedStaff(
            id=member.id,
            home_branch_id=member.home_branch_id,
            hours=place(schedule.hours_of(member)),
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
            replace(service, policy=schedule.policy(service), calcom_event_types={}, description="")
            for service in schedule.services
        ),
        staff=staff,
        rooms=tuple(Room(r.id, r.kind.casefold(), place(schedule.hours_of_resource(r))) for r in rooms),
        hours=tuple(places),
        version=schedule.version,
        place=schedule.branch.place.point() if schedule.branch.place else None,
    )


def _from_home(schedule: Schedule) -> set[str]:
    """Ids of the staff whose way from home counts for a service that they do."""
    counts = {s.id for s in schedule.services if s.mobile and (t := schedule.policy(s).travel) and t.within_hours}
    return {member.id for member in schedule.staff if counts.intersection(member.service_ids)}
