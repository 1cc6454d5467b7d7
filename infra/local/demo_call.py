"""`make demo-call`: a caller books an appointment by telephone and moves it, played against the running system."""

import json
import os
import sys
import time
from datetime import date, datetime, timedelta
from typing import Any

import requests
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from infra.local.playing import Mismatch, Play, perform
from infra.local.simulators.retell.agent import Addresses, Answer, RetellAgent

CALLER = "+493055512345"
NAME = "Mara Lindner"
SERVICE = "Consultation"
MOST_DAYS = 10
MOST_REQUESTS = 3
QUIET_SECONDS = 1.5
"""How long after Cal.com's webhook its job is given to change something that it should not."""


class DemoCall(Play):
    """One call, from ringing to the chain's verdict."""

    def __init__(self, ready: dict[str, Any], console: Console) -> None:
        super().__init__(ready, console)
        key = ready["environment"].get("RETELL_API_KEY") or os.environ["RETELL_API_KEY"].partition(",")[0]
        hook = f"{self._api}/webhooks/retell"
        addresses = Addresses(hook, f"{hook}/function", f"{hook}/inbound")
        self._agent = RetellAgent(key, addresses, from_number=CALLER, to_number=ready["demo"]["phone_number"])
        self._call_id: str = self._agent.call["call_id"]

    def play(self) -> None:
        """All of it; raises Mismatch."""
        self._title("The telephone rings")
        numbers = f"{CALLER} calls {self._ready['demo']['phone_number']}"
        self._ring()
        self._check(self._agent.begin().ok, f"Retell: call_started ({numbers}, {self._call_id})")
        booked = self._book(self._find_slot())
        before = self._look(booked)
        self._wait_for_calcom(before)
        self._move(before)
        self._hang_up()
        self._judge()

    def _ring(self) -> None:
        answer = self._agent.ring()
        self._check(answer is not None and answer.ok, "Retell: call_inbound, answered with what the agent should know")
        variables = self._agent.call["retell_llm_dynamic_variables"]
        line = ", ".join(f"{name}={variables[name]}" for name in ("branch_name", "today", "open_now", "customer_name"))
        self._console.print(f"  [dim]{line}[/]", highlight=False, soft_wrap=True)

    def _find_slot(self) -> dict[str, Any]:
        day = datetime.now().astimezone().date()
        for _ in range(MOST_DAYS):
            day = _next_workday(day)
            self._say("user", f"Good morning! Do you have time for a {SERVICE.lower()} on {day:%A, %-d %B}?")
            answer = self._use("check_availability", {"service": SERVICE, "date": day.isoformat()})
            slots: list[dict[str, Any]] = answer["slots"]
            if slots:
                self._slots(slots)
                return slots[len(slots) // 2]
        raise Mismatch(f"nothing is free within {MOST_DAYS} working days")

    def _book(self, slot: dict[str, Any]) -> dict[str, Any]:
        for _ in range(MOST_REQUESTS):
            starts_at = datetime.fromisoformat(slot["starts_at"])
            self._say("user", f"At {starts_at:%H:%M}, please. My name is {NAME}.")
            request = {"service": SERVICE, "starts_at": slot["starts_at"], "staff": slot["staff_id"], "name": NAME}
            answer = self._use("book_appointment", request)
            if answer["status"] != "unavailable" or not answer["alternatives"]:
                break
            slot = answer["alternatives"][0]  # somebody was faster, or Cal.com knows of something
        self._check(answer["status"] == "booked", f"the function's answer says: {answer['status']}")
        self._check(_same_time(answer["starts_at"], slot["starts_at"]), f"at the time asked for: {answer['starts_at']}")
        return answer

    def _look(self, booked: dict[str, Any]) -> dict[str, Any]:
        self._title("A staff screen asks for the call, at once")
        call = self._get(f"/api/calls/{self._call_id}")
        appointment: dict[str, Any] = self._get(f"/api/appointments/{booked['appointment_id']}")
        self._facts(appointment)
        self._check(bool(call["booking_confirmed"]), "the call says booking_confirmed")
        self._check(call["appointment"] == appointment, f"the call shows its appointment {appointment['id']}")
        self._check(appointment["call_id"] == call["id"], f"the appointment names its call {call['id']}")
        same = call["customer"]["id"] == appointment["customer_id"]
        self._check(same, f"both name the customer {call['customer']['name']}, {call['customer']['phone']}")
        ids = appointment["calcom_booking_id"], appointment["external_id"]
        self._check(all(ids), f"it has Cal.com's ids: {ids[0]}, {ids[1]}")
        return appointment

    def _wait_for_calcom(self, before: dict[str, Any]) -> None:
        self._title("Cal.com's webhook arrives")
        simulator = self._ready["simulators"].get("calcom")
        if simulator is None:
            self._console.print("  The real Cal.com is in use: its webhooks cannot reach this machine.")
            return
        begun = time.monotonic()
        with self._console.status("waiting for it …"):
            delivery = self._until(lambda: self._delivery(simulator, before["external_id"]), "no webhook came")
            later = time.monotonic() - begun
            time.sleep(QUIET_SECONDS)
        accepted = 200 <= delivery["status"] < 300
        self._check(accepted, f"{delivery['trigger']}, {later:.1f} s later, was answered {delivery['status']}")
        after = self._get(f"/api/appointments/{before['id']}")
        unchanged = f"it changed nothing: version {after['version']}, updated_at {after['updated_at']}"
        self._check(after == before, unchanged)
        listed = self._get(f"/api/appointments?customer_id={before['customer_id']}&limit=100")["data"]
        count = sum(one["call_id"] == before["call_id"] for one in listed)
        self._check(count == 1, f"appointments of this call: {count}")

    def _delivery(self, simulator: str, uid: str) -> dict[str, Any] | None:
        found = requests.get(f"{simulator}/_sim/deliveries", timeout=5).json()["data"]
        mine = (one for one in found if json.loads(one["body"])["payload"].get("uid") == uid)
        return next((one for one in mine if one["status"] is not None), None)

    def _move(self, before: dict[str, Any]) -> None:
        self._title("The caller thinks again")
        self._say("user", "Which appointments do I have?")
        listed = self._use("list_my_appointments", {})
        self._check(before["id"] in [one["appointment_id"] for one in listed["appointments"]], "it is among their own")
        day = datetime.fromisoformat(before["starts_at"]).date()
        for _ in range(MOST_DAYS):
            day = _next_workday(day)
            self._say("user", f"Could I come on {day:%A, %-d %B} at half past three instead?")
            request = {"appointment_id": before["id"], "starts_at": f"{day:%-d %B} at half past three"}
            answer = self._use("reschedule_appointment", request)
            if answer["status"] != "unavailable":
                break
        self._check(answer["status"] == "moved", f"the function's answer says: {answer['status']}")
        after = self._get(f"/api/appointments/{before['id']}")
        self._check(_same_time(after["starts_at"], answer["starts_at"]), f"the appointment is at {after['starts_at']}")
        if before["external_id"]:
            moved = f"Cal.com has a new booking for it: {after['external_id']}"
            self._check(after["external_id"] != before["external_id"], moved)

    def _hang_up(self) -> None:
        self._title("The caller hangs up")
        self._check(self._agent.end().ok, "Retell: call_ended")
        self._check(self._agent.analyze(f"{NAME} booked a {SERVICE.lower()}.").ok, "Retell: call_analyzed")
        call = self._until(self._analyzed_call, "the call was not brought up to date")
        self._check(call["status"] == "ended", f"the call's record: {call['status']}, “{call['summary']}”")
        self._check(bool(call["booking_confirmed"]), "and still booking_confirmed")

    def _analyzed_call(self) -> dict[str, Any] | None:
        call: dict[str, Any] = self._get(f"/api/calls/{self._call_id}")
        return call if call["summary"] and call["ended_at"] else None

    def _judge(self) -> None:
        self._title("The chain from call to appointment")
        chain = self._get(f"/api/calls/{self._call_id}/chain")
        table = Table(box=None, show_header=False, padding=(0, 2))
        for one in chain["criteria"]:
            table.add_row("[green]✓[/]" if one["passed"] else "[red]✗[/]", one["name"], f"[dim]{one['detail']}[/]")
        self._console.print(table)
        passed = sum(one["passed"] for one in chain["criteria"])
        self._check(chain["valid"], f"{passed} of {len(chain['criteria'])} criteria hold")

    def _use(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        answer: Answer = self._agent.use(name, args)
        if not answer.ok:
            raise Mismatch(f"{name} was answered {answer.status}: {answer.body}")
        given = ", ".join(f"{field}={value}" for field, value in args.items())
        line = f"  [dim]{name}({given}): {answer.seconds * 1000:.0f} ms[/]"
        self._console.print(line, highlight=False, soft_wrap=True)
        body: dict[str, Any] = answer.body
        self._say("agent", body["message"])
        return body

    def _say(self, role: str, content: str) -> None:
        self._agent.say(role, content)
        who, colour = ("Caller", "cyan") if role == "user" else ("Agent", "magenta")
        self._console.print(Panel(content, title=who, title_align="left", border_style=colour, width=92))

    def _slots(self, slots: list[dict[str, Any]]) -> None:
        times = (f"{datetime.fromisoformat(slot['starts_at']):%H:%M} {slot['staff']}" for slot in slots)
        self._console.print(f"  [dim]offered: {', '.join(times)}[/]", highlight=False, soft_wrap=True)

    def _facts(self, appointment: dict[str, Any]) -> None:
        table = Table(box=None, show_header=False, padding=(0, 2))
        for name in ("id", "status", "source", "starts_at", "ends_at", "staff_id", "service_id", "branch_id"):
            table.add_row(f"[dim]{name}[/]", str(appointment[name]))
        self._console.print(table)


def _next_workday(day: date) -> date:
    day += timedelta(days=1)
    while day.isoweekday() > 5:
        day += timedelta(days=1)
    return day


def _same_time(one: str, other: str) -> bool:
    return datetime.fromisoformat(one) == datetime.fromisoformat(other)


if __name__ == "__main__":
    sys.exit(perform(DemoCall))
