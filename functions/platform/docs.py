"""What says that the API is there, and how to use it."""

from pathlib import Path

from chalice.app import Response

from chalicelib.core import openapi_file
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.payloads import Answer
from chalicelib.core.requests import Request
from chalicelib.core.settings import settings

function = Function(__name__)
PAGE = Path(openapi_file.__file__).with_name("docs_page.html")
# The page is whole in itself; it may talk to this API and to nothing else.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"


class HealthAnswer(Answer):
    """The API answers; `stage` is which one."""

    status: str
    stage: str


@function.route("GET", "/health", ability=PUBLIC, example={"status": "ok", "stage": "prod"})
def check_health(request: Request) -> HealthAnswer:
    """Whether the API answers. Touches nothing behind it."""
    return HealthAnswer(status="ok", stage=settings().stage)


@function.route("GET", "/openapi.json", ability=PUBLIC)
def describe_api(request: Request) -> Response:
    """This document: every route with its models, examples and errors, as OpenAPI 3.1."""
    headers: dict[str, str | list[str]] = {"Content-Type": "application/json", "Cache-Control": "public, max-age=300"}
    return Response(body=openapi_file.load().decode(), status_code=200, headers=headers)


@function.route("GET", "/docs", ability=PUBLIC)
def show_docs(request: Request) -> Response:
    """The document for people, with a form to try every route."""
    headers: dict[str, str | list[str]] = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": POLICY,
        "Cache-Control": "public, max-age=300",
    }
    return Response(body=PAGE.read_text("utf-8"), status_code=200, headers=headers)
