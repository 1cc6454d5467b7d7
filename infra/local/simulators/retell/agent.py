"""Retell's side of a call to our API: signed function calls and webhooks, as a test or demo wants them."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import requests

from chalicelib.core.clock import now
from chalicelib.vendors.retell.webhook import sign
from infra.local.simulators.retell.calls import Call, Calls

MOST_WEBHOOK_TRIES = 4
"""The first and up to three retries."""
_VARIABLE = re.compile(r"{{(\w+)}}")


@dataclass(frozen=True)
class Answer:
    """What our API said: `body` is decoded JSON, or the text when it is none; `status` None when no answer came."""

    status: int | None
    body: Any
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether it was a 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True)
class Say:
    """A line of the transcript; `role` agent or user."""

    role: str
    content: str


@dataclass(frozen=True)
class Use:
    """A function call. Texts in `args` such as `$0.slots.0.starts_at` are looked up in the n-th answer so far."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


Step = Say | Use


@dataclass
class Conversation:
    """What came of a script: the answers of its functions in order, and of its webhooks by event."""

    call_id: str
    functions: list[Answer] = field(default_factory=list)
    webhooks: dict[str, Answer] = field(default_factory=dict)
    inbound: Answer | None = None


@dataclass(frozen=True)
class Addresses:
    """Where an agent calls; `function` may hold `{name}` where our routes differ by it, `inbound` None: not asked."""

    webhook: str = ""
    function: str = ""
    inbound: str | None = None


class RetellAgent:
    """One call.

    `key` signs. `calls` of a `RetellSimulator` makes the call visible to get-call and list-calls.
    """

    def __init__(
        self,
        key: str,
        addresses: Addresses,
        calls: Calls | None = None,
        *,
        timeout_seconds: float = 10.0,
        retry_pause_seconds: float = 0.2,
        **call: Any,
    ) -> None:
        self.calls = calls or Calls(now)
        numbers = {"from_number": "+12137771234", "to_number": "+12137771235"}
        self.call: Call = self.calls.register(**{**numbers, **call})
        self._key = key
        self._addresses = addresses
        self._timeout = timeout_seconds
        self._pause = retry_pause_seconds

    def ring(self) -> Answer | None:
        """The telephone rings: `call_inbound`, whose answer sets the agent and its dynamic variables, texts only.

        None when no inbound webhook is set, or the call goes out. Without a 2xx the call goes on as it was.
        """
        if self._addresses.inbound is None or self.call["direction"] != "inbound":
            return None
        call = {name: self.call[name] for name in ("agent_id", "from_number", "to_number")}
        answer = self._until_taken(self._addresses.inbound, {"event": "call_inbound", "call_inbound": call})
        inbound = answer.body.get("call_inbound", {}) if answer.ok and isinstance(answer.body, dict) else {}
        variables = inbound.get("dynamic_variables") or {}
        wrong = sorted(name for name, value in variables.items() if not isinstance(value, str))
        if wrong:
            raise ValueError(f"dynamic variables are texts; these are not: {wrong}")
        self.call["retell_llm_dynamic_variables"] = {**self.call["retell_llm_dynamic_variables"], **variables}
        self.call["agent_id"] = inbound.get("override_agent_id") or self.call["agent_id"]
        self.call["metadata"] = {**self.call["metadata"], **(inbound.get("metadata") or {})}
        return answer

    def begin(self) -> Answer:
        """The caller is connected: `call_started`."""
        self.call.update(call_status="ongoing", start_timestamp=self.calls.millis())
        return self.event("call_started")

    def say(self, role: str, content: str) -> str:
        """One more line of the transcript, with `{{name}}` replaced by that variable; nothing is sent."""
        variables = self.call["retell_llm_dynamic_variables"]
        content = _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), content)
        self.call.setdefault("transcript_object", []).append({"role": role, "content": content, "words": []})
        lines = (f"{one['role'].capitalize()}: {one['content']}" for one in self.call["transcript_object"])
        self.call["transcript"] = "\n".join(lines)
        return content

    def use(self, name: str, args: Mapping[str, Any]) -> Answer:
        """A custom function, once: Retell's default is no retry."""
        body = {"name": name, "call": self.call, "args": dict(args)}
        return self._post(self._addresses.function.format(name=name), body)

    def end(self, reason: str = "user_hangup") -> Answer:
        """`call_ended`, which has everything but the analysis."""
        started, ended = self.call.get("start_timestamp"), self.calls.millis()
        self.call.update(call_status="ended" if started else "not_connected", disconnection_reason=reason)
        self.call.update(start_timestamp=started or ended, end_timestamp=ended, duration_ms=ended - (started or ended))
        self.call["call_cost"] = {"combined_cost": 70.0, "total_duration_seconds": self.call["duration_ms"] // 1000}
        self.call["recording_url"] = f"https://example.retell.invalid/{self.call['call_id']}.wav"
        return self.event("call_ended")

    def analyze(self, summary: str = "The caller booked a visit.", successful: bool = True, **custom: Any) -> Answer:
        """`call_analyzed`; `custom` becomes custom_analysis_data."""
        self.call["call_analysis"] = {
            "call_summary": summary,
            "in_voicemail": False,
            "user_sentiment": "Positive" if successful else "Neutral",
            "call_successful": successful,
            "custom_analysis_data": custom,
        }
        return self.event("call_analyzed")

    def event(self, name: str, **root: Any) -> Answer:
        """Any webhook about this call, tried again like Retell's until a 2xx; `root` goes next to `call`."""
        return self._until_taken(self._addresses.webhook, {"event": name, "call": self.call, **root})

    def _until_taken(self, url: str, body: Any) -> Answer:
        answer = self._post(url, body)
        for _ in range(MOST_WEBHOOK_TRIES - 1):
            if answer.ok:
                break
            time.sleep(self._pause)
            answer = self._post(url, body)
        return answer

    def _post(self, url: str, body: Any) -> Answer:
        raw = msgspec.json.encode(body)
        headers = {"Content-Type": "application/json", "X-Retell-Signature": sign(raw, self._key, now())}
        begun = time.perf_counter()
        try:
            reply = requests.post(url, data=raw, headers=headers, timeout=self._timeout)
        except requests.RequestException as error:
            return Answer(None, type(error).__name__, time.perf_counter() - begun)
        return Answer(reply.status_code, _decoded(reply.content), time.perf_counter() - begun)


def play(agent: RetellAgent, script: Sequence[Step], *, successful: bool | None = None) -> Conversation:
    """Plays a whole call: it rings, started, the script's steps, ended, analyzed.

    `successful` is what the analysis says; None: whether every function was answered with a 2xx.
    """
    conversation = Conversation(agent.call["call_id"])
    conversation.inbound = agent.ring()
    conversation.webhooks["call_started"] = agent.begin()
    for step in script:
        if isinstance(step, Say):
            agent.say(step.role, step.content)
        else:
            conversation.functions.append(agent.use(step.name, fill(step.args, conversation.functions)))
    good = all(one.ok for one in conversation.functions) if successful is None else successful
    conversation.webhooks["call_ended"] = agent.end()
    conversation.webhooks["call_analyzed"] = agent.analyze(successful=good)
    return conversation


def steps_from_json(value: Any) -> list[Step]:
    """`[{"say": "…", "role": "user"}, {"use": "book_appointment", "args": {…}}]`; raises KeyError, TypeError."""
    return [
        Use(one["use"], one.get("args", {})) if "use" in one else Say(one.get("role", "user"), one["say"])
        for one in value
    ]


def fill(value: Any, answers: Sequence[Answer]) -> Any:
    """`value` with each `$n.path` replaced; None where the answer has nothing there."""
    if isinstance(value, Mapping):
        return {name: fill(one, answers) for name, one in value.items()}
    if isinstance(value, list):
        return [fill(one, answers) for one in value]
    if isinstance(value, str) and value.startswith("$") and value[1:2].isdecimal():
        number, *path = value[1:].split(".")
        return _look_up(answers[int(number)].body, path)
    return value


def _look_up(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        if isinstance(value, list):
            value = value[int(name)] if name.isdecimal() and int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value


def _decoded(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except ValueError:
        return content.decode("utf-8", "replace")
