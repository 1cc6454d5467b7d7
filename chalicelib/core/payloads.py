"""Reading what clients send: JSON and query strings into typed models, with every field fault reported at once."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec

from chalicelib.core.errors import Fault, Invalid, TooLarge, invalid

LARGEST_BODY = 1_000_000
"""Bytes; API Gateway would take ten times that."""
DEEPEST = 8
_NUMBER = re.compile(r"[-+.\deE]+")
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""A name, an id or the like: short, and not empty."""
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern="^[^#]+$")]
"""An id that becomes part of a key; `#` is what parts of keys are joined by."""
Version = Annotated[int, msgspec.Meta(ge=1)]
"""Which version of a record is meant."""
Aware = Annotated[datetime, msgspec.Meta(tz=True)]
"""An instant, with its offset from UTC."""
T = TypeVar("T")
Q = TypeVar("Q", bound=msgspec.Struct)


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The base of every request body: a misspelt field is a fault, not silence."""


class Query(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The base of every query string; text is converted to the field's type."""


class Answer(msgspec.Struct, kw_only=True):
    """The base of every answer."""


def decode_json(raw: bytes) -> Any:
    """The JSON value in a request's body; raises TooLarge, or Invalid with code `not_json`."""
    if len(raw) > LARGEST_BODY:
        raise TooLarge("body_too_large", f"The body has {len(raw)} bytes; {LARGEST_BODY} are accepted.")
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = Fault("body", "not_json", f"The body is not JSON: {error}.")
        raise Invalid("not_json", "The body is not JSON.", faults=(fault,)) from None


def read_body(raw: bytes, kind: type[T]) -> T:
    """The body as `kind`; raises Invalid with a fault for every wrong field, `body.` before its path."""
    return read(decode_json(raw), kind, "body", strict=True)


def read_query(pairs: Mapping[str, list[str]], kind: type[Q]) -> Q:
    """The query string as `kind`; a name given twice is a fault, unless its field is a list."""
    try:
        "".join(text for name, values in pairs.items() for text in (name, *values)).encode()
    except UnicodeEncodeError:
        raise invalid("query", "not_text", "The query string is not UTF-8.") from None
    lists = {field.encode_name for field in msgspec.structs.fields(kind) if get_origin(field.type) is list}
    twice = [name for name, values in pairs.items() if len(values) > 1 and name not in lists]
    if twice:
        faults = tuple(Fault(f"query.{name}", "given_twice", "Give this once.") for name in twice)
        raise Invalid("invalid_request", "The query string is not valid.", faults=faults)
    plain = {name: values if name in lists else values[0] for name, values in pairs.items()}
    # Read leniently, "2026" would be a number of seconds since 1970.
    for name in [field.encode_name for field in msgspec.structs.fields(kind) if _is_instant(field.type)]:
        if name in plain and _NUMBER.fullmatch(str(plain[name])):
            raise invalid(f"query.{name}", "invalid", "Expected a time such as 2026-12-01T09:30:00Z.")
    return read(plain, kind, "query", strict=False)


def _is_instant(kind: Any) -> bool:
    return kind is datetime or any(_is_instant(part) for part in get_args(kind))


def read(value: Any, kind: type[T], path: str, *, strict: bool) -> T:
    """`value` (plain JSON values) as `kind`; raises Invalid with every fault."""
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as first:
        faults = tuple(_faults(value, kind, path, strict, DEEPEST)) or (_fault(first, path),)
        raise Invalid("invalid_request", f"{faults[0].path}: {faults[0].message}", faults=faults) from None


def _faults(value: Any, kind: Any, path: str, strict: bool, depth: int) -> Iterator[Fault]:
    # msgspec stops at the first fault, so on failure each field is tried by itself.
    struct = _struct_in(kind)
    if struct and isinstance(value, dict) and depth:
        yield from _field_faults(value, struct, path, strict, depth - 1)
        return
    item = _item_of(kind)
    if item is not None and isinstance(value, list) and depth:
        for position, entry in enumerate(value):
            yield from _faults(entry, item, f"{path}[{position}]", strict, depth - 1)
    try:
        msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        if item is None or "`$[" not in str(error):
            yield _fault(error, path)


def _field_faults(value: dict[str, Any], struct: Any, path: str, strict: bool, depth: int) -> Iterator[Fault]:
    config = struct.__struct_config__
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    if config.forbid_unknown_fields:
        for name in value.keys() - fields.keys() - {config.tag_field}:
            yield Fault(f"{path}.{name}", "unknown_field", "This field is not known here.")
    for name, field in fields.items():
        if name in value:
            yield from _faults(value[name], field.type, f"{path}.{name}", strict, depth)
        elif field.required:
            yield Fault(f"{path}.{name}", "required", "This field is required.")


def _choices(kind: Any) -> tuple[Any, ...]:
    """What a type may be: itself, or each part of a union, without its constraints."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _choices(get_args(kind)[0])
    if origin in (Union, UnionType):
        return tuple(choice for part in get_args(kind) for choice in _choices(part))
    return (kind,)


def _struct_in(kind: Any) -> Any:
    """The one Struct that an object can only be; None when there are several, or other types for objects."""
    choices = [choice for choice in _choices(kind) if choice is not NoneType]
    structs = [choice for choice in choices if isinstance(choice, type) and issubclass(choice, msgspec.Struct)]
    objects = [choice for choice in choices if get_origin(choice) is dict or choice in (dict, Any)]
    return structs[0] if len(structs) == 1 and not objects else None


def _item_of(kind: Any) -> Any:
    for choice in _choices(kind):
        if get_origin(choice) is list or (get_origin(choice) is tuple and get_args(choice)[1:] == (Ellipsis,)):
            return get_args(choice)[0]
    return None


def _fault(error: msgspec.ValidationError, path: str) -> Fault:
    message, _, inner = str(error).partition(" - at `$")
    return Fault(path + inner.rstrip("`"), "invalid", message.rstrip(".") + ".")
