"""The packages of both stages, made once a run, and how to look into their templates."""

import fcntl
import json
import os
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app import app
from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import Endpoint, Package
from infra.limits import StackSize
from infra.package import write
from infra.zipping import Zip

Resource = dict[str, Any]
REST_API = "AWS::ApiGateway::RestApi"


@dataclass(frozen=True)
class Packaged:
    """A package as written, with its templates read back."""

    out: Path
    stage: str
    sizes: list[StackSize]
    zips: dict[Package, Zip]
    templates: dict[str, Any]

    @property
    def package(self) -> Zip:
        """What most Lambdas are made of."""
        return self.zips[""]

    def resources(self, kind: str) -> Iterator[Resource]:
        """The properties of every resource of that type, in every stack."""
        for template in self.templates.values():
            for resource in template["Resources"].values():
                if resource["Type"] == kind:
                    yield resource["Properties"]

    def bodies(self) -> dict[str, dict[str, Any]]:
        """The definition of each API."""
        return {rest["Name"]["Fn::Sub"].removeprefix("${Prefix}-"): rest["Body"] for rest in self.resources(REST_API)}


@pytest.fixture(scope="session")
def endpoints() -> list[Endpoint]:
    """Every endpoint of the house."""
    return all_endpoints()


@pytest.fixture(scope="session")
def packaged(endpoints: list[Endpoint], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Packaged]:
    """The package of a stage, which the workers of a run share."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    folder = tmp_path_factory.getbasetemp() if alone else tmp_path_factory.getbasetemp().parent

    @cache
    def package(stage: str) -> Packaged:
        out, figures = folder / "out" / stage, folder / f"{stage}.figures"
        with open(folder / f"{stage}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not figures.exists():
                figures.write_bytes(pickle.dumps(write(app, endpoints, stage, out)))
        sizes, made = pickle.loads(figures.read_bytes())
        templates = {path.stem: json.loads(path.read_text()) for path in sorted(out.glob("*.json"))}
        return Packaged(out, stage, sizes, made, templates)

    return package


@pytest.fixture(scope="session")
def dev(packaged: Callable[[str], Packaged]) -> Packaged:
    """The package of the stage dev."""
    return packaged("dev")


@pytest.fixture(scope="session")
def prod(packaged: Callable[[str], Packaged]) -> Packaged:
    """The package of the stage prod."""
    return packaged("prod")
