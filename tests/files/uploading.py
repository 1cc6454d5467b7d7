"""Uploading as a client does: announced at the API, put by the signed link, told of, looked at by the workers."""

import urllib.error
import urllib.request
from typing import Any

from chalicelib.core import aws
from chalicelib.core.settings import settings
from infra.local.invoking import Answer, Caller, call
from tests.draining import drain

COMPANY = "com_test"
STAFF = Caller(COMPANY)


def announce(content: bytes, kind: str, caller: Caller = STAFF, **fields: Any) -> Answer:
    """Ask where to put it."""
    body = {"name": "a file", "content_type": kind, "size": len(content), **fields}
    return call("POST", "/api/files", caller=caller, body=body)


def put(given: Any, content: bytes) -> int:
    """PUT it to a link; the status."""
    request = urllib.request.Request(given["url"], content, given["headers"], method=given["method"])
    return _status(request)


def get(url: str) -> tuple[int, bytes, dict[str, str]]:
    """What a link leads to."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.headers.items()}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), {}


def complete(file_id: str, caller: Caller = STAFF) -> Answer:
    """Say that it is there."""
    return call("POST", f"/api/files/{file_id}/complete", caller=caller)


def show(file_id: str, caller: Caller = STAFF) -> Any:
    """The file as the API shows it."""
    answer = call("GET", f"/api/files/{file_id}", caller=caller)
    assert answer.status == 200, answer
    return answer.json


def upload(content: bytes, content_type: str, **fields: Any) -> Any:
    """All of it; the file as it is afterwards."""
    announced = announce(content, content_type, **fields)
    assert announced.status == 201, announced
    given = announced.json
    assert put(given, content) == 200
    assert complete(given["id"]).status == 200
    drain()
    return show(given["id"])


def download(file_id: str, **query: str) -> Answer:
    """Ask for a link."""
    return call("GET", f"/api/files/{file_id}/download", caller=STAFF, query=query or None)


def had(file_id: str, **query: str) -> bytes:
    """The bytes behind the link."""
    answer = download(file_id, **query)
    assert answer.status == 200, answer
    status, content, _ = get(answer.json["url"])
    assert status == 200
    return content


def objects() -> dict[str, int]:
    """What lies in the bucket: bytes by key."""
    found = aws.client("s3").list_objects_v2(Bucket=settings().files_bucket).get("Contents", [])
    return {each["Key"]: each["Size"] for each in found}


def used() -> int:
    """What counts as stored."""
    return int(call("GET", "/api/file-storage", caller=STAFF).json["used"])


def _status(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
