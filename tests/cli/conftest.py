"""`pilot` against an account of its own on the embedded AWS, played as the running local system or as a stage."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chalicelib.cli.main import cli
from chalicelib.core.settings import settings
from tests.conftest import EmbeddedAws
from tests.core.trial_area import Doing, trial_area


class Pilot:
    """Runs commands. `folder` is where `make run` would keep its data."""

    def __init__(self, folder: Path, aws: EmbeddedAws) -> None:
        self.folder = folder
        self.aws = aws

    def start(self, **facts: Any) -> None:
        """Be the running local system."""
        environment = self.aws.environment()
        ready = {"api": "http://127.0.0.1:8000", "token": "t", "aws": self.aws.url, "environment": environment} | facts
        (self.folder / "ready.json").write_text(json.dumps(ready))

    def __call__(self, *words: str, stdin: str | None = None) -> Result:
        """Run `pilot …`."""
        runner = CliRunner(env={"PILOT_LOCAL_DIR": str(self.folder)})
        result = runner.invoke(cli, list(words), input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *words: str) -> Any:
        """What the command prints as JSON; it must succeed."""
        result = self(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def pilot(aws: EmbeddedAws, tmp_path: Path) -> Pilot:
    """The command line beside a running local system."""
    made = Pilot(tmp_path, aws)
    made.start()
    return made


@pytest.fixture
def stage(aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pilot:
    """The command line with credentials of an account in which stage `dev` stands."""
    from infra.local.provision import provision

    monkeypatch.setenv("PILOT_PREFIX", "pilot-dev")
    settings.cache_clear()
    provision()
    monkeypatch.delenv("PILOT_PREFIX")
    monkeypatch.delenv("AWS_ACCOUNT_ID")
    settings.cache_clear()
    return Pilot(tmp_path, aws)


@pytest.fixture
def doing(aws: EmbeddedAws) -> Iterator[Doing]:
    """The area `trial`, whose jobs the tests put on queues."""
    with trial_area() as made:
        yield made
