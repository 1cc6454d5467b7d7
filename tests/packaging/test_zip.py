"""The zip: the same bytes each time, with everything its handlers import and nothing that only we need."""

import ast
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chalicelib.core.endpoints import Endpoint
from infra.botocore_data import OPERATIONS
from infra.dependencies import CannotBuild, built
from infra.zipping import write_package
from tests.packaging.conftest import Packaged

pytestmark = [pytest.mark.slow, pytest.mark.check]

OF_PACKAGES = {"PIL", "pillow_heif", "puremagic", "imageio_ffmpeg"}
"""What only the functions that declare a package have."""
BESIDE = {"chalicelib.files.images"}
"""What of our own imports one of these at once."""
MODULE_LIMIT = 2
"""Two cores, and other tests beside these."""


@pytest.fixture(scope="module")
def unzipped(dev: Packaged, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as Lambda unpacks it."""
    place = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(dev.package.path) as archive:
        archive.extractall(place)
    return place


def run_alone(unzipped: Path, code: str) -> str:
    """Run `code` with the standard library and the package, and nothing else of this machine; gives what it printed."""
    begin = f"import sys; sys.path.insert(0, {str(unzipped)!r}); sys.dont_write_bytecode = True\n"
    environment = {"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    command = [sys.executable, "-I", "-S", "-c", begin + code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_sources_give_the_same_bytes(endpoints: list[Endpoint], tmp_path: Path) -> None:
    # One after the other, not against the package of this run: the sources may have been edited since.
    first, second = (write_package(tmp_path / name, endpoints) for name in ("first.zip", "second.zip"))
    assert first.digest == second.digest == hashlib.sha256(first.path.read_bytes()).hexdigest()
    assert first.path.read_bytes() == second.path.read_bytes()


def test_every_handler_is_found_in_a_clean_environment(unzipped: Path, endpoints: list[Endpoint]) -> None:
    by_module: dict[str, list[str]] = {}
    for endpoint in endpoints:
        by_module.setdefault(endpoint.module, []).append(endpoint.name)

    def load(module: str) -> str:
        # As Lambda does it: the module of the handler, in a process of its own.
        code = f"import importlib; m = importlib.import_module({module!r})\n"
        code += f"for name in {by_module[module]!r}: assert callable(getattr(m, name)), name\n"
        code += "print(len([n for n in sys.modules if n.startswith('functions.')]))"
        return run_alone(unzipped, code)

    with ThreadPoolExecutor(MODULE_LIMIT) as pool:
        loaded = dict(zip(by_module, pool.map(load, by_module), strict=True))
    assert set(loaded) == set(by_module)


def test_what_is_imported_late_is_there_too(unzipped: Path) -> None:
    found = {name for path in _own(unzipped) for name in _imports(path)}
    names = sorted(name for name in found if name not in BESIDE and name.split(".")[0] not in OF_PACKAGES)
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)\nprint(len({names!r}))"
    assert int(run_alone(unzipped, code)) > 30
    # What is not imported at all by now but promised by requirements.in.
    run_alone(unzipped, "import argon2, dateutil.rrule, twilio.rest, twilio.request_validator\n" + TWILIO)


TWILIO = """
client = twilio.rest.Client("AC" + "0" * 32, "token")
client.messages, client.messaging.v1, client.lookups.v2, client.content.v1, client.verify.v2
"""


def test_each_package_has_what_it_is_for(dev: Packaged, tmp_path: Path) -> None:
    codes = {
        "images": "import PIL.Image, PIL._avif, PIL._webp, PIL._imagingcms, pillow_heif, puremagic\n"
        "from functions.queues.image_compression import work_image_compression\n"
        "from chalicelib.files import check, process_image",
        "video": "import subprocess, os\nfrom functions.queues.image_compression import work_image_compression_video\n"
        "from chalicelib.files import process_video, video\nassert os.access(video.program(), os.X_OK)\n"
        "subprocess.run([video.program(), '-version'], check=True, capture_output=True)",
    }
    for package, code in codes.items():
        place = tmp_path / package
        with zipfile.ZipFile(dev.zips[package].path) as archive:  # type: ignore[index]
            archive.extractall(place)
            for entry in archive.infolist():  # as Lambda does, and extractall does not
                os.chmod(place / entry.filename, entry.external_attr >> 16)
        run_alone(place, code)
    with zipfile.ZipFile(dev.package.path) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert not tops & OF_PACKAGES


def test_clients_are_made_of_the_slim_data(unzipped: Path) -> None:
    code = f"""
import json
import os
from chalicelib.core import aws
methods = {{}}
for service in {sorted(OPERATIONS)!r}:
    client = aws.client(service)
    methods[service] = [client.meta.endpoint_url, *client.meta.method_to_api_mapping.values()]
print(json.dumps(methods))
"""
    made = json.loads(run_alone(unzipped, code))
    for service, (endpoint, *operations) in made.items():
        assert set(operations) == set(OPERATIONS[service])
        host = {"sesv2": "email", "cloudwatch": "monitoring"}.get(service, service)
        assert endpoint == f"https://{host}.eu-central-1.amazonaws.com"


def test_it_ships_nothing_that_only_we_need(dev: Packaged) -> None:
    with zipfile.ZipFile(dev.package.path) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {"chalice", "chalicelib", "functions", "botocore", "pynamodb", "twilio", "argon2"} <= tops
    assert {"boto3", "moto", "click", "rich", "infra", "tests", "app.py", "pytest", "aiohttp"}.isdisjoint(tops)
    assert not any(name.startswith(("chalicelib/cli", "chalice/cli", "chalice/deploy")) for name in names)
    services = {name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 2}
    assert services == set(OPERATIONS)
    sources = {name for name in names if name.endswith(".py")}
    bytecode = {name for name in names if name.endswith(".pyc")}
    assert len(bytecode) == len(sources)


def test_it_knows_which_workers_and_schedules_there_should_be(dev: Packaged, endpoints: list[Endpoint]) -> None:
    with zipfile.ZipFile(dev.package.path) as archive:
        found = json.loads(archive.read("chalicelib/watched.json"))
    expected = {each.name for each in endpoints if each.kind in ("queue", "schedule", "stream") and not each.dead}
    assert {one["name"] for one in found} == expected


def test_bytecode_is_never_checked_against_its_source(dev: Packaged) -> None:
    with zipfile.ZipFile(dev.package.path) as archive:
        name = next(name for name in archive.namelist() if name.startswith("chalicelib/core/__pycache__/serve."))
        flags = int.from_bytes(archive.read(name)[4:8], "little")
    assert flags == 0b01, "a hash, and not to be checked"


def test_the_document_of_the_api_is_inside(dev: Packaged, endpoints: list[Endpoint]) -> None:
    with zipfile.ZipFile(dev.package.path) as archive:
        document = json.loads(archive.read("chalicelib/openapi.json"))
    assert set(document["paths"]) == {route.path for endpoint in endpoints for route in endpoint.routes}


def test_a_dependency_without_a_wheel_for_lambda_is_an_error(tmp_path: Path) -> None:
    # It says what it is, but cannot be built: `chalice package` would ship without it and exit with 0.
    setup = "import sys, setuptools\nif 'bdist_wheel' in sys.argv: raise SystemExit('no')\n"
    setup += "setuptools.setup(name='broken', version='1.0')\n"
    source = tmp_path / "broken-1.0.tar.gz"
    with tarfile.open(source, "w:gz") as archive:
        for name, text in (("setup.py", setup), ("PKG-INFO", "Metadata-Version: 1.0\nName: broken\nVersion: 1.0\n")):
            entry = tarfile.TarInfo(f"broken-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    (tmp_path / "requirements.txt").write_text(f"{source}\n")
    with pytest.raises(CannotBuild, match=r"broken==1\.0"):
        built(tmp_path / "requirements.txt")


def test_a_dependency_that_is_not_to_be_had_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(f"{tmp_path / 'gone.tar.gz'}\n")
    with pytest.raises(CannotBuild):
        built(tmp_path / "requirements.txt")


def _own(unzipped: Path) -> Iterator[Path]:
    for folder in ("chalicelib", "functions"):
        yield from sorted((unzipped / folder).rglob("*.py"))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
