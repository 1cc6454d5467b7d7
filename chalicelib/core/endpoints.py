"""What is known of every endpoint (route, queue consumer, schedule, stream, authorizer): one Lambda each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_type_hints

from chalicelib.core.needs import Needs

Package = Literal["", "images", "video"]
PACKAGES: tuple[Package, ...] = get_args(Package)
"""A zip each, with what `requirements.txt` pins, or in its place `requirements-<package>.txt`, which has all of it."""
PUBLIC = ""
"""The ability of a route that needs no token."""
DEFAULT_MEMORY_MB = 512
"""Lambda gives CPU in proportion: half a vCPU starts twice as fast as the default 128 MB would, for about the same."""


@dataclass(frozen=True)
class Route:
    """What clients see of a route. `ability` PUBLIC means no token is asked for."""

    method: str
    path: str
    ability: str
    view: Callable[..., Any]
    status: int
    idempotent: bool
    errors: tuple[str, ...]
    example: Any
    content_types: tuple[str, ...]

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
    memory_mb: int = DEFAULT_MEMORY_MB
    timeout_seconds: int = 60
    doc: str = ""
    routes: tuple[Route, ...] = ()
    queue: str = ""
    dead: bool = False
    batch_size: int = 10
    schedule: str = ""
    package: Package = ""
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
