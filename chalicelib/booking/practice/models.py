"""What a practice consists of: branches, services, staff and the rooms and devices that services need."""

from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.engine.starts import Alignment
from chalicelib.booking.practice.geo import Point, point
from chalicelib.booking.practice.hours import Closure, DayHours, Window
from chalicelib.booking.practice.phone import CallRouting, QuietHours
from chalicelib.booking.practice.policy import Policy
from chalicelib.core.money import Currency, Minor
from chalicelib.core.payloads import Text
from chalicelib.core.references import Reference, id_of

Channel = Literal["in_person", "text", "video", "phone"]
"""How the two meet. A `text` appointment is a metered chat."""
PHONE = "phone"
"""The kind of directory key under which a called number leads to its branch."""
PUBLIC_BRANCH = "branch"
"""The kind of directory key under which visitors' requests, which name only a branch, find its company."""
SERVICE, STAFF = "service", "staff"
"""Kinds of references: what a provider books as a service, and who a member of staff is there."""
ANYONE = "*"
"""The part of a service's reference under which whoever has none of their own is booked."""
Length = Annotated[int, msgspec.Meta(ge=1, le=1440)]
"""Whole minutes, at most a day."""
Buffer = Annotated[int, msgspec.Meta(ge=0, le=240)]
Gender = Literal["female", "male", "diverse"]


class GeoAddress(msgspec.Struct, frozen=True):
    """A point on the globe, in degrees, with its address for people."""

    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    address: Annotated[str, msgspec.Meta(max_length=300)] = ""

    def point(self) -> Point:
        """The same to a millionth of a degree, without the words."""
        return point(self.latitude, self.longitude)


class HolidayCalendar(msgspec.Struct, frozen=True):
    """The public holidays on which a branch is closed: ISO 3166 country, and its region where they differ (DE, BY)."""

    country: Annotated[str, msgspec.Meta(min_length=2, max_length=2)]
    region: Annotated[str, msgspec.Meta(max_length=10)] | None = None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What differs about a service in one branch; None: as the service says."""

    offered: bool = True
    duration_min: Length | None = None
    price_minor: Minor | None = None
    policy: Policy = Policy()


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """A place with a clock of its own. `books_through` names a provider: a booking stands once it has taken it, too.

    `offers`: by service id, what differs here. `holidays` and `closures` close whole dates, `exceptions` replace the
    hours of a date and go before both. Deleted records keep `deleted_at` (RFC 3339) and are offered nowhere.
    """

    id: str
    company_id: str
    name: Text
    zone: str
    hours: tuple[Window, ...]
    phone: str | None = None
    books_through: str = "none"
    language: str = "en"
    country: str = "DE"
    currency: Currency = "EUR"
    exceptions: tuple[DayHours, ...] = ()
    closures: tuple[Closure, ...] = ()
    holidays: HolidayCalendar | None = None
    offers: dict[str, Offer] = {}
    policy: Policy = Policy()
    place: GeoAddress | None = None
    published: bool = True
    call_routing: CallRouting = CallRouting()
    quiet_hours: QuietHours = QuietHours()
    deleted_at: str | None = None
    version: int = 1

    @property
    def point(self) -> Point | None:
        """Where it lies, if that is known."""
        return self.place.point() if self.place else None

    @property
    def provider(self) -> str | None:
        """Who has to take a booking, too, before it stands."""
        return None if self.books_through == "none" else self.books_through

    def clock(self) -> ZoneInfo:
        """Its time zone."""
        return ZoneInfo(self.zone)

    def next_outbound(self, at: datetime) -> datetime:
        """The next instant, from `at` on, at which people may be called from here."""
        return self.quiet_hours.next_allowed(at, self.clock(), self.country)


class Part(msgspec.Struct, frozen=True):
    """One service of a package, and the longest wait before it, in minutes (0: it follows at once)."""

    service_id: str
    gap_min: Annotated[int, msgspec.Meta(ge=0, le=480)] = 0


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be booked; lengths in whole minutes, money in minor units of the branch's currency.

    `number` is its small number within the company, for packed storage. `references`: what providers book it as, per
    staff id (the reference's `part`), or under "*" for whoever has none of their own.

    `category`: fixed (`duration_min`), flexible (the customer chooses from `duration_min` to `longest_min` in steps
    of `slot_interval_min`), package (`parts`, in order, each with its own staff and rooms), recurring (as
    fixed; of these alone may visitors book a series).
    `skills`: all of them, `resources`: one free resource of each of these kinds. `consultation_id`: the service that
    the customer must have completed before. `mobile`: done at the customer's place; travelling takes time. `seats`:
    how many may take part at once, and fewer than `least_seats` do not suffice. `alignment` of starts: `rounded` to
    round times of the clock, `opening`: a grid from opening, `gap`: from the beginning of each free time.
    """

    id: str
    company_id: str
    number: int
    name: Text
    duration_min: Length
    buffer_before_min: Buffer = 0
    buffer_after_min: Buffer = 0
    slot_interval_min: Annotated[int, msgspec.Meta(ge=5, le=240)] = 15
    slot_offset_min: Annotated[int, msgspec.Meta(ge=0, le=240)] = 0
    alignment: Alignment = "rounded"
    channel: Channel = "in_person"
    references: tuple[Reference, ...] = ()
    category: Literal["fixed", "flexible", "package", "recurring"] = "fixed"
    longest_min: Length | None = None
    parts: tuple[Part, ...] = ()
    price_minor: Minor = 0
    description: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    skills: tuple[Text, ...] = ()
    resources: tuple[Text, ...] = ()
    consultation_id: str | None = None
    mobile: bool = False
    seats: Annotated[int, msgspec.Meta(ge=1, le=500)] = 1
    least_seats: Annotated[int, msgspec.Meta(ge=1, le=500)] = 1
    policy: Policy = Policy()
    published: bool = True
    deleted_at: str | None = None
    version: int = 1

    def reference(self, provider: str | None, staff_id: str | None) -> str | None:
        """What the provider books as this service with this member of staff."""
        own = id_of(self.references, provider, SERVICE, staff_id) if staff_id else None
        return own or id_of(self.references, provider, SERVICE, ANYONE)

    def booked_as(self, provider: str) -> dict[str, str]:
        """The ids under which the provider books it, per staff id or under "*"."""
        mine = [each for each in self.references if (each.connection, each.kind) == (provider, SERVICE)]
        return {each.part: each.id for each in mine}


class Skill(msgspec.Struct, frozen=True):
    """Something a member of staff may do, by certificate where there is one, until its last valid date."""

    name: Text
    certificate: Annotated[str, msgspec.Meta(max_length=200)] = ""
    valid_until: date | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What customers may see of a member of staff who is published."""

    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    about: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    picture_url: Annotated[str, msgspec.Meta(max_length=500, pattern="^https://")] | None = None
    specialisations: tuple[Text, ...] = ()


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """Who does the work. What is taken of their time lies in their home branch, wherever they work.

    `hours`, `breaks` (both weekly) and `exceptions` (dates that differ) are by branch id, on the branch's clock. Time
    off lies in their calendar, with their bookings. `daily_maximum`: bookings a local day. `weight` and `priority`
    guide automatic assignment: twice the weight takes twice the bookings; a higher priority is asked first.
    """

    id: str
    company_id: str
    name: Text
    home_branch_id: str
    hours: dict[str, tuple[Window, ...]]
    service_ids: tuple[str, ...]
    references: tuple[Reference, ...] = ()
    email: str | None = None
    phone: str | None = None
    breaks: dict[str, tuple[Window, ...]] = {}
    exceptions: dict[str, tuple[DayHours, ...]] = {}
    skills: tuple[Skill, ...] = ()
    languages: tuple[Annotated[str, msgspec.Meta(min_length=2, max_length=3)], ...] = ()
    gender: Gender | None = None
    daily_maximum: Annotated[int, msgspec.Meta(ge=1, le=500)] | None = None
    weight: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    priority: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    home: GeoAddress | None = None
    profile: Profile = Profile()
    published: bool = True
    deleted_at: str | None = None
    version: int = 1

    def reference(self, provider: str | None) -> str | None:
        """Who they are at a provider."""
        return id_of(self.references, provider, STAFF)

    def is_called(self, name: str) -> bool:
        """Whether that is their id, or their name whatever its capitals."""
        return self.id == name or self.name.casefold() == name.strip().casefold()

    def can(self, skills: tuple[str, ...], on: date) -> bool:
        """Whether they have all these skills, with certificates that are valid on that date."""
        held = {s.name.casefold() for s in self.skills if s.valid_until is None or s.valid_until >= on}
        return all(skill.casefold() in held for skill in skills)


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A room or device of one branch; services ask for its `kind`. `hours` None: whenever the branch is open."""

    id: str
    company_id: str
    branch_id: str
    kind: Text
    name: Text
    hours: tuple[Window, ...] | None = None
    deleted_at: str | None = None
    version: int = 1
