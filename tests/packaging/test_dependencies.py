"""What goes into the zip is what is pinned, whatever else the index offers by now."""

import os
from pathlib import Path

import pytest

from infra.dependencies import _install
from tests.setup.index import Index


def test_newer_releases_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index(tmp_path / "index")
    index.add("alpha", "1.0", ["beta[more]>=1"])
    for version in ("1.0", "2.0"):
        index.add("beta", version, ["gamma; extra == 'more'"], ["more"])
        index.add("gamma", version)
    pins = tmp_path / "requirements.txt"
    pins.write_text(index.lines({"alpha": "1.0", "beta": "1.0", "gamma": "1.0"}))
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    _install(pins, tmp_path / "place")
    found = sorted(path.name for path in (tmp_path / "place").glob("*.dist-info"))
    assert found == ["alpha-1.0.dist-info", "beta-1.0.dist-info", "gamma-1.0.dist-info"]
