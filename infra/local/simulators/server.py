"""What every simulator is: an HTTP server with faults, a control API under `/_sim/` and, if wanted, a state file."""

import signal
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.simulators.exchange import Refused, Reply, Request, Route
from infra.local.simulators.faults import FaultRule, Faults
from infra.local.simulators.listener import Listener
from infra.local.simulators.state_file import StateFile

MOST_REQUESTS_KEPT = 1000
KEEP_EVERY_SECONDS = 2.0


class Simulator(ABC):
    """Subclasses give `routes`, `admit`, `error_body` and their state; handlers run one at a time.

    `state_file`: read by `start`, written before a request that may have changed anything is answered. So whoever was
    given an answer finds after any end of this process what the answer said.
    """

    def __init__(self, state_file: Path | None = None) -> None:
        self.faults = Faults()
        self.requests: list[dict[str, Any]] = []
        self.stopping = threading.Event()
        self._lock = threading.RLock()
        self._state = StateFile(state_file)
        self._listener: Listener | None = None

    def start(self, port: int = 0, host: str = "127.0.0.1") -> str:
        """Listens (port 0: a free one) and returns the base URL. Raises StateUnreadable."""
        self.stopping.clear()
        self._load_state()
        self._listener = Listener(self._serve, host, port)
        if self._state.in_use:
            threading.Thread(target=self._keep_regularly, daemon=True, name="state").start()
        return self._listener.url

    def stop(self) -> None:
        """Stops listening, cuts open connections, writes the state file. Twice does nothing more."""
        self.stopping.set()
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        self._keep()

    def reset(self) -> None:
        """The same as `POST /_sim/reset`: as it was made, without faults and without a past."""
        with self._lock:
            self.faults.clear()
            self.requests = []
            self.clear()

    @property
    def url(self) -> str:
        """The base URL; only while started."""
        if self._listener is None:
            raise RuntimeError("the simulator is not started")
        return self._listener.url

    def fault(self, **rule: Any) -> FaultRule:
        """The same as `POST /_sim/faults`."""
        with self._lock:
            return self.faults.add(rule)

    def run_until_terminated(self, port: int, host: str = "127.0.0.1") -> None:
        """For a command line: serves until SIGTERM or SIGINT, then stops cleanly."""
        ending = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ending.set())
        print(f"{type(self).__name__} on {self.start(port, host)}", flush=True)
        ending.wait()
        self.stop()

    # What a vendor's simulator gives.

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """The vendor's endpoints."""

    def control_routes(self) -> Sequence[Route]:
        """More endpoints under `/_sim/`."""
        return ()

    @abstractmethod
    def admit(self, request: Request) -> None:
        """Raises Refused for a caller without valid credentials."""

    @abstractmethod
    def error_body(self, request: Request, status: int, message: str) -> Any:
        """The vendor's documented error."""

    def extra_headers(self, status: int) -> dict[str, str]:
        """Headers on every answer of the vendor's."""
        return {}

    def body_to_note(self, request: Request) -> str:
        """The body as the request log may hold it."""
        return request.body.decode("utf-8", "replace")

    def snapshot(self) -> Any:
        """All state, as JSON."""
        return {}

    @abstractmethod
    def restore(self, state: Any) -> None:
        """The inverse of `snapshot`."""

    @abstractmethod
    def clear(self) -> None:
        """Back to the state it was made with."""

    # How a request goes through.

    def _serve(self, request: Request) -> Reply:
        reply = self.handle(request)
        if request.method not in ("GET", "HEAD"):
            self._keep()
        return reply

    def _keep(self) -> None:
        if not self._state.in_use:
            return
        with self._lock:
            try:
                self._state.write(self.snapshot())
            except OSError as error:  # a full disk is no reason not to answer; it is tried again
                print(f"the state could not be kept: {error}", file=sys.stderr)

    def _keep_regularly(self) -> None:
        # What changes by the clock, such as a call that is being played.
        while not self.stopping.wait(KEEP_EVERY_SECONDS):
            self._keep()

    def handle(self, request: Request) -> Reply:
        """The reply to one request, faults included; called from the listener's threads."""
        if request.path.startswith("/_sim/"):
            with self._lock:
                return self._dispatch(request, [*self._own_routes(), *self.control_routes()])
        with self._lock:
            rule = self.faults.take(request)
        reply = self._answer(request) if rule is None else self._spoiled(request, rule)
        with self._lock:
            self._note(request, reply)
        return reply

    def _spoiled(self, request: Request, rule: FaultRule) -> Reply:
        if rule.apply and not rule.only_slow:
            self._answer(request)
        self.stopping.wait(rule.delay_seconds)
        if rule.twice:
            self._answer(request)
        if rule.only_slow:
            return self._answer(request)
        status = rule.status or 200
        body = self.error_body(request, status, rule.message) if rule.body is None else rule.body.encode()
        return Reply(status, body, {**self.extra_headers(status), **rule.headers}, dropped=rule.drop)

    def _answer(self, request: Request) -> Reply:
        with self._lock:
            try:
                self.admit(request)
                reply = self._dispatch(request, self.routes())
            except Refused as refused:
                reply = self._refusal(request, refused)
            return Reply(reply.status, reply.body, {**self.extra_headers(reply.status), **reply.headers})

    def _dispatch(self, request: Request, routes: Sequence[Route]) -> Reply:
        try:
            for route in routes:
                found = route.match(request)
                if found is not None:
                    return route.handler(request, **found)
        except Refused as refused:
            return self._refusal(request, refused)
        except (ValueError, LookupError, TypeError, AttributeError) as error:  # broken JSON, or JSON of another shape
            return Reply(400, self.error_body(request, 400, str(error)))
        return Reply(404, self.error_body(request, 404, f"Cannot {request.method} {request.path}"))

    def _refusal(self, request: Request, refused: Refused) -> Reply:
        return Reply(refused.status, self.error_body(request, refused.status, refused.message), refused.headers)

    def _note(self, request: Request, reply: Reply) -> None:
        """The request log never holds a credential."""
        headers = {name: "***" if name == "authorization" else value for name, value in request.headers.items()}
        entry = {
            "at": datetime.now(UTC).isoformat(),
            "method": request.method,
            "path": request.path,
            "query": dict(request.query),
            "headers": headers,
            "body": self.body_to_note(request),
            "status": None if reply.dropped else reply.status,
        }
        self.requests = [*self.requests[1 - MOST_REQUESTS_KEPT :], entry]

    def _own_routes(self) -> Sequence[Route]:
        return (
            Route("GET", "/_sim/requests", lambda request: Reply(200, {"data": self.requests})),
            Route("GET", "/_sim/faults", lambda request: Reply(200, {"data": self.faults.rules})),
            Route("POST", "/_sim/faults", lambda request: Reply(201, {"data": self.faults.add(request.json())})),
            Route("DELETE", "/_sim/faults", self._clear_faults),
            Route("POST", "/_sim/reset", self._reset),
        )

    def _clear_faults(self, request: Request) -> Reply:
        self.faults.clear()
        return Reply(204)

    def _reset(self, request: Request) -> Reply:
        self.reset()
        return Reply(204)

    def _load_state(self) -> None:
        state = self._state.read()
        if state is None:
            return
        try:
            self.restore(state)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._state.misfit(error) from error
