"""A house of 450 routes, made up: about twice as many as there are, in eight areas."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chalice.app import Chalice

from chalicelib.core.discovery import all_endpoints, functions
from chalicelib.core.endpoints import Endpoint

COLLECTIONS = 90
ROUTES = 5 * COLLECTIONS
PACKAGE = "many_functions"
AREAS = ("identity", "crm", "booking", "messaging", "calls", "accounting", "integrations", "workflows")
MODULE = '''
from chalice.app import Response

from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.requests import Request

function = Function(__name__)
NEEDS = Needs(reads=("crm", "directory"), writes=("booking", "occupancy"), secrets=("retell_api_key",))


@function.route("GET", "/api/{name}", ability=PUBLIC, needs=NEEDS)
def list_{name}(request: Request) -> Response:
    """List them."""
    return Response(body="{name}", status_code=200, headers={{"Content-Type": "text/plain"}})


@function.route("POST", "/api/{name}", ability="{area}:write", needs=NEEDS)
def add_{name}(request: Request) -> None:
    """Add one."""


@function.route("GET", "/api/{name}/{{record_id}}", ability="{area}:read", needs=NEEDS)
def show_{name}(request: Request, record_id: str) -> None:
    """Show one."""


@function.route("POST", "/api/{name}/{{record_id}}/close", ability="{area}:write", needs=NEEDS)
def close_{name}(request: Request, record_id: str) -> None:
    """Close one."""


@function.route("POST", "/api/{name}/{{record_id}}/reopen", ability="{area}:write", needs=NEEDS)
def reopen_{name}(request: Request, record_id: str) -> None:
    """Reopen one."""
'''
QUEUES = '''
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.queues import LANES

function = Function(__name__)


def consume(event):
    """Consume."""


for queue in LANES:
    for dead in (False, True):
        consume.__name__ = ("bury_" if dead else "work_") + queue.replace(".", "_")
        declare = function.on_dead_letters(queue) if dead else function.on_lane(queue)
        globals()[consume.__name__] = declare(consume)


def tick():
    """Tick."""


for number in range(10):
    tick.__name__ = f"tick_{number}"
    globals()[tick.__name__] = function.every("rate(5 minutes)", needs=Needs(reads=("booking",)))(tick)
'''


@contextmanager
def many_routes(root: Path) -> Iterator[tuple[Chalice, list[Endpoint]]]:
    """Write the house to `root`; gives its app and its endpoints, with the queues' consumers and ten schedules."""
    house = root / PACKAGE
    for number in range(COLLECTIONS):
        area = AREAS[number % len(AREAS)]
        name = f"{area}_records_{number}"
        (house / area).mkdir(parents=True, exist_ok=True)
        (house / area / "__init__.py").touch()
        (house / area / f"{name}.py").write_text(MODULE.format(name=name, area=area))
    (house / "queues").mkdir()
    (house / "queues" / "all.py").write_text(QUEUES)
    (house / "queues" / "__init__.py").touch()
    (house / "__init__.py").touch()
    sys.path.insert(0, str(root))
    try:
        app = Chalice("many", configure_logs=False)
        for function in functions(PACKAGE):
            app.register_blueprint(function)
        yield app, all_endpoints(PACKAGE)
    finally:
        sys.path.remove(str(root))
