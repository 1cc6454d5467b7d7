"""Twilio's API as a fake."""

import base64
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import requests

from chalicelib.core.clock import now
from infra.local.simulators.exchange import Refused, Reply, Request, Route
from infra.local.simulators.server import Simulator
from infra.local.simulators.twilio.account import Account, Record, form_of
from infra.local.simulators.twilio.line import Line, LoopsForever, People, Step

BASE = "/2010-04-01/Accounts/{account}"
CODES = {400: 20001, 401: 20003, 403: 20003, 404: 20404, 429: 20429}
_NUMBERED = re.compile(r"\[(\d+)\] (.*)", re.DOTALL)


@dataclass(frozen=True)
class Hooks:
    """Whom a call that comes in asks what to do, and who is told how it ended."""

    voice: str = ""
    status: str | None = None


class TwilioSimulator(Simulator):
    """One Twilio account with numbers whose calls ask `hooks`.

    `plays`: whether calls made through the API are played by themselves; else `ring` plays them. `algorithm`:
    HMAC_SHA256 signs webhooks as with a shared key, whose secret `auth_token` is.
    """

    algorithm: str | None = None

    def __init__(
        self,
        account_sid: str = "AC00000000000000000000000000000000",
        auth_token: str = "twilio_test",
        *,
        hooks: Hooks = Hooks(),
        plays: bool = False,
        state_file: Path | None = None,
    ) -> None:
        super().__init__(state_file)
        self.account = Account(account_sid, now)
        self.auth_token = auth_token
        self.hooks = hooks
        self._plays = plays
        self._urls: dict[str, Mapping[str, list[str]]] = {}

    def clear(self) -> None:
        """No texts, no calls."""
        self.account.clear()
        self._urls.clear()

    def snapshot(self) -> Any:
        """Texts, legs, and who opted out."""
        return {
            "texts": list(self.account.texts.values()),
            "legs": list(self.account.legs.values()),
            "opted_out": sorted(self.account.opted_out),
        }

    def restore(self, state: Any) -> None:
        """The inverse of `snapshot`."""
        self.account.texts.update({one["sid"]: one for one in state["texts"]})
        self.account.legs.update({one["sid"]: one for one in state["legs"]})
        self.account.opted_out.update(state["opted_out"])

    def routes(self) -> Sequence[Route]:
        """The documented endpoints that we use."""
        account = self.account
        return (
            Route("POST", f"{BASE}/Messages.json", self._send),
            Route(
                "GET", f"{BASE}/Messages.json", lambda r, account: Reply(200, self.account.page_texts(r.query, r.path))
            ),
            Route("GET", f"{BASE}/Messages/{{sid}}.json", lambda r, sid, **_: Reply(200, account.text(sid))),
            Route("POST", f"{BASE}/Calls.json", self._dial),
            Route("GET", f"{BASE}/Calls.json", lambda r, account: Reply(200, self.account.page_legs(r.query, r.path))),
            Route("GET", f"{BASE}/Calls/{{sid}}.json", lambda r, sid, **_: Reply(200, account.call(sid))),
        )

    def control_routes(self) -> Sequence[Route]:
        """Looking inside, and people who opt out."""
        return (
            Route("GET", "/_sim/texts", lambda request: Reply(200, {"data": list(self.account.texts.values())})),
            Route("GET", "/_sim/legs", lambda request: Reply(200, {"data": list(self.account.legs.values())})),
            Route("POST", "/_sim/opt-out", self._opt_out),
        )

    def handle(self, request: Request) -> Reply:
        """`POST /_sim/play` outside the lock: our API may ask this simulator while the call is on."""
        if request.method == "POST" and request.path == "/_sim/play":
            return self._dispatch(request, [Route("POST", "/_sim/play", self._play)])
        return super().handle(request)

    def admit(self, request: Request) -> None:
        """HTTP Basic, and the account in the path."""
        pair = f"{self.account.sid}:{self.auth_token}".encode()
        if request.headers.get("authorization") != f"Basic {base64.b64encode(pair).decode()}":
            raise Refused(401, "[20003] Authenticate")
        if not request.path.startswith(f"/2010-04-01/Accounts/{self.account.sid}/"):
            raise Refused(404, f"[20404] The requested resource {request.path} was not found")

    def error_body(self, request: Request, status: int, message: str) -> Any:
        """`{"code", "message", "more_info", "status"}`."""
        numbered = _NUMBERED.fullmatch(message)
        code, words = (int(numbered[1]), numbered[2]) if numbered else (CODES.get(status, 20500), message)
        return {
            "code": code, "message": words, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status
        }  # fmt: skip

    def rings(self, caller: str, called: str, people: People = People(), *, repeat: int = 1) -> list[Step]:
        """A caller calls one of the account's numbers; returns what was done with them, once they have hung up."""
        leg = self.account.leg(to=called, sender=caller, direction="inbound", status="ringing")
        return self._line(leg, self.hooks.status, people, repeat).follow(self.hooks.voice)

    def ring(self, sid: str, people: People = People()) -> list[Step]:
        """Play a call that was made through the API."""
        leg, form = self.account.call(sid), self._urls[sid]
        line = self._line(leg, form.get("StatusCallback", [None])[-1], people, 1)
        line.tell("initiated")
        line.tell("ringing")
        reaction = line.people.reaction(leg["to"])
        if reaction != "answers":
            line.end(reaction)
            return line.steps
        line.tell("in-progress")
        return line.follow(form["Url"][-1])

    def _line(self, leg: Record, status_url: str | None, people: People, repeat: int) -> Line:
        return Line(self.account, leg, self.auth_token, status_url, people, now, repeat, self.algorithm)

    def _send(self, request: Request, account: str) -> Reply:
        made = self.account.send(form_of(request.body))
        reply = Reply(201, dict(made))
        made.update(status="delivered", date_sent=made["date_created"])
        return reply

    def _dial(self, request: Request, account: str) -> Reply:
        form = form_of(request.body)
        made = self.account.dial(form)
        self._urls[made["sid"]] = form
        if self._plays:
            threading.Thread(target=self._play_late, args=(made["sid"],), daemon=True).start()
        return Reply(201, dict(made))

    def _play_late(self, sid: str) -> None:
        if self.stopping.wait(0.3):
            return
        try:
            self.ring(sid)
        except (requests.RequestException, AssertionError):
            return  # the request log of our API says what went wrong; Twilio itself would only note it in its debugger

    def _opt_out(self, request: Request) -> Reply:
        self.account.opted_out.add(request.json()["number"])
        return Reply(204)

    def _play(self, request: Request) -> Reply:
        """`{"from", "to", "people"?: {…}, "repeat"?}` gives the steps of the call."""
        body = request.json()
        people = People(**body.get("people", {}))
        try:
            steps = self.rings(body["from"], body["to"], people, repeat=body.get("repeat", 1))
        except (LoopsForever, AssertionError, requests.RequestException) as error:
            return Reply(502, {"message": str(error)})
        return Reply(200, {"data": [asdict(step) for step in steps]})
