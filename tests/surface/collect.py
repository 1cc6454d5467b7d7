"""What the outside knows of the house: wire names, tables, ids, routes, Lambdas, error codes, the API's description.

`python -m tests.surface.collect` writes it anew after a change that is meant to be seen from outside.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.booking.appointments.external import provider_names
from chalicelib.core import errors
from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import Endpoint
from chalicelib.core.events import Event, Job
from chalicelib.core.openapi import document
from infra.resources import literal_resources

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_name("surface.json")
SHIPPED = ("chalicelib", "functions")
Json = dict[str, Any]


def surface() -> Json:
    """All of it, as plain JSON values."""
    endpoints = all_endpoints()
    return {
        "events": _messages("events", Event),
        "jobs": _messages("jobs", Job),
        "tables": _tables(),
        "id_prefixes": sorted(set(_first_texts({"new_id"}))),
        "lambdas": {endpoint.function_name("pilot"): _lambda(endpoint) for endpoint in endpoints},
        "routes": {
            f"{route.method} {route.path}": {
                "lambda": endpoint.function_name("pilot"),
                "ability": route.ability,
                "status": route.status,
                "idempotent": route.idempotent,
                "errors": list(route.errors),
            }
            for endpoint in endpoints
            for route in endpoint.routes
        },
        "error_codes": sorted({code for code in _error_codes() if code.isidentifier()}),
        "api": _operations(document(endpoints)),
    }


def _messages(module: str, kind: type[msgspec.Struct]) -> Json:
    found = {}
    for path in sorted((ROOT / "chalicelib").glob(f"*/{module}.py")):
        if path.parent.name == "core":
            continue
        for value in vars(import_module(f"chalicelib.{path.parent.name}.{module}")).values():
            if isinstance(value, type) and issubclass(value, kind) and value is not kind:
                described: Json = {"fields": [field.encode_name for field in msgspec.structs.fields(value)]}
                if issubclass(value, Job):
                    described |= {"queue": value.queue, "attempts": value.attempts}
                found[value.name()] = described  # type: ignore[attr-defined]
    return found


def _tables() -> Json:
    resources = literal_resources("pilot", "dev")
    properties = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::DynamoDB::Table"]
    found: Json = {each["TableName"]: {"definition": each, "attributes": []} for each in properties}
    for path in sorted((ROOT / "chalicelib").glob("*/*.py")):
        for name, attributes in _rows(path):
            found[f"pilot-{name}"]["attributes"] = sorted({*found[f"pilot-{name}"]["attributes"], *attributes})
    return found


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The table of every class with one in this file, and the attributes and indexes it declares."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            names = [text for text in _calls(node, {"Table"})]
            declared = [
                target.id
                for each in node.body
                if isinstance(each, ast.Assign)
                for found in each.targets
                for target in (found.elts if isinstance(found, ast.Tuple) else [found])
                if isinstance(target, ast.Name)
            ]
            for name in names:
                yield name, declared


def _lambda(endpoint: Endpoint) -> Json:
    return {
        "kind": endpoint.kind,
        "memory_mb": endpoint.memory_mb,
        "timeout_seconds": endpoint.timeout_seconds,
        "queue": endpoint.queue,
        "schedule": endpoint.schedule,
    }


def _error_codes() -> Iterator[str]:
    kinds = {name for name, value in vars(errors).items() if isinstance(value, type)} | {"invalid"}
    for path in _shipped():
        tree = ast.parse(path.read_text())
        kinds |= {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id in kinds for b in node.bases)
        }
    for path in _shipped():
        tree = ast.parse(path.read_text())
        yield from _calls(tree, kinds - {"Fault", "invalid"})
        yield from _calls(tree, {"Fault", "invalid", "until_committed"}, position=1)
        yield from _calls(tree, {"__init__"})


def _first_texts(names: set[str]) -> Iterator[str]:
    for path in _shipped():
        yield from _calls(ast.parse(path.read_text()), names)


def _shipped() -> list[Path]:
    return [path for folder in SHIPPED for path in sorted((ROOT / folder).rglob("*.py"))]


def _calls(tree: ast.AST, names: set[str], position: int = 0) -> Iterator[str]:
    """The texts that stand at `position` in calls of these names."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or len(node.args) <= position:
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called in names:
            yield from _texts(node.args[position])


def _texts(given: ast.AST) -> Iterator[str]:
    """A literal text, or one that is made of a booking provider's name: of each of them."""
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        yield given.value
    elif isinstance(given, ast.Call) and getattr(given.func, "attr", "") == "named":
        yield from (pattern.format(name) for pattern in _texts(given.args[0]) for name in provider_names())


def _operations(described: Json) -> Json:
    """A digest of each operation, with schemas in place of their names, which are ours to choose."""
    schemas = described["components"]["schemas"]
    return {
        f"{method.upper()} {path}": _digest(_expanded(operation, schemas, ()))
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    }


def _expanded(value: Any, schemas: Json, inside: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_expanded(each, schemas, inside) for each in value]
    if isinstance(value, str) and value.startswith("#/components/schemas/"):
        name = value.rpartition("/")[2]
        return inside.index(name) if name in inside else _expanded(schemas[name], schemas, (*inside, name))
    if isinstance(value, dict):
        # A schema's title is the name of its class, and prose is not a contract.
        kept = {
            key: each
            for key, each in value.items()
            if not (key in ("title", "summary", "description") and isinstance(each, str))
        }
        return {key: _expanded(each, schemas, inside) for key, each in kept.items()}
    return value


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def write() -> None:
    """Keep today's surface in `surface.json`."""
    FILE.write_text(json.dumps(surface(), indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    write()
