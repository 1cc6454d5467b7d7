"""What is known of every endpoint (route, queue consumer, schedule, stream, authorizer): one Lambda each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from inspect import signature
from pkgutil import walk_packages
from typing import Any, Literal, get_type_hints

from chalicelib.core.needs import Needs

PUBLIC = ""
"""The ability of a route that needs no token."""


@dataclass(frozen=True)
class Route:
    """What clients see of a route. `ability` PUBLIC means no token is asked for."""

    method: str
    path: str
    ability: str
    status: int
    idempotent: bool
    errors: tuple[str, ...]
    example: Any
    content_types: tuple[str, ...]
    view: Callable[..., Any]

    def models(self) -> dict[str, Any]:
        """The view's `body`, `query` and `return` types, where it has them."""
        hints = get_type_hints(self.view, include_extras=True)
        return {name: hints[name] for name in ("body", "query", "return") if name in hints}

    def path_names(self) -> list[str]:
        """Names of the parameters in the path, in order."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


@dataclass(frozen=True)
class Endpoint:
    """One Lambda: where its handler lies, what it needs, how it is called."""

    kind: Literal["route", "queue", "schedule", "stream", "authorizer"]
    name: str
    module: str
    needs: Needs
    memory_mb: int
    timeout_seconds: int
    doc: str
    routes: tuple[Route, ...] = ()
    queue: str = ""
    dead: bool = False
    batch_size: int = 10
    schedule: str = ""
    entry: Any = field(default=None, compare=False, repr=False)

    @property
    def area(self) -> str:
        """The folder under `functions/`, which is the stack it deploys in."""
        return self.module.split(".")[1]

    @property
    def handler(self) -> str:
        """What Lambda is told to call."""
        return f"{self.module}.{self.name}"

    def function_name(self, prefix: str) -> str:
        """The Lambda's name in the stage of that prefix; the area in it lets roles be limited by area."""
        return f"{prefix}-{self.area}-{self.name}"


def modules(package: str = "functions") -> Iterator[Any]:
    """Every module under `package`, imported, in a stable order."""
    root = import_module(package)
    for found in sorted(walk_packages(root.__path__, f"{package}."), key=lambda info: info.name):
        yield import_module(found.name)


def functions(package: str = "functions") -> list[Any]:
    """Every `Function` declared under `package`. Imported by name, so that core depends on no endpoint."""
    from chalicelib.core.function import Function

    found: dict[int, Any] = {}
    for module in modules(package):
        for value in vars(module).values():
            if isinstance(value, Function):
                found[id(value)] = value
    return list(found.values())


def all_endpoints(package: str = "functions") -> list[Endpoint]:
    """Every endpoint under `package`, sorted by area and name."""
    endpoints = [endpoint for function in functions(package) for endpoint in function.endpoints]
    return sorted(endpoints, key=lambda endpoint: (endpoint.area, endpoint.name))


def parameters(view: Callable[..., Any]) -> list[str]:
    """Names of a view's parameters."""
    return list(signature(view).parameters)
