"""A package index in a folder, of wheels that hold next to nothing, and checkouts that set up from it alone."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.ministack import ROOT

PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
NOWHERE = "http://127.0.0.1:9"
UV = ROOT / ".local" / "setup-venv" / "bin" / "uv"
REQUIREMENTS = ("", "-run", "-dev", "-ministack", "-uv")
Pins = dict[str, str]
"""Versions by package."""


@dataclass
class Index:
    """Pages as PEP 503 wants them: a folder for each package, with links that carry hashes."""

    folder: Path
    hashes: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where installers find it."""
        return self.folder.as_uri()

    def add(self, name: str, version: str, requires: Iterable[str] = (), extras: Iterable[str] = ()) -> None:
        """Publish a release with one module. An entry of `requires` may be for an extra: `gamma; extra == 'more'`."""
        lines = [f"Requires-Dist: {each}\n" for each in requires] + [f"Provides-Extra: {each}\n" for each in extras]
        self._publish(name, version, "".join(lines), {f"{name}/__init__.py": f"version = {version!r}\n".encode()})

    def add_program(self, name: str, version: str, program: Path) -> None:
        """Publish a release that puts a program into the environment."""
        self._publish(name, version, "", {f"{name}-{version}.data/scripts/{name}": program.read_bytes()})

    def withdraw(self, name: str, version: str) -> None:
        """Take a release off the index."""
        (self.folder / name / _file(name, version)).unlink()
        self._write_page(name)

    def lines(self, pins: Pins) -> str:
        """A file of pins, with the hashes of what was published, also of what was withdrawn."""
        return "".join(f"{n}=={v} --hash=sha256:{self.hashes[n, v]}\n" for n, v in pins.items())

    def _publish(self, name: str, version: str, metadata: str, files: dict[str, bytes]) -> None:
        about = f"{name}-{version}.dist-info"
        files[f"{about}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}".encode()
        files[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        record = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in files.items()]
        files[f"{about}/RECORD"] = "\n".join([*record, f"{about}/RECORD,,", ""]).encode()
        path = self.folder / name / _file(name, version)
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as wheel:
            for inside, content in files.items():
                entry = zipfile.ZipInfo(inside)
                entry.external_attr = (0o100755 if ".data/scripts/" in inside else 0o100644) << 16
                wheel.writestr(entry, content)
        self.hashes[name, version] = hashlib.sha256(path.read_bytes()).hexdigest()
        self._write_page(name)

    def _write_page(self, name: str) -> None:
        wheels = [path.name for path in sorted((self.folder / name).glob("*.whl"))]
        hashes = {_file(n, v): digest for (n, v), digest in self.hashes.items()}
        links = [f'<a href="{wheel}#sha256={hashes[wheel]}">{wheel}</a>\n' for wheel in wheels]
        (self.folder / name / "index.html").write_text("".join(links))


@dataclass
class Checkout:
    """A folder with the set-up and files of pins. `configuration`: the text of a pip.conf, all that it is told."""

    folder: Path
    configuration: str
    cache: Path

    def pin(self, **files: str) -> None:
        """Write files of pins: `run=` is `requirements-run.txt`. All that are not given pin nothing."""
        for suffix in REQUIREMENTS:
            path = self.folder / f"requirements{suffix}.txt"
            if suffix[1:] in files or not path.exists():
                path.write_text(files.get(suffix[1:], ""))

    def set_up(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """`infra/setup.sh`, where nothing but the index can be reached."""
        (self.folder / "pip.conf").write_text(self.configuration)
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "SSL_"))}
        headers = {
            "PIP_CONFIG_FILE": str(self.folder / "pip.conf"),
            "PIP_CACHE_DIR": str(self.cache / "pip"),
            "UV_CACHE_DIR": str(self.cache / "uv"),
            "HTTPS_PROXY": NOWHERE,
            "HTTP_PROXY": NOWHERE,
        }
        command = [str(self.folder / "infra" / "setup.sh"), *arguments]
        return subprocess.run(
            command, env=own | headers | environment, capture_output=True, text=True, timeout=300, check=False
        )

    def installed(self, environment: str = ".venv") -> Pins:
        """What an environment holds."""
        found = (self.folder / environment).glob("lib/python*/site-packages/*.dist-info")
        return dict(sorted(path.name.removesuffix(".dist-info").split("-")[:2] for path in found))


def checkout(folder: Path, index: Index, *, tools: Path | None = None) -> Checkout:
    """A new checkout that knows this index alone; `tools`: the folder of another one, whose installer it shares."""
    shutil.copytree(ROOT / "infra" / "setup", folder / "infra" / "setup")
    shutil.copy(ROOT / "infra" / "setup.sh", folder / "infra" / "setup.sh")
    (folder / "infra" / "__init__.py").touch()
    if tools:
        shutil.copy(tools / "requirements-uv.txt", folder)
        (folder / ".local").mkdir()
        (folder / ".local" / "setup-venv").symlink_to(tools / ".local" / "setup-venv")
    return Checkout(folder, f"[global]\nindex-url = {index.url}\n", folder / "cache")


def _file(name: str, version: str) -> str:
    return f"{name}-{version}-py3-none-any.whl"


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
