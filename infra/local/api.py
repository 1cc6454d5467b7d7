"""The HTTP API under Chalice's local emulation, with API Gateway's part of the errors as problem+json."""

import socket
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from typing import Any
from urllib.parse import unquote

from chalice.app import Response
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

from chalicelib.core.errors import DomainError, Forbidden, Invalid, NotFound, TooLarge, Unauthenticated, Unavailable
from chalicelib.core.function import CORS
from chalicelib.core.ids import new_id
from chalicelib.core.logging import log, log_context, where
from chalicelib.core.problems import internal_problem, problem
from infra.local.ministack import ROOT

GATEWAY_LIMIT = 10 * 1024 * 1024
"""API Gateway's own limit for a request body, in bytes; our doors have a smaller one."""
LAST_WORDS_SECONDS = 8.0


class MethodNotAllowed(DomainError):
    """The path is there, but not for this method."""

    status = 405
    title = "Method not allowed"


class LengthRequired(DomainError):
    """A body whose end is not announced."""

    status = 411
    title = "Length required"


class Gateway(LocalGateway):
    """Chalice's emulated API Gateway; what that would answer itself becomes a problem like our own."""

    def handle_request(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> dict[str, Any]:
        """The response of the route's Lambda, or a problem."""
        try:
            response: dict[str, Any] = super().handle_request(method, path, headers, body)
        except LocalGatewayException as refusal:
            return self.refuse(_refusal_of(refusal, path), path)
        except Exception as error:  # noqa: BLE001 - as API Gateway, which must answer whatever happens
            return self._authorizer_failed(error, path)
        finally:
            log_context()
        if response["statusCode"] == 405:
            return self.refuse(MethodNotAllowed("method_not_allowed", f"{path} does not answer {method}."), path)
        return response

    def refuse(self, error: DomainError, path: str) -> dict[str, Any]:
        """A problem as Chalice's handler wants its responses."""
        return _plain(problem(error, new_id("req"), path.partition("?")[0]))

    def _authorizer_failed(self, error: Exception, path: str) -> dict[str, Any]:
        # Views answer for themselves: what arrives here was raised by the authorizer. "Unauthorized" is AWS's word.
        if str(error) == "Unauthorized":
            return self.refuse(_refusal_of(NotAuthorizedError({}), path), path)
        request_id = new_id("req")
        log.exception("authorizer failed", extra={"request_id": request_id, "where": where(error)})
        return _plain(internal_problem(request_id, path.partition("?")[0]))

    def _generate_lambda_event(self, *args: Any, **named: Any) -> dict[str, Any]:
        event: dict[str, Any] = super()._generate_lambda_event(*args, **named)
        # As API Gateway does and Chalice does not.
        event["pathParameters"] = {name: unquote(value) for name, value in event["pathParameters"].items()}
        return event


def _refusal_of(refusal: LocalGatewayException, path: str) -> DomainError:
    if isinstance(refusal, NotAuthorizedError):
        return Unauthenticated("unauthenticated", "Send Authorization: Bearer <token>; POST /auth/login gives one.")
    if isinstance(refusal, ForbiddenError):
        if refusal.headers.get("x-amzn-ErrorType") == "AccessDeniedException":
            return Forbidden("access_denied", "This token may not call the API.")
        return NotFound("route_not_found", f"There is no route {path.partition('?')[0]}.")
    return Unavailable("authorizer_failed", "Whether you may do this could not be found out; try again.")


def _plain(response: Response) -> dict[str, Any]:
    headers = {**response.headers, **CORS.get_access_control_headers()}
    return {"statusCode": response.status_code, "headers": headers, "multiValueHeaders": {}, "body": response.body}


class Handler(ChaliceRequestHandler):
    """One connection, kept alive. Requests that are no use in full are refused before they are read."""

    disable_nagle_algorithm = True  # headers and body would wait for each other: 40 ms
    wbufsize = -1
    local_gateway: Gateway

    def __init__(self, request: Any, client_address: Any, server: Any, gateway: Gateway, running: "Running") -> None:
        self.local_gateway = gateway
        self._running = running
        BaseHTTPRequestHandler.__init__(self, request, client_address, server)

    def _generic_handle(self) -> None:
        with self._running:
            error = self._unreadable()
            if error is None:
                super()._generic_handle()
            else:
                self.close_connection = True  # its body is still on the way
                self._respond(self.local_gateway.refuse(error, self.path))

    def _unreadable(self) -> DomainError | None:
        length = self.headers.get("Content-Length", "0").strip()
        if self.headers.get("Transfer-Encoding"):
            return LengthRequired("length_required", "Send a Content-Length; chunked bodies are not read here.")
        if not length.isdecimal():
            return Invalid("invalid_content_length", f"Content-Length is {length!r}, not a number of bytes.")
        if int(length) > GATEWAY_LIMIT:
            return TooLarge("body_too_large", f"The body has {length} bytes; API Gateway takes {GATEWAY_LIMIT}.")
        return None

    def _respond(self, response: dict[str, Any]) -> None:
        self._send_http_response(response["statusCode"], response["headers"], response["body"])

    def _send_http_response_with_body(self, code: int, headers: dict[str, Any], body: bytes | str) -> None:
        if self.close_connection:
            headers = {**headers, "Connection": "close"}
        if self.command == "HEAD" or code == 204:
            super()._send_http_response_no_body(code, headers)
        else:
            super()._send_http_response_with_body(code, headers, body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = _generic_handle

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: core logs every answer."""


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
