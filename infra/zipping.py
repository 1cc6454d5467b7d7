"""The deployment zip: the same bytes for the same sources, bytecode included."""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chalicelib.core import watched
from chalicelib.core.endpoints import Endpoint, Package
from chalicelib.core.openapi import document, encode
from infra.dependencies import built, compile_all, pins_of
from infra.pipeline import ROOT

NOT_SHIPPED = ("chalicelib/cli",)
OLDEST = (1980, 1, 1, 0, 0, 0)
"""The first date a zip can hold; every entry gets it."""


LARGE_BYTES = 10_000_000
"""Programs of this size are packed quickly: what the best compression saves of them would take half a minute."""


@dataclass(frozen=True)
class Zip:
    """A package's zip and its figures. `unzipped_bytes` is what Lambda limits."""

    path: Path
    digest: str
    zip_bytes: int
    unzipped_bytes: int


def write_package(path: Path, endpoints: list[Endpoint], package: Package = "", root: Path = ROOT) -> Zip:
    """Write the zip of `package`: dependencies, chalicelib, what `vendor/` leads to, what is known of `endpoints`."""
    third_party = built(pins_of(package, root))
    with tempfile.TemporaryDirectory() as scratch:
        own = Path(scratch)
        _copy_own(root, own)
        (own / "chalicelib" / "openapi.json").write_bytes(encode(document(endpoints)))
        (own / "chalicelib" / watched.FILE.name).write_bytes(msgspec.json.encode(watched.of_endpoints(endpoints)))
        compile_all(own)
        unzipped = _write(path, {**_files(third_party), **_files(own)})
    content = path.read_bytes()
    return Zip(path, hashlib.sha256(content).hexdigest(), len(content), unzipped)


def _copy_own(root: Path, place: Path) -> None:
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(root / "chalicelib", place / "chalicelib", ignore=ignore)
    for name in NOT_SHIPPED:
        shutil.rmtree(place / name)
    # As Chalice does: what lies in vendor/ comes to stand at the top, links followed.
    for entry in sorted((root / "vendor").iterdir()):
        if entry.is_dir():
            shutil.copytree(entry, place / entry.name, ignore=ignore)


def _files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in _walk(folder)}


def _walk(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _runs(name: str, path: Path) -> bool:
    return name.endswith(".so") or bool(path.stat().st_mode & 0o100 and "/binaries/" in name)


def _write(target: Path, files: dict[str, Path]) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, OLDEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if _runs(name, files[name]) else 0o100644) << 16
            content = files[name].read_bytes()
            archive.writestr(entry, content, compresslevel=1 if len(content) > LARGE_BYTES else 9)
            size += len(content)
    return size
