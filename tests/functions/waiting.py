"""What tests of the waiting list do: wish, wait, book, cancel, and read what was sent."""

import re
from datetime import datetime
from typing import Any

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Branch
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.entry import WaitlistEntry
from chalicelib.core import aws as clients
from chalicelib.core import due
from chalicelib.core.jobs import work
from chalicelib.core.worker import deliver
from infra.local.invoking import Answer, Caller, call
from infra.local.simulators.twilio import TwilioSimulator
from tests.calls.conftest import next_monday
from tests.calls.telephone import COMPANY, twilio
from tests.draining import drain
from tests.integrations.test_outgoing_webhooks import receiver

__all__ = ["receiver", "twilio"]

ME = Caller(COMPANY)
ADA = "Ada Keller"
FIRST, SECOND, THIRD = "+4915112345601", "+4915112345602", "+4915112345603"


def wish(branch: Branch, **fields: Any) -> dict[str, Any]:
    """Ada at ten on Monday, and nothing else will do."""
    monday = next_monday(10).date().isoformat()
    asked = {
        "branch_id": branch.id, "services": ["Consultation"], "days": [{"first": monday, "last": monday}],
        "times": [{"start": 600, "end": 630}], "staff": [ADA],
    }  # fmt: skip
    return asked | fields


def waits(branch: Branch, phone: str | None = None, email: str | None = None, **fields: Any) -> str:
    customer = {name: value for name, value in (("phone", phone), ("email", email)) if value}
    answer = call("POST", "/public/waiting-list", body=wish(branch, customer=customer, **fields))
    assert answer.status == 201, answer
    return str(answer.json["id"])


def books(branch: Branch, **fields: Any) -> Answer:
    body = {
        "branch_id": branch.id, "service": "Consultation", "starts_at": next_monday(10).isoformat(), "staff": ADA,
        "customer": {"phone": "+4915112345699"},
    }  # fmt: skip
    return call("POST", "/api/appointments", caller=ME, body=body | fields)


def cancels(appointment_id: str) -> None:
    assert call("POST", f"/api/appointments/{appointment_id}/cancel", caller=ME, body={}).status == 200
    drain(rounds=20)


def texts(twilio: TwilioSimulator, to: str) -> list[str]:
    return [text["body"] for text in twilio.account.texts.values() if text["to"] == to]


def link(words: str) -> str:
    found = re.search(r"(/public/offers/\S+)", words)
    assert found
    return found[1]


def state(waiting_id: str) -> WaitlistEntry:
    return waitlist_store.get(COMPANY, waiting_id)


def comes(later: datetime) -> int:
    """That time comes: what is due goes to its queue, and is done there; returns how many jobs were due."""
    handed = due.sweep(lambda: later)
    deliver("default", lambda queue, event: work(queue, event, lambda: later))
    return handed


def reply(path: str, answer: str) -> Answer:
    return call("POST", path, body={"answer": answer})


def practice_staff(branch: Branch) -> Any:
    schedule = practice_store.get_schedule(COMPANY, branch.id)
    return next(one for one in schedule.staff if one.name == ADA)


def everything() -> str:
    found = []
    client = clients.client("dynamodb")
    for name in ("booking", "messaging", "occupancy", "directory", "outbox", "audit"):
        for item in client.scan(TableName=f"pilot-test-{name}")["Items"]:
            found.append(str(item))
    return "".join(found)
