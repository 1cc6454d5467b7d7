"""250 routes fit into what AWS allows, and what does not fit is said before anything is uploaded."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from chalice.app import Chalice

from chalicelib.core.discovery import all_endpoints, functions
from chalicelib.core.endpoints import Endpoint
from infra import limits
from infra.intrinsics import Template
from infra.limits import OverLimit, check, measure, table
from infra.package import main
from infra.stacks import NameTooLong, stacks
from infra.zipping import Package

AREAS = ("identity", "crm", "booking", "messaging", "calls", "accounting", "integrations", "workflows")
MODULE = '''
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.requests import Request

function = Function(__name__)
NEEDS = Needs(reads=("crm", "directory"), writes=("booking", "occupancy"), secrets=("retell_api_key",))


@function.route("GET", "/api/{name}", ability="{area}:read", needs=NEEDS)
def list_{name}(request: Request) -> None:
    """List them."""


@function.route("POST", "/api/{name}", ability="{area}:write", needs=NEEDS)
def add_{name}(request: Request) -> None:
    """Add one."""


@function.route("GET", "/api/{name}/{{record_id}}", ability="{area}:read", needs=NEEDS)
def show_{name}(request: Request, record_id: str) -> None:
    """Show one."""


@function.route("PUT", "/api/{name}/{{record_id}}", ability="{area}:write", needs=NEEDS)
def change_{name}(request: Request, record_id: str) -> None:
    """Change one."""


@function.route("POST", "/api/{name}/{{record_id}}/close", ability="{area}:write", needs=NEEDS)
def close_{name}(request: Request, record_id: str) -> None:
    """Close one."""
'''
QUEUES = '''
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.queues import NAMED_QUEUES

function = Function(__name__)


def consume(event):
    """Consume."""


for queue in NAMED_QUEUES:
    for dead in (False, True):
        consume.__name__ = f"{"bury" if dead else "work"}_{queue}"
        globals()[consume.__name__] = function.on_queue(queue, dead=dead, needs=Needs(writes=("jobs",)))(consume)


def tick():
    """Tick."""


for number in range(10):
    tick.__name__ = f"tick_{number}"
    globals()[tick.__name__] = function.every("rate(5 minutes)", needs=Needs(reads=("booking",)))(tick)
'''


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Chalice, list[Endpoint]]]:
    """A house of 250 routes in eight areas, with the queues' consumers and ten schedules."""
    root = tmp_path_factory.mktemp("generated")
    house = root / "many_functions"
    for number in range(50):
        area = AREAS[number % len(AREAS)]
        name = f"{area}_records_{number}"
        (house / area).mkdir(parents=True, exist_ok=True)
        (house / area / "__init__.py").touch()
        (house / area / f"{name}.py").write_text(MODULE.format(name=name, area=area))
    (house / "queues").mkdir()
    (house / "queues" / "all.py").write_text(QUEUES.replace('f"{"bury"', "f\"{'bury'").replace('"work"}', "'work'}"))
    (house / "queues" / "__init__.py").touch()
    (house / "__init__.py").touch()
    sys.path.insert(0, str(root))
    try:
        app = Chalice("many", configure_logs=False)
        for function in functions("many_functions"):
            app.register_blueprint(function)
        yield app, all_endpoints("many_functions")
    finally:
        sys.path.remove(str(root))


@pytest.fixture(scope="module")
def templates(generated: tuple[Chalice, list[Endpoint]]) -> dict[str, Template]:
    """Their stacks."""
    app, endpoints = generated
    return stacks(app, endpoints, "prod")


def test_250_routes_are_within_the_limits(
    generated: tuple[Chalice, list[Endpoint]], templates: dict[str, Template]
) -> None:
    assert sum(len(endpoint.routes) for endpoint in generated[1]) == 250
    sizes = [measure(name, template) for name, template in templates.items()]
    print("\n" + table(sizes, None))
    check(sizes, None)
    assert max(size.resources for size in sizes) < limits.RESOURCES / 2
    assert {size.name: size.path_nodes for size in sizes}["api"] == 152


def test_too_many_resources_are_refused_with_the_stacks_name(templates: dict[str, Template]) -> None:
    size = measure("booking", templates["booking"])
    with pytest.raises(OverLimit, match=r"stack booking: 501 resources \(split the area\), at most 500"):
        check([replace(size, resources=501)], None)


def test_every_limit_that_is_exceeded_is_named(templates: dict[str, Template]) -> None:
    size = replace(
        measure("api", templates["api"]),
        parameters=201,
        outputs=201,
        template_bytes=1_000_001,
        path_nodes=281,
        roles=1_001,
        longest_policy=10_241,
    )
    package = Package(Path("deployment.zip"), "digest", zip_bytes=1, unzipped_bytes=limits.UNZIPPED_BYTES + 1)
    with pytest.raises(OverLimit) as refused:
        check([size], package)
    said = str(refused.value)
    for what in ("parameters", "outputs", "template bytes", "path nodes", "roles", "policies", "unzipped bytes"):
        assert what in said


def test_a_name_that_leaves_no_room_for_the_prefix_is_refused(generated: tuple[Chalice, list[Endpoint]]) -> None:
    app, endpoints = generated
    (first, *others) = endpoints
    long = replace(first, name="x" * 60)
    with pytest.raises((NameTooLong, RuntimeError)):
        stacks(app, [long, *others], "dev")


@pytest.mark.check
def test_the_command_prints_its_figures_and_a_failure_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--stage", "dev", "--out", str(tmp_path / "dev")]) == 0
    said = capsys.readouterr().out
    for word in ("root", "identity", "queues", "api", "path nodes", "template bytes", "deployment.zip"):
        assert word in said
    monkeypatch.setattr(limits, "RESOURCES", 3)
    assert main(["--stage", "dev", "--out", str(tmp_path / "dev")]) == 1
    assert "at most 3" in capsys.readouterr().err
