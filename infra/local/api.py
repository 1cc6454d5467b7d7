"""The HTTP API under Chalice's local emulation, answering what API Gateway itself would as the deployed one does."""

import socket
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from typing import Any
from urllib.parse import unquote

from chalice.config import Config
from chalice.local import (
    ChaliceRequestHandler,
    ForbiddenError,
    LocalDevServer,
    LocalGateway,
    LocalGatewayException,
    NotAuthorizedError,
    create_local_server,
)

from chalicelib.core.ids import new_id
from chalicelib.core.logging import log, log_context, where
from infra.gateway_responses import gateway_responses
from infra.local.ministack import ROOT

LARGEST_PAYLOAD = 10 * 1024 * 1024
"""API Gateway's own limit for a request body, in bytes; our endpoints have a smaller one."""
LONGEST_CHUNK_LINE = 1024
LAST_WORDS_SECONDS = 8.0
_answers = gateway_responses()
_HEADER = "gatewayresponse.header."


class Refused(Exception):
    """API Gateway would not let this through; `kind` is its name for the answer."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind

    def response(self) -> dict[str, Any]:
        """The deployed API's answer, in the shape that Chalice's handler sends."""
        answer, request_id = _answers[self.kind], new_id("req")
        headers = {
            name.removeprefix(_HEADER): request_id if value == "context.requestId" else value.strip("'")
            for name, value in answer["responseParameters"].items()
        }
        body = answer["responseTemplates"]["application/json"].replace("$context.requestId", request_id)
        log.info("turned away", extra={"why": self.kind, "status": answer["statusCode"], "request_id": request_id})
        return {"statusCode": int(answer["statusCode"]), "headers": headers, "multiValueHeaders": {}, "body": body}


class Gateway(LocalGateway):
    """Chalice's emulated API Gateway, with the deployed one's own answers."""

    def handle_request(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> dict[str, Any]:
        """The response of the route's Lambda, or API Gateway's."""
        try:
            response: dict[str, Any] = super().handle_request(method, path, headers, body)
        except LocalGatewayException as refusal:
            return Refused(_kind_of(refusal)).response()
        except Exception as error:  # noqa: BLE001 - as API Gateway, which must answer whatever happens
            return Refused(_kind_of_failure(error)).response()
        finally:
            log_context()
        # API Gateway does not tell a missing method from a missing path; Chalice would.
        return Refused("MISSING_AUTHENTICATION_TOKEN").response() if response["statusCode"] == 405 else response

    def _generate_lambda_event(self, *args: Any, **named: Any) -> dict[str, Any]:
        event: dict[str, Any] = super()._generate_lambda_event(*args, **named)
        # As API Gateway does and Chalice does not.
        event["pathParameters"] = {name: unquote(value) for name, value in event["pathParameters"].items()}
        return event


def _kind_of(refusal: LocalGatewayException) -> str:
    if isinstance(refusal, NotAuthorizedError):
        return "UNAUTHORIZED"
    if isinstance(refusal, ForbiddenError):
        denied = refusal.headers.get("x-amzn-ErrorType") == "AccessDeniedException"
        return "ACCESS_DENIED" if denied else "MISSING_AUTHENTICATION_TOKEN"
    return "AUTHORIZER_CONFIGURATION_ERROR"


def _kind_of_failure(error: Exception) -> str:
    # Views answer for themselves: what arrives here was raised by the authorizer. "Unauthorized" is AWS's word.
    if str(error) == "Unauthorized":
        return "UNAUTHORIZED"
    log.error("authorizer failed", extra={"where": where(error)}, exc_info=error)
    return "AUTHORIZER_FAILURE"


class Handler(ChaliceRequestHandler):
    """One connection, kept alive; a body that is no use is refused before it is read."""

    disable_nagle_algorithm = True  # headers and body would wait for each other: 40 ms
    wbufsize = -1
    local_gateway: Gateway

    def __init__(self, request: Any, client_address: Any, server: Any, gateway: Gateway, running: "Running") -> None:
        self.local_gateway = gateway
        self._running = running
        BaseHTTPRequestHandler.__init__(self, request, client_address, server)

    def _generic_handle(self) -> None:
        with self._running:
            try:
                super()._generic_handle()
            except Refused as refused:
                self.close_connection = True  # the rest of its body is still on the way
                response = refused.response()
                headers = {**response["headers"], "Connection": "close"}
                self._send_http_response(response["statusCode"], headers, response["body"])

    def _parse_payload(self) -> tuple[dict[str, str], bytes | None]:
        chunked = self.headers.get("Transfer-Encoding", "").strip().lower() == "chunked"
        body = self._chunks() if chunked else self._counted()
        return dict(self.headers), body or None

    def _counted(self) -> bytes:
        return self._read(_size(self.headers.get("Content-Length", "0"), 10))

    def _chunks(self) -> bytes:
        body = b""
        while size := _size(self.rfile.readline(LONGEST_CHUNK_LINE).partition(b";")[0].decode("latin-1"), 16):
            body += self._read(size, already=len(body))
            self.rfile.readline(LONGEST_CHUNK_LINE)
        while self.rfile.readline(LONGEST_CHUNK_LINE).strip():
            continue  # trailers
        return body

    def _read(self, size: int, already: int = 0) -> bytes:
        if already + size > LARGEST_PAYLOAD:
            raise Refused("REQUEST_TOO_LARGE")
        return bytes(self.rfile.read(size))

    def _send_http_response_with_body(self, code: int, headers: dict[str, Any], body: bytes | str) -> None:
        if self.command == "HEAD" or code == 204:
            super()._send_http_response_no_body(code, headers)
        else:
            super()._send_http_response_with_body(code, headers, body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = _generic_handle

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: core logs every answer."""


def _size(text: str, base: int) -> int:
    try:
        size = int(text.strip(), base)
    except ValueError:
        size = -1
    if size < 0:
        raise Refused("BAD_REQUEST_BODY")
    return size


class Running:
    """Counts the requests being answered, so that stopping can wait for them."""

    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._count -= 1

    def wait_until_none(self, seconds: float) -> None:
        """At most `seconds`."""
        deadline = time.monotonic() + seconds
        while self._count and time.monotonic() < deadline:
            time.sleep(0.01)


class Api:
    """The API on a socket that already listens, so that no client is turned away while this process is replaced."""

    def __init__(self, listener: socket.socket, app: Any = None) -> None:
        # By hand, not through CLIFactory: the stages of .chalice/config.json are for packaging, and mean nothing here.
        config = Config.create(chalice_stage="local", project_dir=str(ROOT), app_name="pilot")
        app = app or import_module("app").app
        self._running = Running()
        self._server: LocalDevServer = create_local_server(app, config, "127.0.0.1", 0)
        http = self._server.server
        http.socket.close()
        http.socket = listener
        http.server_address = listener.getsockname()
        http.RequestHandlerClass = partial(Handler, gateway=Gateway(app, config), running=self._running)

    def serve_until(self, stop: threading.Event) -> None:
        """Answer until `stop`, and let what has begun come to its end."""
        thread = threading.Thread(target=self._server.server.serve_forever, args=(0.1,), daemon=True, name="api")
        thread.start()
        stop.wait()
        self._server.shutdown()
        thread.join()
        self._running.wait_until_none(LAST_WORDS_SECONDS)
