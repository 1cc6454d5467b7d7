"""Retell's API as a fake: `python -m infra.local.simulators.retell --port 9002 --api-key key_x`."""

import argparse
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.simulators.exchange import Refused, Reply, Request, Route
from infra.local.simulators.retell_agent import RetellAgent, play, steps_from_json
from infra.local.simulators.retell_calls import Calls
from infra.local.simulators.server import Simulator


class RetellSimulator(Simulator):
    """One Retell account; `api_key` is both what callers show and what webhooks are signed with.

    `webhook_url`, `function_url` (may hold `{name}`) and `inbound_url` (None: not asked) are where its agents call.
    """

    def __init__(
        self,
        api_key: str = "key_x",
        *,
        webhook_url: str | None = None,
        function_url: str | None = None,
        inbound_url: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        state_file: Path | None = None,
    ) -> None:
        super().__init__(state_file)
        self.api_key = api_key
        self.clock = clock
        self.webhook_url = webhook_url
        self.function_url = function_url
        self.inbound_url = inbound_url
        self.calls = Calls(clock)

    def agent(self, **call: Any) -> RetellAgent:
        """An agent on a new call (`call`: fields of it) that this simulator's API then shows."""
        return RetellAgent(
            key=self.api_key,
            webhook_url=self.webhook_url or "",
            function_url=self.function_url or "",
            inbound_url=self.inbound_url,
            calls=self.calls,
            clock=self.clock,
            **call,
        )

    def clear(self) -> None:
        """No calls."""
        self.calls.clear()

    def snapshot(self) -> Any:
        """All calls."""
        return {"calls": list(self.calls.all.values())}

    def restore(self, state: Any) -> None:
        """The inverse of `snapshot`."""
        self.calls.all.update({one["call_id"]: one for one in state["calls"]})

    def routes(self) -> Sequence[Route]:
        """The documented endpoints."""
        return (
            Route("GET", "/v2/get-call/{call_id}", lambda request, call_id: Reply(200, self.calls.get(call_id))),
            Route("POST", "/v3/list-calls", lambda request: Reply(200, self.calls.list_v3(request.json()))),
            Route("POST", "/v2/list-calls", lambda request: Reply(200, self.calls.list_v2(request.json()))),
            Route("POST", "/v2/create-phone-call", self._create_phone_call),
        )

    def control_routes(self) -> Sequence[Route]:
        """Looking inside, and a call on order."""
        return (Route("GET", "/_sim/calls", lambda request: Reply(200, {"data": list(self.calls.all.values())})),)

    def handle(self, request: Request) -> Reply:
        """`POST /_sim/play` outside the lock: our API may ask this simulator while the call is on."""
        if request.method == "POST" and request.path == "/_sim/play":
            return self._dispatch(request, [Route("POST", "/_sim/play", self._play)])
        return super().handle(request)

    def admit(self, request: Request) -> None:
        """Bearer key."""
        if request.headers.get("authorization") != f"Bearer {self.api_key}":
            raise Refused(401, "Invalid API Key")

    def error_body(self, request: Request, status: int, message: str) -> Any:
        """`{"status": "error", "message"}`."""
        return {"status": "error", "message": message}

    def _create_phone_call(self, request: Request) -> Reply:
        return Reply(201, self.calls.create_phone_call(request.json()))

    def _play(self, request: Request) -> Reply:
        """`{"script": […], "call"?: {…}, "webhook_url"?, "function_url"?, "inbound_url"?}` gives what we answered."""
        body = request.json()
        agent = RetellAgent(
            key=self.api_key,
            webhook_url=body.get("webhook_url") or self.webhook_url or "",
            function_url=body.get("function_url") or self.function_url or "",
            inbound_url=body.get("inbound_url") or self.inbound_url,
            calls=self.calls,
            clock=self.clock,
            **body.get("call", {}),
        )
        return Reply(200, {"data": play(agent, steps_from_json(body["script"]))})


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9002)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--api-key", default="key_x")
    parser.add_argument("--webhook-url")
    parser.add_argument("--function-url", help="may hold {name}")
    parser.add_argument("--inbound-url", help="asked before a call is answered")
    parser.add_argument("--state", type=Path, help="JSON file that keeps the calls over a restart")
    options = parser.parse_args()
    RetellSimulator(
        options.api_key,
        webhook_url=options.webhook_url,
        function_url=options.function_url,
        inbound_url=options.inbound_url,
        state_file=options.state,
    ).run_until_terminated(options.port, options.host)


if __name__ == "__main__":
    main()
