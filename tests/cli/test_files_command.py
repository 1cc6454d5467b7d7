"""`pilot files`: a file goes up as a client's does, is listed, and comes back without what it should not tell."""

from pathlib import Path

import pytest

from tests.cli.conftest import Pilot
from tests.draining import drain
from tests.files import samples


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the command waits, the workers work."""
    monkeypatch.setattr("chalicelib.cli.files.pause", lambda seconds: drain())


def test_a_file_is_put_listed_and_got(pilot: Pilot, worked: None, tmp_path: Path) -> None:
    source = tmp_path / "arm.jpg"
    source.write_bytes(samples.photo())
    (file,) = pilot.json("files", "put", str(source), "--company", "com_test")
    assert (file["state"], file["kind"], file["bytes"]) == ("ready", "image/jpeg", len(samples.photo()))
    assert pilot.json("files", "list", "--company", "com_test") == [file]
    assert pilot.json("files", "list", "--company", "com_other") == []
    plain, original = tmp_path / "plain.jpg", tmp_path / "original.jpg"
    pilot.json("files", "get", file["id"], "--company", "com_test", "--to", str(plain))
    pilot.json("files", "get", file["id"], "--company", "com_test", "--variant", "original", "--to", str(original))
    assert b"Secret" not in plain.read_bytes()
    assert original.read_bytes() == samples.photo()
    again = pilot("files", "get", file["id"], "--company", "com_test", "--to", str(plain))
    assert (again.exit_code, "is there already" in again.stderr) == (1, True)


def test_what_is_refused_ends_with_the_reason(pilot: Pilot, worked: None, tmp_path: Path) -> None:
    for name, content, said in (
        ("a.txt", samples.EICAR, "malware"),
        ("a.html", samples.PAGE, "is."),
    ):
        source = tmp_path / name
        source.write_bytes(content)
        result = pilot("files", "put", str(source), "--company", "com_test")
        assert (result.exit_code, said in result.stderr) == (1, True), result.stderr
    result = pilot("files", "get", "fil_none", "--company", "com_test")
    assert (result.exit_code, "There is no file" in result.stderr) == (1, True)
