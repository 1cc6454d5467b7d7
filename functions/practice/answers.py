"""Services and staff as clients see and send them; their ids at Cal.com are references here."""

from typing import Annotated, Any, Literal

import msgspec

from chalicelib.booking.engine.starts import Alignment
from chalicelib.booking.practice.hours import DayHours, Window
from chalicelib.booking.practice.models import (
    SERVICE,
    STAFF,
    Buffer,
    Channel,
    Gender,
    GeoAddress,
    Length,
    Part,
    Profile,
    Service,
    Skill,
    Staff,
)
from chalicelib.booking.practice.policy import Policy
from chalicelib.core.money import Minor
from chalicelib.core.payloads import Answer, Text
from chalicelib.core.references import Reference

CALCOM = "calcom"
References = tuple[Reference, ...]


class ServiceAnswer(Answer):
    """A service. `calcom_event_types`: the event type that books it, per staff id, or under "*" for everybody else."""

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
    calcom_event_types: dict[str, int] = {}
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


class StaffAnswer(Answer):
    """A member of staff. `calcom_user_id`: who they are at Cal.com."""

    id: str
    company_id: str
    name: Text
    home_branch_id: str
    hours: dict[str, tuple[Window, ...]]
    service_ids: tuple[str, ...]
    calcom_user_id: int | None = None
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


def show_service(service: Service) -> ServiceAnswer:
    """The service as clients see it."""
    event_types = {whose: int(number) for whose, number in service.booked_as(CALCOM).items()}
    return ServiceAnswer(**_shared(service, ServiceAnswer), calcom_event_types=event_types)


def show_staff(member: Staff) -> StaffAnswer:
    """The member of staff as clients see them."""
    user = member.reference(CALCOM)
    return StaffAnswer(**_shared(member, StaffAnswer), calcom_user_id=int(user) if user else None)


def _shared(record: msgspec.Struct, answer: type[Answer]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in answer.__struct_fields__ if hasattr(record, name)}


def read_references(fields: dict[str, Any], before: References) -> dict[str, Any]:
    """The fields of a record out of those of a body: ids at Cal.com replace those it had, other references stay."""
    if "calcom_event_types" in fields:
        given = [(SERVICE, number, whose) for whose, number in fields.pop("calcom_event_types").items()]
    elif "calcom_user_id" in fields:
        user = fields.pop("calcom_user_id")
        given = [] if user is None else [(STAFF, user, "")]
    else:
        return fields
    kept = [each for each in before if each.connection != CALCOM]
    mine = [Reference(CALCOM, kind, str(number), part) for kind, number, part in given]
    return {**fields, "references": (*kept, *mine)}
