"""What the tests of persons share: ways to book for somebody, and who is there afterwards."""

import json
import os
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.people import store as people
from chalicelib.crm.people.person import Person
from infra.local.demo_people import add_person
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call

COMPANY = "com_test"
ME = Caller(COMPANY)
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
PHONE, OTHER = "+4915112345678", "+4915187654321"


def next_monday(hour: int, minute: int = 0, zone: ZoneInfo = BERLIN) -> datetime:
    """Next week's Monday at that time."""
    today = now().astimezone(zone)
    return (today + timedelta(days=7 - today.weekday())).replace(hour=hour, minute=minute, second=0, microsecond=0)


def waiting_body(practice: Practice, hour: int, customer: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A consultation in Berlin, which Ada and Ben do, on Monday at that hour."""
    known = {"branch_id": practice.branches[0].id, "service": "Consultation", "customer": customer}
    return known | {"starts_at": next_monday(hour).isoformat()} | fields


def at_desk(practice: Practice, hour: int, customer: dict[str, Any], **fields: Any) -> Answer:
    """Staff book it."""
    return call("POST", "/api/appointments", caller=ME, body=waiting_body(practice, hour, customer, **fields))


def on_web(practice: Practice, hour: int, customer: dict[str, Any], **fields: Any) -> Answer:
    """A visitor books it."""
    return call("POST", "/public/appointments", body=waiting_body(practice, hour, customer, **fields))


def known(contact: Contact, company_id: str = COMPANY) -> Person:
    """Somebody who is there already."""
    unit = Unit(company_id)
    made = add_person(unit, contact, "api", datetime(2026, 1, 1, tzinfo=UTC))
    unit.commit()
    return made


def everybody(company_id: str = COMPANY) -> list[Person]:
    """All customers, the oldest first."""
    return people.page_listed(company_id, "customer", 100, None).data[::-1]


def mails_to(address: str) -> list[str]:
    """Subject and text of every mail that went to an address, the oldest first."""
    account = os.environ["AWS_ACCOUNT_ID"]
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_ministack/ses/messages?account={account}"
    with urllib.request.urlopen(url) as answer:
        sent = json.load(answer)["messages"].get(account, [])
    return [json.dumps(one, ensure_ascii=False) for one in sent if address in json.dumps(one)]
