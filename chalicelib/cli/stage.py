"""Which stage a command works on, and how it gets there: the local system's own facts, or AWS credentials."""

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from chalicelib.cli.failures import EXPLAINABLE, explained
from chalicelib.cli.output import Failed
from chalicelib.core import aws
from chalicelib.core.correlation import correlated
from chalicelib.core.logging import log
from chalicelib.core.settings import settings

STAGES = ("local", "dev", "prod")
FOLDER = Path(__file__).resolve().parents[2] / ".local"
NOT_RUNNING = "The local system is not running: start it with `make run`, or name a stage with --stage."
DEFAULT_REGION = "eu-central-1"
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Stage:
    """What this run of `pilot` was told. `folder`: where the local system keeps its data and logs."""

    name: str = "local"
    as_json: bool = False
    folder: Path = FOLDER

    @property
    def local(self) -> bool:
        """Whether it is the system that `make run` starts."""
        return self.name == "local"

    @property
    def prefix(self) -> str:
        """What the names of all its resources begin with."""
        return f"pilot-{self.name}"

    def ready(self) -> dict[str, Any]:
        """What the running local system says of itself; raises Failed when none runs."""
        try:
            facts: dict[str, Any] = json.loads((self.folder / "ready.json").read_text())
        except (OSError, ValueError):
            raise Failed(NOT_RUNNING) from None
        if not _alive(facts.get("pids", {}).get("supervisor")):
            raise Failed(NOT_RUNNING)
        return facts

    def connect(self) -> None:
        """Let core's clients and settings, until this command ends, be those of the stage. Raises Failed.

        What core logs of its calls is for logs, not for whoever waits for a table: until then only warnings are shown.
        """
        _only_warnings()
        _take_on(self._local_environment() if self.local else self._deployed_environment(), replace_aws=self.local)

    def _local_environment(self) -> dict[str, str]:
        facts = self.ready()
        given: dict[str, str] = facts.get("environment") or {
            "AWS_ENDPOINT_URL": facts["aws"],
            "AWS_ACCESS_KEY_ID": "000000000000",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ACCOUNT_ID": "000000000000",
            "AWS_REGION": DEFAULT_REGION,
            "PILOT_STAGE": "local",
            "PILOT_PREFIX": self.prefix,
        }
        return given

    def _deployed_environment(self) -> dict[str, str]:
        import boto3

        session = boto3.Session()
        region = session.region_name or DEFAULT_REGION
        account = session.client("sts", region_name=region).get_caller_identity()["Account"]
        return {
            "AWS_REGION": region,
            "AWS_ACCOUNT_ID": account,
            "PILOT_STAGE": self.name,
            "PILOT_PREFIX": self.prefix,
            "PILOT_QUEUE_BASE_URL": "",
            "PILOT_SECRETS_FROM": "parameter-store",
        }


def adopt(variables: dict[str, str]) -> None:
    """Take on further settings until this command ends, such as those of a stage's Lambda."""
    _take_on(variables, replace_aws=False)


def _only_warnings() -> None:
    before = log.log_level
    log.setLevel(max(before, logging.WARNING))
    click.get_current_context().call_on_close(lambda: log.setLevel(before))


def _take_on(variables: dict[str, str], *, replace_aws: bool) -> None:
    before = dict(os.environ)

    def restore() -> None:
        os.environ.clear()
        os.environ.update(before)
        _forget()

    click.get_current_context().call_on_close(restore)
    if replace_aws:
        # No profile or endpoint of a real account may reach into what is meant for this machine.
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
    os.environ.update(variables)
    _forget()


def _forget() -> None:
    settings.cache_clear()
    aws.forget_clients()


def _alive(pid: int | None) -> bool:
    if pid is None:
        return True  # it does not say; the first call will show
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def as_one(name: str, kind: type[Any]) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Give a command the options that are fields of the Struct `kind` as one argument of that name."""

    def decorate(command: Callable[..., R]) -> Callable[..., R]:
        @wraps(command)
        def run(*args: Any, **options: Any) -> R:
            fields = {field: options.pop(field) for field in kind.__struct_fields__}
            return command(*args, **options, **{name: kind(**fields)})

        return run

    return decorate


def on_stage(command: Callable[Concatenate[Stage, P], R]) -> Callable[..., R]:
    """Give a command `--stage` and `--json` (also accepted before its name) and the `Stage` as its first argument.

    Failures of AWS and of core end the command with a message that says what to do next, and exit code 1.
    """

    @click.option("--stage", type=click.Choice(STAGES), help="The system to work on; local unless said otherwise.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @click.pass_context
    @wraps(command)
    def run(context: click.Context, /, *args: P.args, **rest: P.kwargs) -> R:
        name, as_json = rest.pop("stage"), rest.pop("as_json")
        stage = context.find_object(Stage) or Stage()
        stage = replace(stage, name=str(name or stage.name), as_json=bool(as_json or stage.as_json))
        try:
            with correlated():
                return command(stage, *args, **rest)
        except EXPLAINABLE as error:
            raise explained(error, stage.name) from error

    return run
