"""Setting up from an index of a few tiny packages: what is pinned is installed, or named where it is not to be had."""

import json
import shutil
from pathlib import Path

import pytest

from tests.setup.index import PYTHON, UV, Checkout, Index, checkout

PINNED = {"alpha": "1.0", "beta": "1.0", "gamma": "1.0"}


def publish(index: Index) -> None:
    """What is pinned, and newer releases of all of it; beta's extra is asked for by alpha alone."""
    for version in ("1.0", "1.1"):
        index.add("alpha", version, ["beta[more]>=1"])
    index.add("beta", "1.0", ["gamma; extra == 'more'"], ["more"])
    index.add("beta", "2.0", ["gamma; extra == 'more'", "delta; extra == 'more'"], ["more"])
    index.add("gamma", "1.0")
    index.add("gamma", "3.0")
    index.add("delta", "1.0")


def with_tools(folder: Path, *, offers_uv: bool) -> Path:
    """A checkout whose installer came from an index; where that offers no uv, it is pip."""
    index = Index(folder / "index")
    if offers_uv:
        index.add_program("uv", "0.1", UV)
    else:
        index.add("uv", "0.1")
    made = checkout(folder / "checkout", index)
    made.pin(uv=index.lines({"uv": "0.1"}))
    if not offers_uv:
        index.withdraw("uv", "0.1")
    done = made.set_up("run", PYTHON=str(PYTHON))
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("uv" in made.installed(".local/setup-venv")) == offers_uv
    assert ("pip installs all the rest" in done.stdout) != offers_uv
    return made.folder


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_tools(tmp_path_factory.mktemp("uv"), offers_uv=True)


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_tools(tmp_path_factory.mktemp("pip"), offers_uv=False)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    made = Index(tmp_path / "index")
    publish(made)
    return made


@pytest.fixture
def fresh(tmp_path: Path, index: Index, uv: Path) -> Checkout:
    """A checkout that has been set up for nothing yet."""
    return pinned(checkout(tmp_path / "checkout", index, tools=uv), index)


@pytest.fixture(params=["uv", "pip"])
def either(tmp_path: Path, index: Index, request: pytest.FixtureRequest) -> Checkout:
    """The same, once with uv and once with pip."""
    return pinned(checkout(tmp_path / "checkout", index, tools=request.getfixturevalue(request.param)), index)


def pinned(made: Checkout, index: Index) -> Checkout:
    made.pin(run=index.lines({"gamma": "1.0"}), dev=index.lines(PINNED), ministack=index.lines({"delta": "1.0"}))
    return made


def test_what_is_pinned_is_installed_though_all_of_it_has_newer_releases(either: Checkout) -> None:
    done = either.set_up("dev")
    assert done.returncode == 0, done.stdout + done.stderr
    assert either.installed() == PINNED
    assert either.installed(".local/ministack-venv") == {"delta": "1.0"}


def test_running_needs_less_than_testing_and_what_is_there_stays(fresh: Checkout, index: Index) -> None:
    fresh.set_up("run")
    assert fresh.installed() == {"gamma": "1.0"}
    fresh.set_up("dev")
    assert fresh.installed() == PINNED
    shutil.rmtree(index.folder)
    again = [fresh.set_up("run"), fresh.set_up("dev")]
    assert [(done.returncode, done.stdout) for done in again] == [(0, ""), (0, "")]
    assert fresh.installed() == PINNED


def test_other_pins_replace_what_is_installed(fresh: Checkout, index: Index) -> None:
    fresh.set_up("dev")
    fresh.pin(dev=index.lines({"gamma": "3.0"}))
    # Running does not need them, but what was there for testing is kept in step.
    fresh.set_up("run")
    assert fresh.installed() == {"gamma": "3.0"}
    fresh.pin(dev=index.lines({"gamma": "3.0", "delta": "1.0"}))
    index.withdraw("delta", "1.0")
    assert fresh.set_up("dev").returncode == 1
    # Nobody can say what is in it now: the next time begins anew.
    assert not (fresh.folder / ".venv" / "pilot-stamp").exists()
    index.add("delta", "1.0")
    assert fresh.set_up("run").returncode == 0


def test_a_pin_that_is_gone_is_named(either: Checkout, index: Index) -> None:
    index.withdraw("beta", "1.0")
    failed = either.set_up("dev")
    assert failed.returncode == 1
    assert "Setup cannot go on: beta 1.0, which requirements-dev.txt pins, is not offered" in failed.stderr
    assert "make requirements" in failed.stderr
    assert "beta==1.0" in failed.stdout, "the installer's own words"


def test_a_package_that_is_gone_is_named(fresh: Checkout, index: Index) -> None:
    shutil.rmtree(index.folder / "gamma")
    assert "gamma 1.0, which requirements-run.txt pins, is not offered" in fresh.set_up("run").stderr


def test_another_file_than_the_pinned_one_is_not_installed(either: Checkout, index: Index) -> None:
    index.add("beta", "1.0", ["gamma; extra == 'more'", "delta"], ["more"])
    failed = either.set_up("dev")
    assert failed.returncode == 1
    assert "What is offered as beta 1.0 is not the file that requirements-dev.txt pins" in failed.stderr
    assert "beta" not in either.installed()


def test_a_pin_without_a_hash_is_not_installed(either: Checkout) -> None:
    either.pin(run="gamma==1.0\n")
    failed = either.set_up("run")
    assert failed.returncode == 1
    assert "requirements-run.txt" in failed.stderr
    assert either.installed() == {}


def test_pins_that_do_not_fit_each_other_are_refused(either: Checkout, index: Index) -> None:
    either.pin(run=index.lines({"alpha": "1.0"}))
    failed = either.set_up("run")
    assert failed.returncode == 1
    assert "beta" in failed.stdout
    assert "requirements-run.txt" in failed.stderr


def test_several_indexes_and_folders_that_are_not_there(fresh: Checkout, index: Index, tmp_path: Path) -> None:
    # The first to be asked knows beta, but not the release that is pinned.
    other = Index(tmp_path / "other")
    other.add("beta", "0.5")
    fresh.configuration += f"extra-index-url = {other.url}\n  {(tmp_path / 'gone').as_uri()}\n"
    fresh.configuration += f"find-links = {tmp_path / 'nothing-here'}\n"
    done = fresh.set_up("dev")
    assert done.returncode == 0, done.stdout + done.stderr
    assert fresh.installed() == PINNED


def test_an_index_may_be_a_folder_of_files_alone(fresh: Checkout, index: Index, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for wheel in index.folder.glob("*/*.whl"):
        shutil.copy(wheel, files)
    fresh.configuration = f"[install]\nno-index = true\nfind-links = {files}\n"
    done = fresh.set_up("dev")
    assert done.returncode == 0, done.stdout + done.stderr
    assert fresh.installed() == PINNED


def test_an_index_that_cannot_be_reached_is_not_taken_for_a_missing_pin(either: Checkout) -> None:
    either.configuration = "[global]\nindex-url = http://127.0.0.1:9/simple\nretries = 1\n"
    failed = either.set_up("run", UV_HTTP_RETRIES="0")
    assert failed.returncode == 1
    assert "The package index cannot be reached" in failed.stderr


def test_an_environment_that_was_moved_is_made_anew(fresh: Checkout) -> None:
    fresh.set_up("run")
    moved = Checkout(fresh.folder.with_name("moved"), fresh.configuration, fresh.cache)
    fresh.folder.rename(moved.folder)
    assert "requirements-run.txt" in moved.set_up("run").stdout
    assert json.loads((moved.folder / ".venv" / "pilot-stamp").read_text())["folder"] == str(moved.folder / ".venv")


def test_pinning_anew_keeps_what_is_pinned_unless_asked_and_looks_at_the_index_alone(
    fresh: Checkout, index: Index, tmp_path: Path
) -> None:
    index.add("uv", "0.1")
    nearby = Index(tmp_path / "nearby")
    nearby.add("alpha", "9.0")
    fresh.configuration += f"extra-index-url = {nearby.url}\n"
    requirements = {"": "alpha\n", "-run": "-r requirements.txt\n", "-dev": "", "-ministack": "delta\n", "-uv": "uv\n"}
    requirements |= {"-images": "-r requirements.txt\n", "-video": "-r requirements.txt\n"}
    for suffix, text in requirements.items():
        (fresh.folder / f"requirements{suffix}.in").write_text(text)
    (fresh.folder / "requirements.txt").write_text(index.lines(PINNED))

    def locked(name: str) -> dict[str, str]:
        lines = (fresh.folder / name).read_text().splitlines()
        return dict(line.removesuffix(" \\").split("==") for line in lines if "==" in line)

    installing = (fresh.folder / "requirements-uv.txt").read_text()
    done = fresh.set_up("lock")
    assert done.returncode == 0, done.stdout + done.stderr
    assert locked("requirements.txt") == locked("requirements-run.txt") == PINNED
    assert index.hashes["beta", "1.0"] in (fresh.folder / "requirements-run.txt").read_text()
    (fresh.folder / "requirements-uv.txt").write_text(installing)  # the uv that this index offers does nothing
    fresh.set_up("lock", "--upgrade")
    newest = {"alpha": "1.1", "beta": "2.0", "delta": "1.0", "gamma": "3.0"}
    assert locked("requirements.txt") == locked("requirements-run.txt") == newest


def test_an_unknown_errand_is_refused(fresh: Checkout) -> None:
    assert fresh.set_up("everything").returncode == 2
