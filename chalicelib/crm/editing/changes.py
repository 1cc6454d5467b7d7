"""What staff say of a person, and the person's next version by it; pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.core.errors import Fault, Invalid
from chalicelib.core.people import clean_email, clean_name
from chalicelib.core.phones import read_phone
from chalicelib.crm.contact_points.contact import PointKind, written_phone
from chalicelib.crm.people.person import Consent, ContactPoint, Person

NAME_PARTS = ("prefix", "given_name", "middle_name", "family_name", "suffix")


class NewPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A contact point as staff give it; a phone number as they dial it, maybe with its extension behind it."""

    kind: PointKind
    value: str
    extension: str | None = None
    label: str | None = None
    preferred: bool = False
    consent: Consent | None = None


def changed(person: Person, given: dict[str, Any], country: str | None, at: datetime) -> Person:
    """The person with the fields that are given, whichever they are; the same version where nothing differs.

    `name` and its parts go together: who gives parts gets their name of them, who gives the name alone loses the parts.
    Raises Invalid with every field that is wrong.
    """
    faults: list[Fault] = []
    fields = dict(given)
    if "contact_points" in fields:
        points = fields["contact_points"] or ()
        fields["contact_points"] = _points(person, points, country, at, faults)
    fields |= _names(person, given, faults)
    if faults:
        raise Invalid("invalid_request", f"{faults[0].path}: {faults[0].message}", faults=tuple(faults))
    new = msgspec.structs.replace(person, **fields)
    return person if new == person else new.changed(at)


def _names(person: Person, given: dict[str, Any], faults: list[Fault]) -> dict[str, str | None]:
    parts = {name: given[name] for name in NAME_PARTS if name in given}
    if not parts:
        if "name" not in given or given["name"] == person.name:
            return {}
        return {"name": _clean(given["name"], "name", faults) or "", **dict.fromkeys(NAME_PARTS)}
    found = {name: _clean(text, name, faults) for name, text in parts.items()}
    whole = [found.get(name, getattr(person, name)) for name in NAME_PARTS]
    unchanged = all(found[name] == getattr(person, name) for name in found)
    name = given.get("name")
    if unchanged and name is not None and name != person.name:
        return {"name": _clean(name, "name", faults) or "", **dict.fromkeys(NAME_PARTS)}
    return found | {"name": " ".join(part for part in whole if part) or (person.name if unchanged else "")}


def _clean(text: str | None, name: str, faults: list[Fault]) -> str | None:
    if not text:
        return None
    try:
        return clean_name(text, f"body.{name}")
    except Invalid as error:
        faults += error.faults
        return None


def _points(
    person: Person, given: Sequence[NewPoint], country: str | None, at: datetime, faults: list[Fault]
) -> tuple[ContactPoint, ...]:
    found: dict[tuple[str, str], ContactPoint] = {}
    for number, one in enumerate(given):
        try:
            point = _point(person, one, country, at, f"body.contact_points[{number}]")
        except Invalid as error:
            faults += error.faults
            continue
        if (point.kind, point.written) in found:
            faults.append(Fault(f"body.contact_points[{number}].value", "given_twice", "Give this once."))
        found[point.kind, point.written] = point
    for kind in ("phone", "email"):
        if sum(point.preferred for point in found.values() if point.kind == kind) > 1:
            faults.append(Fault("body.contact_points", "one_preferred", f"Only one {kind} can be the preferred one."))
    return tuple(found.values())


def _point(person: Person, one: NewPoint, country: str | None, at: datetime, path: str) -> ContactPoint:
    value, extension = one.value, None
    if one.kind == "phone":
        read = read_phone(one.value, country, f"{path}.value")
        value, extension = read.number, one.extension or read.extension
    else:
        value = clean_email(one.value, f"{path}.value")
    known = person.has(one.kind, written_phone(value, extension) if one.kind == "phone" else value)
    # What staff say is theirs is no longer only claimed.
    base = known or ContactPoint(kind=one.kind, value=value, extension=extension, source="api", added_at=at)
    consent_at = base.consent_at if one.consent == base.consent else (at if one.consent else None)
    return msgspec.structs.replace(
        base, label=one.label, preferred=one.preferred, consent=one.consent, consent_at=consent_at, claimed=False
    )
