"""What each process of the local system does."""

import socket
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import msgspec

import chalicelib
from chalicelib.core import aws
from chalicelib.core.logging import log
from chalicelib.core.queues import NAMED_QUEUES
from infra.local.api import Api
from infra.local.environment import FIC_DEMO_TOKEN, SECRETS, Surroundings, write_private
from infra.local.processes import Life, Process, Task
from infra.local.provision import provision
from infra.local.relay import run_relay
from infra.local.scheduler import run_scheduler
from infra.local.simulators.fattureincloud import FattureInCloudSimulator, Notices
from infra.local.simulators.fattureincloud_access import Keys
from infra.local.simulators.retell import RetellSimulator
from infra.local.simulators.retell_agent import Addresses
from infra.local.simulators.server import Simulator
from infra.local.simulators.state_file import StateFile
from infra.local.simulators.twilio import Hooks, TwilioSimulator
from infra.local.worker import run_worker

STOP_FIRST, STOP_RELAY, STOP_WORKERS, STOP_SIMULATORS = range(4)
"""What takes requests goes first, so that what they left behind is still worked on; simulators answer to the last."""


def warm() -> None:
    """Import all that any process may need, also what is imported late: once, before the others are forked."""
    import_module("app")
    import_module("infra.local.demo")
    for found in walk_packages(chalicelib.__path__, "chalicelib."):
        if not found.name.startswith("chalicelib.cli"):
            import_module(found.name)


def processes(around: Surroundings, listener: socket.socket, demo: dict[str, Any]) -> list[Process]:
    """Every process but the embedded AWS."""
    log_folder, state = around.folder / "logs", _state_folder(around)
    named: list[tuple[str, Task, int]] = [
        *((vendor, _simulator(around, vendor, demo, state), STOP_SIMULATORS) for vendor in around.simulated),
        ("api", _api(listener), STOP_FIRST),
        *((f"worker-{queue}", _worker(queue), STOP_WORKERS) for queue in NAMED_QUEUES),
        ("relay", _relay(state / "relay.json"), STOP_RELAY),
        ("scheduler", _scheduler, STOP_FIRST),
    ]
    state.mkdir(parents=True, exist_ok=True)
    return [
        Process(name, task if name == "api" else _without(listener, task), log_folder / f"{name}.jsonl", stage)
        for name, task, stage in named
    ]


def check_states(around: Surroundings) -> None:
    """Raises StateUnreadable for a simulator's file that cannot be read."""
    for vendor in around.simulated:
        StateFile(_state_folder(around) / f"{vendor}.json").read()


def _state_folder(around: Surroundings) -> Path:
    return around.folder / "state"


def preparation(file: Path, token: str = "") -> Task:
    """Creates what is missing on the embedded AWS, loads the demo practice, and leaves it in `file`.

    `token`: stays the demo's as long as it is good.
    """

    def task(life: Life) -> None:
        provision()
        from infra.local.demo import load

        write_private(file, msgspec.json.encode(load(token)).decode())

    return task


def _api(listener: socket.socket) -> Task:
    def task(life: Life) -> None:
        api = Api(listener)
        for service in ("dynamodb", "sqs"):
            aws.client(service)  # the first request shall not wait for it
        life.ready()
        api.serve_until(life.stop)

    return task


def _without(listener: socket.socket, task: Task) -> Task:
    def alone(life: Life) -> None:
        listener.close()  # only the API and the parent hold the port
        task(life)

    return alone


def _worker(queue: str) -> Task:
    def task(life: Life) -> None:
        life.ready()
        run_worker([queue], life.stop)

    return task


def _relay(checkpoint: Path) -> Task:
    def task(life: Life) -> None:
        life.ready()
        run_relay(life.stop, checkpoint)

    return task


def _scheduler(life: Life) -> None:
    life.ready()
    run_scheduler(life.stop)


def _simulator(around: Surroundings, vendor: str, demo: dict[str, Any], state: Path) -> Task:
    def task(life: Life) -> None:
        made = _SIMULATORS[vendor](around, demo, state / f"{vendor}.json")
        made.start(around.simulated[vendor])
        log.info("simulator listens", extra={"vendor": vendor, "url": made.url})
        life.ready()
        life.stop.wait()
        made.stop()

    return task


def _retell(around: Surroundings, demo: dict[str, Any], state: Path) -> Simulator:
    hook = f"{around.api}/webhooks/retell"
    key = around.variables[SECRETS["retell"][0]]
    return RetellSimulator(key, Addresses(hook, f"{hook}/function", f"{hook}/inbound"), state_file=state)


def _calcom(around: Surroundings, demo: dict[str, Any], state: Path) -> Simulator:
    # Imported here: its folder may be gone, and the rest runs.
    from infra.local.simulators.calcom.event_types import event_type_from_json
    from infra.local.simulators.calcom.simulator import CalComSimulator, Hook

    key, webhook_secret = (around.variables[name] for name in SECRETS["calcom"])
    return CalComSimulator(
        key,
        event_types=[event_type_from_json(one) for one in demo.get("event_types", ())],
        hook=Hook(f"{around.api}/webhooks/calcom", webhook_secret),
        state_file=state,
    )


def _twilio(around: Surroundings, demo: dict[str, Any], state: Path) -> Simulator:
    hook = f"{around.api}/webhooks/twilio/voice"
    auth_token, account_sid = (around.variables[name] for name in SECRETS["twilio"])
    hooks = Hooks(hook, f"{hook}/status")
    return TwilioSimulator(account_sid, auth_token, hooks=hooks, plays=True, state_file=state)


def _fic(around: Surroundings, demo: dict[str, Any], state: Path) -> Simulator:
    client_id, client_secret = (around.variables[name] for name in SECRETS["fic"])
    return FattureInCloudSimulator(
        Keys(client_id, client_secret, around.variables[FIC_DEMO_TOKEN]),
        notices=Notices(around.signing_key, delay_seconds=1.0),
        state_file=state,
    )


_SIMULATORS = {"retell": _retell, "calcom": _calcom, "twilio": _twilio, "fic": _fic}
