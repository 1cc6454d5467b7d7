"""450 routes fit into what AWS allows, and what does not fit is said before anything is uploaded."""

import shutil
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from chalice.app import Chalice

from chalicelib.core.endpoints import PUBLIC, Endpoint, Route
from infra import limits
from infra.api_split import api_of
from infra.dependencies import zip_name
from infra.intrinsics import Template
from infra.limits import OverLimit, check, measure, serialized, table
from infra.local import ministack
from infra.local.ministack import Variant
from infra.package import main
from infra.stacks import NameTooLong, stacks
from infra.zipping import Zip
from tests.packaging.conftest import Packaged
from tests.packaging.deployed import bring_up
from tests.packaging.many_routes import COLLECTIONS, PACKAGE, ROUTES, many_routes

Many = tuple[Chalice, list[Endpoint]]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Many]:
    """A house of 450 routes, and what it is written in."""
    with many_routes(tmp_path_factory.mktemp("generated")) as made:
        yield made


@pytest.fixture(scope="module")
def templates(generated: Many) -> dict[str, Template]:
    """Their stacks."""
    app, endpoints = generated
    return stacks(app, endpoints, "prod")


def test_450_routes_are_within_the_limits(generated: Many, templates: dict[str, Template]) -> None:
    assert sum(len(endpoint.routes) for endpoint in generated[1]) == ROUTES == 450
    sizes = [measure(name, template) for name, template in templates.items()]
    print("\n" + table(sizes))
    check(sizes)
    assert max(size.resources for size in sizes) < limits.RESOURCES / 2
    nodes = {size.name: size.path_nodes for size in sizes if size.path_nodes}
    # Each collection has four, and every API its root and /api.
    assert sum(nodes.values()) == 4 * COLLECTIONS + 2 * len(nodes)
    assert sum(nodes.values()) > limits.PATH_NODES, "one API would do, so this shows nothing"
    assert max(nodes.values()) < 0.7 * limits.PATH_NODES


def test_too_many_resources_are_refused_with_the_stacks_name(templates: dict[str, Template]) -> None:
    size = measure("booking", templates["booking"])
    with pytest.raises(OverLimit, match=r"stack booking: 501 resources \(split the area\), at most 500"):
        check([replace(size, resources=501)])


def test_every_limit_that_is_exceeded_is_named(templates: dict[str, Template]) -> None:
    size = replace(
        measure("api-a-e", templates["api-a-e"]),
        parameters=201,
        outputs=201,
        template_bytes=1_000_001,
        path_nodes=281,
        behaviors=26,
        roles=1_001,
        longest_policy=10_241,
    )
    package = Zip(Path("deployment.zip"), "digest", zip_bytes=1, unzipped_bytes=limits.UNZIPPED_BYTES + 1)
    with pytest.raises(OverLimit) as refused:
        check([size], [package])
    said = str(refused.value)
    for what in (
        "parameters",
        "outputs",
        "template bytes",
        "path nodes",
        "behaviors",
        "roles",
        "policies",
        "unzipped bytes",
    ):
        assert what in said


def test_a_name_that_leaves_no_room_for_the_prefix_is_refused(generated: Many) -> None:
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


@pytest.mark.slow
@pytest.mark.check
def test_450_routes_are_deployed_and_answer(
    generated: Many, dev: Packaged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, endpoints = generated
    for name, template in stacks(app, endpoints, "dev").items():
        (tmp_path / f"{name}.json").write_text(serialized(template))
    for package in dev.zips.values():
        shutil.copy(package.path, tmp_path)
    house = Path(sys.modules[PACKAGE].__path__[0])
    with zipfile.ZipFile(tmp_path / zip_name(""), "a") as archive:
        for source in sorted(house.rglob("*.py")):
            archive.write(source, source.relative_to(house.parent))
    running = ministack.start(variant=Variant(auth=True))
    try:
        deployed = bring_up(running.url, tmp_path, monkeypatch)
        chosen = {api_of(route.path): route.path for route in _public(endpoints)}
        assert len(chosen) == 3
        for path in chosen.values():
            answer = deployed.call("GET", path, token="")
            assert (answer.status_code, answer.text) == (200, path.removeprefix("/api/"))
            refused = deployed.call("POST", f"{path}/1/reopen", token="").json()
            assert (refused["code"], refused["instance"]) == ("missing_ability", f"{path}/1/reopen")
    finally:
        running.stop()


def _public(endpoints: list[Endpoint]) -> list[Route]:
    return [route for endpoint in endpoints for route in endpoint.routes if route.ability == PUBLIC]
