"""`make demo-booking`: a time that two want, a weekly course and a waiting list, played against the running system."""

import json
import random
import re
import sys
import urllib.request
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from rich.table import Table

from infra.local.playing import Mismatch, Play, perform

SERVICE = "Haircut"
WEEKS = 6
MOST_DAYS = 15


class DemoBooking(Play):
    """A visitor's hold, a refusal with alternatives, a series checked and booked, an offer by mail."""

    patience_seconds = 40.0

    def play(self) -> None:
        """All of it; raises Mismatch."""
        branches = self._get("/api/branches?limit=100")["data"]
        # The last one books here: at Cal.com each step would have to be agreed on.
        self._branch: dict[str, Any] = [one for one in branches if one["books_through"] == "none"][-1]
        self._visitor = f"visitor{random.randrange(10**6)}@example.com"
        self._waiter = f"waiter{random.randrange(10**6)}@example.com"
        slot = self._search()
        taken = self._two_want_it(slot)
        self._course(slot)
        self._offer(slot, taken)

    def _search(self) -> dict[str, Any]:
        self._title("A visitor looks for a free time")
        first = datetime.now().astimezone().date() + timedelta(days=1)
        found = self._free(first, first + timedelta(days=MOST_DAYS))
        times = [f"{_day(one['starts_at'])} ({one['free_staff']} free)" for one in found[:: max(1, len(found) // 4)]]
        self._note(f"GET /public/availability: {len(found)} times, such as {', '.join(times[:4])}")
        # With everyone free, so that somebody is left for the refused.
        slot = next((one for one in found if one["free_staff"] > 1), None)
        if slot is None:
            raise Mismatch(f"nobody is free within {MOST_DAYS} days; `make reset` begins anew")
        self._check(True, f"they like {_day(slot['starts_at'])}, with {slot['staff_ids'][0]}")
        return slot

    def _free(self, first: date, last: date) -> list[dict[str, Any]]:
        query = {
            "company": self._ready["demo"]["company_id"], "branch_id": self._branch["id"], "service": SERVICE,
            "from": str(first), "to": str(last),
        }  # fmt: skip
        slots: list[dict[str, Any]] = self._get(f"/public/availability?{urlencode(query)}")["results"][0]["slots"]
        return slots

    def _booking(self, slot: dict[str, Any], **more: Any) -> dict[str, Any]:
        known = {"branch_id": self._branch["id"], "service": SERVICE, "starts_at": slot["starts_at"]}
        return known | {"staff": slot["staff_ids"][0]} | more

    def _two_want_it(self, slot: dict[str, Any]) -> dict[str, Any]:
        self._title("They type their name; meanwhile the desk wants the same time")
        held = self._post("/public/holds", self._booking(slot), 201)
        self._check(True, f"POST /public/holds: kept for them until {held['expires_at']}")
        request = self._booking(slot, customer={"phone": f"+1212555{random.randrange(10**4):04}"})
        refused = self._post("/api/appointments", request, 409)
        self._check(
            refused["code"] == "slot_taken", f"POST /api/appointments: 409 {refused['code']}, with alternatives"
        )
        for other in refused["alternatives"]:
            self._note(f"{_day(other['starts_at'])} with {other['staff']}")
        proof = {"id": held["id"], "secret": held["secret"]}
        customer = {"name": "Vera Visitor", "email": self._visitor}
        booked: dict[str, Any] = self._post(
            "/public/appointments", self._booking(slot, hold=proof, customer=customer), 201
        )
        self._check(booked["status"] == "confirmed", f"POST /public/appointments, with the hold: {booked['id']}")
        return booked

    def _course(self, slot: dict[str, Any]) -> None:
        self._title(f"A customer wants that time every week, {WEEKS} times")
        request = self._booking(slot, recurrence={"frequency": "weekly", "count": WEEKS})
        checked = self._post("/api/series/check", request, 200)
        table = Table(box=None, show_header=False, padding=(0, 2))
        for one in checked["occurrences"]:
            alternatives = "instead: " + ", ".join(_day(other["starts_at"]) for other in one["alternatives"][:2])
            mark = "[green]✓[/]" if one["bookable"] else "[red]✗[/]"
            table.add_row(mark, _day(one["starts_at"]), f"[dim]{one['code']}, {alternatives}[/]" if one["code"] else "")
        self._console.print(table)
        self._check(not checked["occurrences"][0]["bookable"], "POST /api/series/check: the first one is taken")
        customer = {"name": "Cora Course", "email": f"course{random.randrange(10**6)}@example.com"}
        booked = self._post("/api/series", request | {"on_conflict": "skip", "customer": customer}, 201)
        stand = [one for one in booked["occurrences"] if one["outcome"] == "booked"]
        self._check(
            len(stand) == checked["bookable"], f"POST /api/series: {len(stand)} of {WEEKS} booked ({booked['id']})"
        )
        one = stand[0]["appointment_id"]
        change = {"appointment_id": one, "scope": "all", "reason": "The demo is over"}
        gone = self._post(f"/api/series/{booked['id']}/cancel", change, 200)
        self._check(all(each["status"] != "confirmed" for each in gone["occurrences"]), "and cancelled as one")

    def _offer(self, slot: dict[str, Any], taken: dict[str, Any]) -> None:
        self._title("Someone waits for the time that is taken")
        day = slot["starts_at"][:10]
        request = {
            "branch_id": self._branch["id"], "services": [SERVICE], "days": [{"first": day, "last": day}],
            "staff": [slot["staff_ids"][0]], "customer": {"name": "Willa Waiter", "email": self._waiter},
            "times": [_around(slot)],
        }  # fmt: skip
        waiting = self._post("/api/waiting-list", request, 201)
        self._check(waiting["status"] == "waiting", f"POST /api/waiting-list: {waiting['id']}")
        self._post(f"/api/appointments/{taken['id']}/cancel", {"reason": "Vera is ill"}, 200)
        self._check(True, "Vera cancels: their time is free")
        token = self._until(self._mailed, "no offer was mailed")["token"]
        offered = self._get(f"/public/offers/{token}")
        kept = f"kept for Willa until {_day(offered['until'])}"
        self._check(
            _same_time(offered["starts_at"], slot["starts_at"]), f"a mail offers {_day(offered['starts_at'])}, {kept}"
        )
        accepted = self._post(f"/public/offers/{token}", {"answer": "accept"}, 200)
        self._check(accepted["outcome"] == "accepted", f"POST /public/offers/…: {accepted['appointment_id']} is theirs")
        again = self._post("/api/appointments", self._booking(slot, customer={"email": self._visitor}), 409)
        self._check(again["code"] == "slot_taken", "Vera is well again, and too late: 409 slot_taken")

    def _mailed(self) -> dict[str, Any] | None:
        with urllib.request.urlopen(f"{self._ready['aws']}/_ministack/ses/messages", timeout=5) as answer:
            sent = [json.dumps(one) for each in json.load(answer)["messages"].values() for one in each]
        mine = (re.search(r"/public/offers/([\w-]+)", one) for one in sent if self._waiter in one)
        return next(({"token": found.group(1)} for found in mine if found), None)


def _around(slot: dict[str, Any]) -> dict[str, int]:
    starts_at = datetime.fromisoformat(slot["starts_at"])
    minute = starts_at.hour * 60 + starts_at.minute
    length = datetime.fromisoformat(slot["ends_at"]) - starts_at
    return {"start": minute, "end": minute + length // timedelta(minutes=1)}


def _day(instant: str) -> str:
    return f"{datetime.fromisoformat(instant):%a %-d %b, %H:%M}"


def _same_time(one: str, other: str) -> bool:
    return datetime.fromisoformat(one) == datetime.fromisoformat(other)


if __name__ == "__main__":
    sys.exit(perform(DemoBooking))
