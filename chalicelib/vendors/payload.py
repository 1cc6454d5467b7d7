"""Reads what a vendor sent into Structs: nulls count as absent, unknown fields are ignored, every fault is named."""

from datetime import UTC, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

from chalicelib.core.errors import Fault, Invalid

T = TypeVar("T")


def read_json(raw: bytes) -> Any:
    """The JSON value in `raw`; raises Invalid with code `not_json`."""
    try:
        return msgspec.json.decode(raw)
    except (ValueError, RecursionError) as error:
        # ValueError covers msgspec.DecodeError and, inside strings only, UnicodeDecodeError.
        raise Invalid("not_json", "The body is not JSON.", faults=(Fault("body", "not_json", str(error)),)) from None


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`; raises Invalid (`not_json`, or `invalid_request` when it is not an object)."""
    value = read_json(raw)
    if not isinstance(value, dict):
        raise _invalid((Fault("body", "not_an_object", "Expected an object."),))
    return value


def read(value: Any, shape: type[T], path: str) -> T:
    """`value` (decoded JSON) as `shape`, a Struct; raises Invalid with every fault, each under `path`.

    msgspec alone stops at the first fault and refuses nulls where a default would do. Instants become aware UTC
    datetimes; one without offset is a fault, since guessing a zone would move an appointment.
    """
    faults: list[Fault] = []
    result = _struct(value, shape, path, faults)
    if faults:
        raise _invalid(tuple(faults))
    return result  # type: ignore[no-any-return]


def _invalid(faults: tuple[Fault, ...]) -> Invalid:
    where = ", ".join(fault.path for fault in faults[:5])
    return Invalid("invalid_request", f"The body does not have the expected shape: {where}.", faults=faults)


def _struct(value: Any, shape: Any, path: str, faults: list[Fault]) -> Any:
    if not isinstance(value, dict):
        faults.append(Fault(path, "not_an_object", "Expected an object."))
        return None
    seen = len(faults)
    values: dict[str, Any] = {}
    for field in _fields(shape):
        found = value.get(field.encode_name)
        here = f"{path}.{field.encode_name}"
        if found is not None:
            values[field.name] = _value(found, field.type, here, faults)
        elif field.required:
            faults.append(Fault(here, "missing", "This field is required."))
    return shape(**values) if len(faults) == seen else None


@cache
def _fields(shape: Any) -> tuple[msgspec.structs.FieldInfo, ...]:
    """`structs.fields` resolves annotations anew on each call."""
    return msgspec.structs.fields(shape)


def _value(value: Any, declared: Any, path: str, faults: list[Fault]) -> Any:
    kind = _without_none(declared)
    if _is_struct(kind):
        return _struct(value, kind, path, faults)
    item = _item_struct(kind)
    if item is not None and isinstance(value, list):
        present = ((i, one) for i, one in enumerate(value) if one is not None)
        return [_struct(one, item, f"{path}[{i}]", faults) for i, one in present]
    return _plain(value, kind, path, faults)


def _plain(value: Any, kind: Any, path: str, faults: list[Fault]) -> Any:
    try:
        converted = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        faults.append(Fault(path, "invalid", f"{error}."))
        return None
    return _utc(converted, path, faults) if isinstance(converted, datetime) else converted


def _utc(instant: datetime, path: str, faults: list[Fault]) -> datetime | None:
    try:
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
        faults.append(Fault(path, "no_offset", "The time needs a UTC offset."))
    except OverflowError:  # year 1 or 9999 near its edge, once the offset is applied
        faults.append(Fault(path, "out_of_range", "The time is out of range."))
    return None


def _without_none(declared: Any) -> Any:
    if get_origin(declared) not in (Union, UnionType):
        return declared
    inner = [kind for kind in get_args(declared) if kind is not NoneType]
    return inner[0] if len(inner) == 1 else declared


def _item_struct(kind: Any) -> Any:
    """The Struct of `list[Struct]`, else None."""
    arguments = get_args(kind)
    return arguments[0] if get_origin(kind) is list and _is_struct(arguments[0]) else None


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
