"""`make run` as a whole: up, used, down, up again, killed; on ports and in a folder of its own."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from chalicelib.core.clock import now
from infra.local import shape
from infra.local.emulator.files import write
from infra.local.emulator.generations import Store
from infra.local.environment import VENDORS, survey
from infra.local.ministack import free_port
from infra.local.ports import listen
from tests.local.checkout import START_SECONDS, Checkout, alive, stopped, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    made = Checkout(tmp_path_factory.mktemp("local"))
    yield made
    made.end()


def test_it_comes_up_serves_and_keeps_its_data_over_a_stop(checkout: Checkout) -> None:
    running = checkout.start()
    first = checkout.ready()
    assert first["api"] == f"http://127.0.0.1:{checkout.port}"
    assert set(first["simulators"]) == set(VENDORS)
    assert all(alive(pid) for pid in first["pids"].values())
    # What is printed comes a moment after the file.
    until(lambda: first["token"] in checkout.output(), START_SECONDS)
    assert requests.post(f"{first['api']}/webhooks/retell", data=b"{}", timeout=10).status_code == 401
    health = checkout.get("/api/ops/health")
    assert health["ok"]
    until(lambda: checkout.get("/api/ops/health")["relay"]["seen_at"], START_SECONDS)

    played = checkout.run("infra.local.demo_call")
    assert played.returncode == 0, played.stdout
    missed = checkout.run("infra.local.demo_missed_call")
    assert missed.returncode == 0, missed.stdout
    contested = checkout.run("infra.local.demo_booking")
    assert contested.returncode == 0, contested.stdout
    calls = checkout.get("/api/calls")["data"]
    assert [call["booking_confirmed"] for call in calls] == [True]

    assert stopped(running, signal.SIGINT, first["pids"]) == 0, checkout.output()
    assert not checkout.file.exists()
    checkout.start()
    assert checkout.get("/api/calls")["data"] == calls
    # The caller moved it: at Cal.com that is another booking, and the first one is cancelled.
    assert sorted(booking["status"] for booking in checkout.bookings()) == ["accepted", "cancelled"]


def test_what_dies_is_started_again_and_a_kill_leaves_nothing_behind(checkout: Checkout) -> None:
    running = checkout.running or checkout.start()
    before = checkout.ready()["pids"]
    again = checkout.run("infra.local.run")
    assert again.returncode == 1
    assert f"already runs from this checkout, on http://127.0.0.1:{checkout.port}" in again.stderr
    assert f"kill {running.pid}" in again.stderr

    killed = ("api", "worker-default", "relay")
    for name in killed:
        os.kill(before[name], signal.SIGKILL)
    until(lambda: all(checkout.ready()["pids"][name] != before[name] for name in killed), 10)
    assert "worker-default ended unexpectedly (killed by SIGKILL); it is started again" in checkout.output()
    checkout.get("/api/calls")

    stopped(running, signal.SIGKILL, checkout.ready()["pids"])
    running = checkout.start()
    checkout.get("/api/calls")
    assert stopped(running, signal.SIGTERM, checkout.ready()["pids"]) == 0, checkout.output()


def test_a_taken_port_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    with listen(checkout.port):
        refused = checkout.run("infra.local.run")
    assert refused.returncode == 1
    assert f"port {checkout.port} is taken" in refused.stderr
    assert "PILOT_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run.lock"]


@pytest.mark.parametrize("name", ["state/calcom.json", "keys.json", "ports.json"])
def test_a_file_that_cannot_be_read_is_named_and_left_alone(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"bookings": [{"uid": ')
    refused = Checkout(tmp_path).run("infra.local.run")
    assert refused.returncode == 1
    assert f"{file} cannot be read" in refused.stderr
    assert "move it away" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert file.read_text() == '{"bookings": [{"uid": '


def test_data_that_cannot_be_read_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    shape.check(tmp_path)  # made by this very version
    store = Store(tmp_path / "aws")
    store.take_objects(None)
    folder = store.begin()
    store.link_objects(folder)
    file = folder / "services" / "dynamodb.json"
    write(file, b"{}")
    store.finish(folder, now())
    file.write_text("{")
    refused = Checkout(tmp_path).run("infra.local.run")
    assert refused.returncode == 1
    assert f"{file} was changed or cut off" in refused.stderr
    assert "make reset" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert file.read_text() == "{"
    assert not (tmp_path / "ready.json").exists()


@pytest.mark.parametrize("port", ["eighty", "0", "70000"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    refused = Checkout(tmp_path).run("infra.local.run", PILOT_PORT=port)
    assert refused.returncode == 1
    assert "PILOT_PORT" in refused.stderr


def test_real_credentials_mean_no_simulator(tmp_path: Path) -> None:
    around = survey({"RETELL_API_KEY": "key_real"}, free_port(), tmp_path)
    assert set(around.simulated) == {"calcom", "fic", "twilio"}
    assert "RETELL_API_KEY" not in around.variables
    assert "RETELL_BASE_URL" not in around.variables
    environ = {"AWS_PROFILE": "mine", "AWS_SESSION_TOKEN": "x", "RETELL_API_KEY": "key_real"}
    around.apply(environ)
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & set(environ)
    assert environ["RETELL_API_KEY"] == "key_real"
    assert environ["AWS_ENDPOINT_URL"] == around.aws


def test_ports_and_keys_are_those_of_the_last_start(tmp_path: Path) -> None:
    port = 64_000
    first = survey({}, port, tmp_path)
    assert len({port, first.aws_port, *first.simulated.values()}) == 6
    assert survey({}, port, tmp_path) == first
    with listen(first.aws_port):
        other = survey({}, port, tmp_path)
    assert other.aws_port != first.aws_port
    assert other.simulated == first.simulated
    assert other.variables["RETELL_API_KEY"] == first.variables["RETELL_API_KEY"]


def test_nothing_runs_nothing_is_played(tmp_path: Path) -> None:
    played = Checkout(tmp_path).run("infra.local.demo_call")
    assert played.returncode == 1
    assert "make run" in played.stdout
