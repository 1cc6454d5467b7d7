"""The third-party half of the zip: wheels that run on Lambda, unpacked, thinned and compiled, once per set of pins."""

import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import chalice
from chalice.deploy.packager import (
    DependencyBuilder,
    LambdaDeploymentPackager,
    MissingDependencyError,
    NoSuchPackageError,
    PackageDownloadError,
    PipRunner,
    SubprocessPip,
)
from chalice.utils import OSUtils

from chalicelib.core.endpoints import Package
from infra import botocore_data
from infra.pipeline import ROOT

BUILT = ROOT / ".local" / "dependencies"
LEFT_OUT = (
    # Twilio's asynchronous client and what it alone needs.
    "twilio/http/async_http_client.py",
    *("aiohttp", "aiohttp_retry", "aiosignal", "aiohappyeyeballs", "frozenlist", "multidict", "propcache", "yarl"),
    *("attr", "attrs"),
    # Rewritten by botocore_data.
    "botocore/data",
)
TWILIO_PRODUCTS = ("api", "content", "lookups", "messaging", "verify")
"""Of Twilio's 47 MB of generated clients, which it imports one by one when asked: those of texting and numbers."""
CHALICE_RUNTIME = ("__init__.py", "app.py")
ARCHITECTURE = "x86_64"


class CannotBuild(RuntimeError):
    """A dependency has no wheel that runs on Lambda."""


def pins_of(package: Package, root: Path = ROOT) -> Path:
    """What pins the third-party half of a package."""
    return root / f"requirements{_suffix(package)}.txt"


def zip_name(package: Package) -> str:
    """The file of a package's zip."""
    return f"deployment{_suffix(package)}.zip"


def code_key(package: Package) -> str:
    """The parameter that says under which key the zip of a package lies."""
    return f"CodeKey{package.title()}"


def _suffix(package: Package) -> str:
    return f"-{package}" if package else ""


def built(requirements: Path) -> Path:
    """The folder with everything `requirements` pins and Chalice's runtime; made when the pins or our rules changed."""
    folder = BUILT / _fingerprint(requirements)
    if not folder.exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        unfinished = BUILT / f"{folder.name}.unfinished-{os.getpid()}"
        try:
            _install(requirements, unfinished)
            _thin(unfinished)
            _add_chalice(unfinished)
            compile_all(unfinished)
            # Fails when another process was first, with the same.
            with suppress(OSError):
                unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def compile_all(folder: Path) -> None:
    """Write the bytecode of everything in `folder`, valid without a look at the source: Lambda's clock differs."""
    # In a process of its own, in order: bytecode then depends on nothing but the sources.
    command = [
        sys.executable, "-I", "-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash",
        "-s", str(folder), "-p", "/var/task", str(folder),
    ]  # fmt: skip
    subprocess.run(command, check=True)


def _fingerprint(requirements: Path) -> str:
    about = (sys.version_info[:3], ARCHITECTURE, chalice.__version__, sorted(botocore_data.OPERATIONS.items()))
    digest = hashlib.sha256(repr(about).encode())
    for path in (requirements, Path(__file__), Path(botocore_data.__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _install(requirements: Path, folder: Path) -> None:
    tools = OSUtils()
    builder = DependencyBuilder(tools, PipRunner(SubprocessPip(tools), tools), architecture=ARCHITECTURE)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    abi = LambdaDeploymentPackager._RUNTIME_TO_ABI[version]
    try:
        builder.build_site_packages(abi, str(requirements), str(folder))
    except MissingDependencyError as missing:
        # `chalice package` only says so and ships without.
        names = ", ".join(sorted(package.identifier for package in missing.missing))
        raise CannotBuild(f"no wheel for Lambda ({version}, {ARCHITECTURE}): {names}") from None
    except (NoSuchPackageError, PackageDownloadError) as error:
        raise CannotBuild(str(error)) from None


def _thin(folder: Path) -> None:
    data = botocore_data.slim(folder / "botocore" / "data")
    twilio = folder / "twilio" / "rest"
    unused = [path for path in twilio.iterdir() if path.is_dir() and path.name not in TWILIO_PRODUCTS]
    for path in [*(folder / name for name in LEFT_OUT), *unused]:
        _remove(path)
    for name, content in data.items():
        target = folder / "botocore" / "data" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    for path in [*folder.rglob("*.pyi"), *folder.rglob("RECORD"), *folder.rglob("*.pyc")]:
        path.unlink()


def _remove(path: Path) -> None:
    # All are named for a reason: one that is gone from its wheel should not stay in the list.
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _add_chalice(folder: Path) -> None:
    runtime = folder / "chalice"
    runtime.mkdir()
    for name in CHALICE_RUNTIME:
        shutil.copyfile(Path(chalice.__file__).with_name(name), runtime / name)
