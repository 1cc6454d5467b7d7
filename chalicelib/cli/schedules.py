"""`pilot schedules`: what runs by the clock, and running it now."""

import json
import uuid
from typing import Any

import click

from chalicelib.cli.output import Failed, note, print_json, print_table
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core.clock import now
from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import Endpoint
from chalicelib.core.settings import settings

COLUMNS = {"name": "Name", "schedule": "Schedule (UTC)", "area": "Area", "lambda": "Lambda", "does": "Does"}
LONGEST_RUN_SECONDS = 900
"""Lambda's own limit."""


def schedule_endpoints() -> dict[str, Endpoint]:
    """Every schedule by name."""
    return {endpoint.name: endpoint for endpoint in all_endpoints() if endpoint.kind == "schedule"}


@click.group()
def schedules() -> None:
    """What runs by the clock."""


@schedules.command("list")
@on_stage
def list_schedules(stage: Stage) -> None:
    """Every schedule with its expression."""
    rows = [
        {
            "name": endpoint.name,
            "schedule": endpoint.schedule,
            "area": endpoint.area,
            "lambda": endpoint.function_name(stage.prefix),
            "does": endpoint.doc.strip().partition("\n")[0],
        }
        for endpoint in schedule_endpoints().values()
    ]
    print_table(rows, COLUMNS, as_json=stage.as_json, empty="No schedules.")


@schedules.command()
@click.argument("name")
@on_stage
def run(stage: Stage, name: str) -> None:
    """Run a schedule now: in this process for the local system, in its Lambda on a deployed stage."""
    endpoints = schedule_endpoints()
    if name not in endpoints:
        raise click.UsageError(f"There is no schedule {name}; there are {', '.join(endpoints) or 'none'}.")
    stage.connect()
    started = now()
    answer = run_here(endpoints[name]) if stage.local else run_deployed(endpoints[name], stage)
    seconds = round((now() - started).total_seconds(), 2)
    if stage.as_json:
        print_json({"name": name, "answer": answer, "seconds": seconds})
    else:
        note(f"{name} ran in {seconds} s.", style="green")


def run_here(endpoint: Endpoint) -> Any:
    """Run it in this process; raises Failed."""
    try:
        return endpoint.entry(scheduled_event(endpoint), None)
    except Exception as error:
        raise Failed(f"{endpoint.name} failed: {type(error).__name__}: {error}") from error


def run_deployed(endpoint: Endpoint, stage: Stage) -> Any:
    """Invoke its Lambda and wait for it; raises Failed."""
    import boto3
    from botocore.config import Config

    # Once, and as long as it takes: a second try after a timeout would run it twice.
    config = Config(read_timeout=LONGEST_RUN_SECONDS, retries={"total_max_attempts": 1})
    client = boto3.Session().client("lambda", region_name=settings().region, config=config)
    name = endpoint.function_name(stage.prefix)
    answer = client.invoke(FunctionName=name, Payload=json.dumps(scheduled_event(endpoint)).encode())
    body = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError"):
        reason = body.get("errorMessage", body) if isinstance(body, dict) else body
        more = f"`pilot --stage {stage.name} logs --function {endpoint.name}` tells more."
        raise Failed(f"{endpoint.name} failed: {reason}. {more}")
    return body


def scheduled_event(endpoint: Endpoint) -> dict[str, Any]:
    """The event that EventBridge would send."""
    account = settings().queue_base_url.rsplit("/", 1)[-1]
    rule = endpoint.function_name(settings().prefix)
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": settings().region,
        "resources": [f"arn:aws:events:{settings().region}:{account}:rule/{rule}"],
        "detail": {},
    }
