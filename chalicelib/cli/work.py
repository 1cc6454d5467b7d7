"""`pilot work`: a worker in the foreground."""

import logging
import signal
import threading
from collections.abc import Sequence
from typing import Any, TextIO, cast

import click

from chalicelib.cli.log_lines import LineStream
from chalicelib.cli.output import Failed, note
from chalicelib.cli.stage import Stage, adopt, on_stage
from chalicelib.core import aws
from chalicelib.core.discovery import all_endpoints
from chalicelib.core.logging import log
from chalicelib.core.queues import LANES, lanes_of
from chalicelib.core.settings import settings
from chalicelib.core.worker import run_worker

LOOK_EVERY_SECONDS = 0.2


class _Queues(click.ParamType[tuple[str, ...]]):
    """Names of queues, each with all its lanes, or of single lanes, separated by commas."""

    name = "a,b"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        names = tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
        unknown = [name for name in names if not lanes_of(name)]
        if unknown or not names:
            self.fail(f"No such queue: {', '.join(unknown) or '(none given)'}. There are {', '.join(LANES)}.")
        return tuple(dict.fromkeys(lane for name in names for lane in lanes_of(name)))


@click.command()
@click.option("--queue", "queues", type=_Queues(), default=LANES, show_default="all", help="In this priority.")
@on_stage
def work(stage: Stage, queues: tuple[str, ...]) -> None:
    """Work off queues until Ctrl-C; the message in hand is finished first.

    An earlier queue goes before a later one, a queue's own lane before its others. Dead letters of these queues are
    moved to the failed jobs.
    """
    stage.connect()
    adopt_worker(queues[0], stage)
    if not stage.local:
        note(f"The Lambdas of {stage.name} take messages from these queues as well.")
    note(f"Working {', '.join(queues)}. Ctrl-C stops.")
    handler = cast("logging.StreamHandler[TextIO]", log.registered_handler)
    before = handler.stream
    handler.setStream(cast(TextIO, LineStream(stage.as_json)))
    log.setLevel(settings().log_level)  # here the log is what is shown
    try:
        work_until_stopped(queues)
    finally:
        handler.setStream(before)


def work_until_stopped(queues: Sequence[str]) -> None:
    """Run the worker beside this thread, which waits for SIGINT or SIGTERM; raises Failed when the worker dies."""
    stop, died = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            run_worker(queues, stop)
        except BaseException as error:  # noqa: BLE001 - told to the person at the terminal below
            died.append(error)

    # Beside this thread, so that a signal interrupts waiting and never a job.
    worker = threading.Thread(target=run, name="worker")
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    worker.start()
    try:
        while worker.is_alive():
            worker.join(LOOK_EVERY_SECONDS)
    except KeyboardInterrupt:
        note("Finishing the message in hand …")
    finally:
        stop.set()
        worker.join()
        signal.signal(signal.SIGTERM, previous)
    if died:
        raise Failed(f"The worker died: {type(died[0]).__name__}: {died[0]}") from died[0]


def connect_as_worker(stage: Stage) -> None:
    """Connect, and on a deployed stage take on what its own workers are told: base URLs, the default company."""
    stage.connect()
    adopt_worker("default", stage)


def adopt_worker(queue: str, stage: Stage) -> None:
    """Take on the settings that the stage's own worker of the queue has; the local system's are known already."""
    if not stage.local:
        adopt(_lambda_environment(queue, stage))


def _lambda_environment(queue: str, stage: Stage) -> dict[str, str]:
    """What the stage's own worker of the queue is told: base URLs, addresses, where secrets lie."""
    endpoint = next(
        endpoint
        for endpoint in all_endpoints()
        if endpoint.kind == "queue" and endpoint.queue == queue and not endpoint.dead
    )
    answer = aws.client("lambda").get_function_configuration(FunctionName=endpoint.function_name(stage.prefix))
    given: dict[str, str] = answer.get("Environment", {}).get("Variables", {})
    return {name: value for name, value in given.items() if not name.startswith("AWS_")}
