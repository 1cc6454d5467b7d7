"""The endpoints that describe the API: the document, its page, and a sign of life."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib.core import openapi, openapi_file
from chalicelib.core.discovery import all_endpoints
from functions.platform import docs

ROOT = Path(__file__).resolve().parents[2]


def call(entry: Any, path: str) -> dict[str, Any]:
    """GET a public path of the API."""
    context = {"httpMethod": "GET", "resourcePath": path, "path": path, "requestId": "r", "identity": {}}
    event = {
        "requestContext": context,
        "headers": {},
        "pathParameters": {},
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }
    answer: dict[str, Any] = entry(event, None)
    return answer


def test_the_document_is_made_of_all_endpoints_or_read_from_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    openapi_file.load.cache_clear()
    answer = call(docs.describe_api, "/openapi.json")
    assert answer["headers"]["Content-Type"] == "application/json"
    assert answer["body"].encode() == openapi.encode(openapi.document(all_endpoints()))

    packaged = tmp_path / "openapi.json"
    packaged.write_bytes(openapi.encode(openapi.document(docs.function.endpoints)))
    monkeypatch.setattr(openapi_file, "FILE", packaged)
    openapi_file.load.cache_clear()
    assert call(docs.describe_api, "/openapi.json")["body"] == packaged.read_text()
    openapi_file.load.cache_clear()


def test_the_page_needs_nothing_from_elsewhere() -> None:
    answer = call(docs.show_docs, "/docs")
    assert answer["headers"]["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in answer["headers"]["Content-Security-Policy"]
    assert "openapi.json" in answer["body"]
    for outside in ("http://", "https://", "innerHTML", "src="):
        assert outside not in answer["body"]


def test_health_is_a_word() -> None:
    assert msgspec.json.decode(call(docs.check_health, "/health")["body"])["status"] == "ok"


def test_the_lambdas_of_these_endpoints_import_no_other_endpoint() -> None:
    program = (
        "import sys, functions.platform.docs\n"
        "heavy = {'chalicelib.core.openapi', 'requests', 'rich', 'click'} & set(sys.modules)\n"
        "others = [name for name in sys.modules if name.startswith('functions.') and 'platform' not in name]\n"
        "print(sorted(heavy), others)"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[] []"
