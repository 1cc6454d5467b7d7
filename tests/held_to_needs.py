"""In tests a job may touch what it declares in `needs` and nothing else, as its lane's role has it on AWS."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from chalicelib.core import jobs
from chalicelib.core.events import Job
from chalicelib.core.jobs import JobContext
from chalicelib.core.needs import Needs
from chalicelib.core.settings import environment_secret, settings

READS = ("GetItem", "Query", "BatchGetItem", "Scan")
_doing: ContextVar[type[Job] | None] = ContextVar("doing", default=None)
Handler = Callable[[Any, JobContext], None]


@contextmanager
def held_to_needs(patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """While it lasts, a job's call beyond its needs is refused and noted in the list that is yielded."""
    strayed: list[str] = []
    call, find = BaseClient._make_api_call, jobs.handler_of

    def checked_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        kind = _doing.get()
        for what in _beyond(client.meta.service_model.service_name, operation, params, kind.needs) if kind else ():
            strayed.append(f"{kind.__name__ if kind else ''}: {what}")
            refusal = {"Error": {"Code": "AccessDeniedException", "Message": strayed[-1]}}
            raise ClientError(refusal, operation)
        return call(client, operation, params)

    def checked_secret(name: str) -> str | None:
        kind = _doing.get()
        if kind and name not in kind.needs.all_secrets():
            strayed.append(f"{kind.__name__}: secret {name}")
            return None
        return environment_secret(name)

    def noting(kind: type[Job]) -> Handler:
        handler = find(kind)

        def run(job: Any, context: JobContext) -> None:
            before = _doing.set(kind)
            try:
                handler(job, context)
            finally:
                _doing.reset(before)

        return run

    patch.setattr(BaseClient, "_make_api_call", checked_call)
    patch.setattr(jobs, "handler_of", noting)
    patch.setattr("chalicelib.core.secrets.environment_secret", checked_secret)
    yield strayed


def _beyond(service: str, operation: str, params: dict[str, Any], needs: Needs) -> Iterator[str]:
    if service == "dynamodb":
        readable = {settings().table(name) for name in (*needs.written(), *needs.read_only())}
        writable = {
            settings().table(name) for name in (*needs.written(), *(needs.updates if "Update" in operation else ()))
        }
        allowed = readable if operation in READS else writable
        yield from (f"{operation} {table}" for table in sorted(_tables(params) - allowed))
    elif (service == "kms" and not needs.vault) or (service == "sesv2" and not needs.mail):
        yield operation
    elif service == "sqs" and operation.startswith("Send"):
        allowed = {settings().queue_url(lane) for lane in needs.sends}
        yield from (f"{operation} {url}" for url in {params["QueueUrl"]} - allowed)


def _tables(params: dict[str, Any]) -> set[str]:
    items = [next(iter(item.values())) for item in params.get("TransactItems", ())]
    return {*params.get("RequestItems", ()), *(each["TableName"] for each in (params, *items) if "TableName" in each)}
