"""A package deployed to an embedded AWS that enforces policies, and how to talk to it."""

import json
import socket
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import requests

from infra.deploy import Destination, deploy
from infra.local.emulator_fixups import mend

REGION = "eu-central-1"
PREFIX = "pilot-dev"
ADMIN = "admin@example.com"
PASSWORD = "correct horse battery"
PATIENCE_SECONDS = 60.0
"""A first call unpacks the zip and starts Python; several at once share two cores."""


@dataclass
class Deployed:
    """A stage that runs as Lambdas."""

    endpoint: str
    out: Path
    session: boto3.Session
    outputs: dict[str, str]
    token: str = ""

    @property
    def url(self) -> str:
        """The one address: the distribution's, which the emulator knows by the Host header."""
        return f"http://{urlsplit(self.outputs['Url']).hostname}:{urlsplit(self.endpoint).port}"

    def api_url(self, api: str) -> str:
        """Where a REST API would answer, were it not for the distribution's key."""
        listed = self.client("apigateway").get_rest_apis()["items"]
        (found,) = (each["id"] for each in listed if each["name"] == f"{PREFIX}-{api}")
        return f"{self.endpoint}/_aws/execute-api/{found}/dev"

    def origin_keys(self) -> list[str]:
        """The keys that the REST APIs accept."""
        return [each["value"] for each in self.client("apigateway").get_api_keys(includeValues=True)["items"]]

    def client(self, service: str) -> Any:
        """A client with every right, as an operator has it."""
        return self.session.client(service, endpoint_url=self.endpoint)

    def call(self, method: str, path: str, *, token: str | None = None, **options: Any) -> requests.Response:
        """Call the API, by default as the admin; `token=""` calls without one."""
        held = self.token if token is None else token
        headers = {**({"Authorization": f"Bearer {held}"} if held else {}), **options.pop("headers", {})}
        return requests.request(method, self.url + path, headers=headers, timeout=PATIENCE_SECONDS, **options)

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers to what it has to do; fails for a refusal."""
        answer = self.call(method, path, json=body)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def mails(self) -> list[str]:
        """What SES was given, as text."""
        with urllib.request.urlopen(f"{self.endpoint}/_ministack/ses/messages") as answer:
            by_account: dict[str, list[Any]] = json.load(answer)["messages"]
        return [json.dumps(each) for sent in by_account.values() for each in sent]

    def log(self, function: str) -> str:
        """Everything the Lambda `<area>-<view>` has logged."""
        group = f"/aws/lambda/{PREFIX}-{function}"
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return "\n".join(event["message"] for page in pages for event in page["events"])

    def role_of(self, function: str) -> str:
        """The name of the Lambda's role."""
        arn = self.client("lambda").get_function_configuration(FunctionName=f"{PREFIX}-{function}")["Role"]
        return str(arn).rsplit("/", 1)[1]


def bring_up(endpoint: str, out: Path, patch: pytest.MonkeyPatch, **parameters: str) -> Deployed:
    """Deploy the package in `out` with the very code that deploys to AWS, then mend what the emulator drops.

    `patch` makes the distribution's name lead to the emulator.
    """
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    given = {"Prefix": PREFIX, "LogLevel": "INFO", **parameters}
    to = Destination(PREFIX, "pilot-packages", "dev", session, endpoint)
    outputs = deploy(out, to, given, lambda _: None)
    mend(session, endpoint, out, outputs)
    name, known = urlsplit(outputs["Url"]).hostname, socket.getaddrinfo
    patch.setattr(socket, "getaddrinfo", lambda host, *rest: known("127.0.0.1" if host == name else host, *rest))
    return Deployed(endpoint, out, session, outputs)


def until(found: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """What `found` gives once it gives something; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.25)
    raise AssertionError(f"after {seconds:.0f} seconds: {what}")
