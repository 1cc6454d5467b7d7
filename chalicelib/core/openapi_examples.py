"""Examples made up from a JSON Schema, for models whose endpoint gives none."""

from typing import Any

Json = dict[str, Any]
DEEPEST = 6
BY_NAME = {
    "email": "ada.keller@example.com",
    "phone": "+493055512345",
    "name": "Ada Keller",
    "currency": "EUR",
    "language": "de",
    "zone": "Europe/Berlin",
    "time_zone": "Europe/Berlin",
    "timezone": "Europe/Berlin",
    "code": "slot_taken",
    "version": 3,
}
BY_FORMAT = {
    "date-time": "2026-12-01T09:30:00+01:00",
    "date": "2026-12-01",
    "time": "09:30:00",
    "duration": "PT30M",
    "uuid": "6f1c2b8e-2f0d-4f2e-9a39-0c5d5b0c7a11",
    "byte": "UGlsb3Q=",
}
BY_TYPE: Json = {"null": None, "boolean": True}


class _NoExample(Exception):
    """A pattern or the like asks for more than can be made up."""


def example_of(schema: Json, components: dict[str, Json]) -> Any:
    """A value that fits `schema`, or None when none can be made up."""
    try:
        return _value(schema, components, "", DEEPEST)
    except _NoExample:
        return None


def _value(schema: Json, components: dict[str, Json], name: str, depth: int) -> Any:
    if "$ref" in schema:
        if not depth:
            raise _NoExample
        return _value(components[schema["$ref"].rpartition("/")[2]], components, name, depth - 1)
    for key in ("default", "const"):
        if key in schema and schema[key] is not None:
            return schema[key]
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if "anyOf" in schema:
        return _first_of(schema["anyOf"], components, name, depth)
    return _plain(schema, components, name, depth)


def _first_of(choices: list[Json], components: dict[str, Json], name: str, depth: int) -> Any:
    # What may be absent is shown filled in, unless only its absence can be shown.
    for choice in sorted(choices, key=lambda each: each.get("type") == "null"):
        try:
            return _value(choice, components, name, depth)
        except _NoExample:
            continue
    raise _NoExample


def _plain(schema: Json, components: dict[str, Json], name: str, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, components, depth)
    if kind == "array":
        return _array(schema, components, name, depth)
    if kind == "string":
        return _text(schema, name)
    if kind in ("integer", "number"):
        return _number(schema, name)
    return BY_TYPE.get(str(kind))


def _object(schema: Json, components: dict[str, Json], depth: int) -> Json:
    required = schema.get("required", ())
    made: Json = {}
    for name, each in schema.get("properties", {}).items():
        try:
            made[name] = _value(each, components, name, depth)
        except _NoExample:
            if name in required:
                raise
    return made


def _array(schema: Json, components: dict[str, Json], name: str, depth: int) -> list[Any]:
    if schema.get("prefixItems"):
        return [_value(each, components, name, depth) for each in schema["prefixItems"]]
    most = schema.get("maxItems", 1)
    if not most or not isinstance(schema.get("items"), dict):
        return []
    try:
        return [_value(schema["items"], components, name, depth)] * max(1, schema.get("minItems", 1))
    except _NoExample:
        if schema.get("minItems"):
            raise
        return []


def _text(schema: Json, name: str) -> str:
    if "pattern" in schema:
        raise _NoExample
    made = BY_FORMAT.get(schema.get("format", "")) or _by_name(name)
    short = schema.get("maxLength", len(made))
    return made[:short].ljust(schema.get("minLength", 0), "x")


def _by_name(name: str) -> str:
    found = BY_NAME.get(name)
    if isinstance(found, str):
        return found
    if name == "id" or name.endswith("_id"):
        return f"{name[:3] if name != 'id' else 'rec'}_00D1ZMFH9MM3HK4Z12GC"
    if name.endswith("_url"):
        return "https://example.com/"
    return name.replace("_", " ") or "text"


def _number(schema: Json, name: str) -> int | float:
    found = BY_NAME.get(name, 1)
    made: int | float = found if isinstance(found, int) else 1
    least: int | float = schema.get("minimum", schema.get("exclusiveMinimum", made - 1) + 1)
    most: int | float = schema.get("maximum", schema.get("exclusiveMaximum", made + 1) - 1)
    return max(least, min(made, most))
