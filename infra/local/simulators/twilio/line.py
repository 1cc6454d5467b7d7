"""Twilio's side of a telephone call: asks our API for TwiML and does what it says, with people who answer or do not."""

import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any, Literal

import requests

from chalicelib.vendors.twilio.webhook import sign
from infra.local.simulators.twilio.account import Account, Record

Reaction = Literal["answers", "no-answer", "busy", "failed"]
MOST_STEPS = 20
TALK_SECONDS = 42


class LoopsForever(AssertionError):
    """The TwiML led on and on."""


@dataclass(frozen=True)
class People:
    """How everyone behaves: `reactions` by number or SIP URI (else: no answer), and the caller.

    `hangs_up_during`: the number of the Dial or Record (from 0) in which the caller gives up. `message_seconds`: how
    long they speak to the mailbox, 0: not at all. `presses`: what a member of staff presses when asked.
    """

    reactions: Mapping[str, Reaction] = field(default_factory=dict)
    hangs_up_during: int | None = None
    message_seconds: int = 0
    presses: str = "1"

    def reaction(self, target: str) -> Reaction:
        """How that one behaves."""
        return self.reactions.get(target, "no-answer")


@dataclass(frozen=True)
class Step:
    """One verb that was carried out, and what came of it."""

    verb: str
    said: str
    outcome: str


@dataclass
class Line:
    """One call that follows TwiML. `repeat`: how often every webhook is sent, the answer to the last one counts."""

    account: Account
    leg: Record
    key: str
    status_url: str | None
    people: People
    clock: Callable[[], Any]
    repeat: int = 1
    algorithm: str | None = None
    timeout_seconds: float = 10.0
    steps: list[Step] = field(default_factory=list)
    _sequence: int = -1
    _waits: int = 0
    _late: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def follow(self, url: str) -> list[Step]:
        """Ask `url` what to do, and so on until the call is over; then tell how it ended."""
        self.leg["status"] = "in-progress" if self.leg["direction"] == "outbound-api" else "ringing"
        document: ET.Element | None = self._fetch(url, {})
        while document is not None:
            document = self._do(document)
            if len(self.steps) > MOST_STEPS:
                raise LoopsForever([step.verb for step in self.steps])
        self.end("completed")
        return self.steps

    def end(self, status: str) -> None:
        """The call is over: its last status, and what comes late."""
        self.leg.update(status=status, duration=str(TALK_SECONDS), end_time=format_datetime(self.clock()))
        self.tell(status, CallDuration=str(TALK_SECONDS), Duration="1")
        for url, params in self._late:
            self._post(url, params)

    def tell(self, status: str, **more: str) -> None:
        """A status callback."""
        self._sequence += 1
        if self.status_url:
            facts = {
                "CallStatus": status,
                "SequenceNumber": str(self._sequence),
                "CallbackSource": "call-progress-events",
                "Timestamp": format_datetime(self.clock()),
            }
            self._post(self.status_url, {**facts, **more})

    def _do(self, document: ET.Element) -> ET.Element | None:
        for verb in document:
            action = getattr(self, f"_{verb.tag.lower()}")(verb)
            if action is not None:
                url, params = action
                if self.leg["status"] in ("completed", "busy"):  # hung up or rejected: the answer is not waited for
                    if url:
                        self._fetch(url, params)
                    return None
                return self._fetch(url, params)
        return None

    def _say(self, verb: ET.Element) -> None:
        self.steps.append(Step("Say", verb.text or "", "said"))

    def _hangup(self, verb: ET.Element) -> tuple[str, dict[str, str]]:
        self.steps.append(Step("Hangup", "", "over"))
        self.leg["status"] = "completed"
        return "", {}

    def _reject(self, verb: ET.Element) -> tuple[str, dict[str, str]]:
        self.steps.append(Step("Reject", "", "over"))
        self.leg["status"] = "busy"
        return "", {}

    def _dial(self, verb: ET.Element) -> tuple[str, dict[str, str]] | None:
        targets = [one.text or "" for one in verb]
        gave_up = self._gives_up()
        reactions = [self.people.reaction(target) for target in targets]
        taken = None if gave_up or "answers" not in reactions else targets[reactions.index("answers")]
        shown = verb.get("callerId") or self.leg["from"]
        legs = [
            self.account.leg(to=one, sender=shown, direction="outbound-dial", status="ringing", parent=self.leg["sid"])
            for one in targets
        ]
        for leg, reaction in zip(legs, reactions, strict=True):
            if leg["to"] == taken:
                leg.update(status="completed", duration=str(TALK_SECONDS))
            else:
                leg["status"] = "canceled" if taken or gave_up else reaction
        outcome = "completed" if taken else "canceled" if gave_up else reactions[0]
        self.steps.append(Step("Dial", ", ".join(targets), outcome))
        if not verb.get("action"):
            return None
        if gave_up:
            self.leg["status"] = "completed"
        params = {"DialCallStatus": outcome, "DialCallSid": legs[0]["sid"]}
        if taken:
            params["DialCallDuration"] = str(TALK_SECONDS)
        return str(verb.get("action")), params

    def _record(self, verb: ET.Element) -> tuple[str, dict[str, str]] | None:
        seconds = 0 if self._gives_up() else self.people.message_seconds
        self.steps.append(Step("Record", "", f"{seconds} s"))
        self.leg["status"] = "completed"  # whoever has spoken hangs up; whoever has not, too
        if not seconds:
            return "", {}
        sid = f"RE{uuid.uuid4().hex}"
        url = f"https://api.twilio.com/2010-04-01/Accounts/{self.account.sid}/Recordings/{sid}"
        facts = {"RecordingUrl": url, "RecordingSid": sid, "RecordingDuration": str(seconds)}
        callback = verb.get("recordingStatusCallback")
        if callback:
            self._late.append((callback, {**facts, "RecordingStatus": "completed"}))
        return str(verb.get("action")), {**facts, "Digits": "hangup"}

    def _gather(self, verb: ET.Element) -> tuple[str, dict[str, str]] | None:
        said = " ".join(one.text or "" for one in verb)
        self.steps.append(Step("Gather", said, self.people.presses or "nothing"))
        return (str(verb.get("action")), {"Digits": self.people.presses}) if self.people.presses else None

    def _gives_up(self) -> bool:
        self._waits += 1
        return self.people.hangs_up_during == self._waits - 1

    def _fetch(self, url: str, params: Mapping[str, str]) -> ET.Element | None:
        if not url:
            return None
        answer = self._post(url, params)
        if answer.status_code != 200 or "xml" not in answer.headers.get("Content-Type", ""):
            raise AssertionError(f"{url} was answered {answer.status_code}: {answer.text}")
        return ET.fromstring(answer.text)

    def _post(self, url: str, params: Mapping[str, str]) -> requests.Response:
        facts = {
            "AccountSid": self.account.sid, "ApiVersion": "2010-04-01", "CallSid": self.leg["sid"],
            "CallStatus": self.leg["status"], "Called": self.leg["to"], "Caller": self.leg["from"],
            "From": self.leg["from"], "To": self.leg["to"],
            "Direction": "inbound" if self.leg["direction"] == "inbound" else "outbound-api",
        }  # fmt: skip
        form = [*{**facts, **params}.items()]
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
            "X-Twilio-Signature": sign(url, form, self.key, self.algorithm),
        }
        if self.algorithm:
            headers["X-Twilio-Webhooks-Signature-Settings"] = f"key=webhooks_sharedkey_1,algorithm={self.algorithm}"
        for _ in range(self.repeat - 1):
            self._once(url, form, headers)
        return self._once(url, form, headers)

    def _once(self, url: str, form: list[tuple[str, str]], headers: Mapping[str, str]) -> requests.Response:
        try:
            return requests.post(url, data=form, headers=dict(headers), timeout=self.timeout_seconds)
        except requests.ConnectionError:  # Twilio's default: once more when there was no connection
            time.sleep(0.2)
            return requests.post(url, data=form, headers=dict(headers), timeout=self.timeout_seconds)
