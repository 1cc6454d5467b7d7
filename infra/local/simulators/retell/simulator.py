"""Retell's API as a fake."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chalicelib.core.clock import now
from infra.local.simulators.exchange import Refused, Reply, Request, Route
from infra.local.simulators.retell.agent import Addresses, RetellAgent, play, steps_from_json
from infra.local.simulators.retell.calls import Calls
from infra.local.simulators.server import Simulator


class RetellSimulator(Simulator):
    """One Retell account; `api_key` is both what callers show and what webhooks are signed with.

    `addresses`: where its agents call.
    """

    def __init__(
        self, api_key: str = "key_x", addresses: Addresses = Addresses(), *, state_file: Path | None = None
    ) -> None:
        super().__init__(state_file)
        self.api_key = api_key
        self.addresses = addresses
        self.calls = Calls(now)

    def agent(self, **call: Any) -> RetellAgent:
        """An agent on a new call (`call`: fields of it) that this simulator's API then shows."""
        return RetellAgent(self.api_key, self.addresses, self.calls, **call)

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
        given = {name: body[f"{name}_url"] for name in ("webhook", "function", "inbound") if body.get(f"{name}_url")}
        agent = RetellAgent(self.api_key, replace(self.addresses, **given), self.calls, **body.get("call", {}))
        return Reply(200, {"data": play(agent, steps_from_json(body["script"]))})
