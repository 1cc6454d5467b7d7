"""A person as clients send and see them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from chalicelib.core.payloads import Answer, Body, Text, Version
from chalicelib.core.people import shown_email
from chalicelib.crm.contact_points.contact import PointKind
from chalicelib.crm.people.person import Alert, Consent, ContactPoint, Gender, Kind, Person, PostalAddress

Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Language = Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=20)]
Short = Annotated[str, msgspec.Meta(max_length=200)]


class ContactPointBody(Body):
    """A phone number, also as it is dialled in the practice's country, or an e-mail address.

    `consent`: to being written to or called there for more than appointments. What else is shown of one is read only.
    """

    kind: PointKind
    value: Text
    extension: Annotated[str, msgspec.Meta(pattern="^[0-9]{1,10}$")] | None = None
    label: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    preferred: bool = False
    consent: Consent | None = None
    source: Any = None
    claimed: Any = None
    verified_at: Any = None
    consent_at: Any = None
    added_at: Any = None


class AddressBody(Body):
    """Where they live; `country` as ISO 3166, two letters."""

    street: Short | None = None
    postal_code: Short | None = None
    city: Short | None = None
    region: Short | None = None
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] | None = None


class AlertBody(Body):
    """What whoever books or receives them has to see."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    kind: Literal["medical", "payment", "behaviour", "other"] = "other"


class PersonFields(Body):
    """Of a person, what may be changed; what is left out stays as it is, null takes it away.

    `name` as a whole, or its parts: who gives parts gets the name made of them. `contact_points` are all there are.
    """

    name: Short | UnsetType | None = UNSET
    prefix: Short | UnsetType | None = UNSET
    given_name: Short | UnsetType | None = UNSET
    middle_name: Short | UnsetType | None = UNSET
    family_name: Short | UnsetType | None = UNSET
    suffix: Short | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    birth_date: date | UnsetType | None = UNSET
    gender: Gender | UnsetType | None = UNSET
    address: AddressBody | UnsetType | None = UNSET
    contact_points: Annotated[list[ContactPointBody], msgspec.Meta(max_length=20)] | UnsetType | None = UNSET
    tags: Annotated[list[Tag], msgspec.Meta(max_length=20)] | UnsetType | None = UNSET
    alerts: Annotated[list[AlertBody], msgspec.Meta(max_length=10)] | UnsetType | None = UNSET
    external_ids: Annotated[dict[Tag, Text], msgspec.Meta(max_length=10)] | UnsetType | None = UNSET

    def given(self) -> dict[str, Any]:
        """The fields that are given, as the model has them."""
        found = {name: getattr(self, name) for name in PersonFields.__struct_fields__}
        found = {name: value for name, value in found.items() if value is not UNSET}
        empty: dict[str, Any] = {"name": "", "contact_points": (), "tags": (), "alerts": (), "external_ids": {}}
        found |= {name: found[name] or nothing for name, nothing in empty.items() if name in found}
        if found.get("address"):
            found["address"] = PostalAddress(**msgspec.structs.asdict(found["address"]))
        as_model: dict[str, Any] = {"contact_points": _new_point, "alerts": _alert}
        found |= {name: tuple(map(make, found[name])) for name, make in as_model.items() if name in found}
        return found | ({"tags": tuple(dict.fromkeys(found["tags"]))} if "tags" in found else {})


def _new_point(one: ContactPointBody) -> Any:
    from chalicelib.crm.editing.changes import NewPoint

    return NewPoint(**{name: getattr(one, name) for name in NewPoint.__struct_fields__})


def _alert(one: AlertBody) -> Alert:
    return Alert(text=one.text, kind=one.kind)


class PersonPatch(PersonFields, kw_only=True):
    """What is to be another; `version` (optional) is the one that you read. What is read only does nothing."""

    version: Version | None = None
    id: Any = None
    kind: Any = None
    household_id: Any = None
    pipeline: Any = None
    do_not_call: Any = None
    source: Any = None
    created_at: Any = None
    updated_at: Any = None
    deleted_at: Any = None


class PersonWhole(PersonPatch, kw_only=True):
    """All of a person: what is left out is taken away. `version` is the one that you read."""

    version: Version


class NewPersonBody(PersonFields, kw_only=True):
    """Somebody new. `add_anyway`: also where somebody known has this contact point and may be meant."""

    add_anyway: bool = False


class ContactPointAnswer(Answer):
    """A phone number in E.164, or an e-mail address as it is written. `claimed`: only a stranger says it is theirs."""

    kind: PointKind
    value: str
    extension: str | None
    label: str | None
    preferred: bool
    consent: Consent | None
    consent_at: datetime | None
    source: str
    claimed: bool
    verified_at: datetime | None
    added_at: datetime


class PipelineAnswer(Answer):
    """Where a lead stands, and since when."""

    status: str
    since: datetime
    campaign: str | None
    owner_id: str | None
    score: int | None
    lost_reason: str | None
    converted_at: datetime | None


class PersonAnswer(Answer):
    """A person, lead or customer. `name` is empty where nobody said it."""

    id: str
    kind: Kind
    name: str
    prefix: str | None
    given_name: str | None
    middle_name: str | None
    family_name: str | None
    suffix: str | None
    language: str | None
    birth_date: date | None
    gender: Gender | None
    address: PostalAddress | None
    contact_points: list[ContactPointAnswer]
    tags: tuple[str, ...]
    alerts: tuple[Alert, ...]
    external_ids: dict[str, str]
    household_id: str | None
    do_not_call: bool
    source: str
    pipeline: PipelineAnswer | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    version: int


def show(person: Person) -> PersonAnswer:
    """The person as clients see them."""
    given = {name: getattr(person, name) for name in PersonAnswer.__struct_fields__}
    given["contact_points"] = [show_point(point) for point in person.contact_points]
    if person.pipeline:
        fields = PipelineAnswer.__struct_fields__
        given["pipeline"] = PipelineAnswer(**{name: getattr(person.pipeline, name) for name in fields})
    return PersonAnswer(**given)


def show_point(point: ContactPoint) -> ContactPointAnswer:
    """A contact point as clients see it."""
    given = {name: getattr(point, name) for name in ContactPointAnswer.__struct_fields__}
    if point.kind == "email":
        given["value"] = shown_email(point.value)
    return ContactPointAnswer(**given)
