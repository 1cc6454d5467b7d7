"""A call is coming in: what the agent should know before it says the first word."""

import msgspec

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import PHONE
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls.caller import number_of
from chalicelib.calls.speech import voice_of
from chalicelib.core import directory
from chalicelib.core.clock import Clock
from chalicelib.core.tables import Key, fetch
from chalicelib.crm import store as crm
from chalicelib.crm.customer import Contact, Customer

Variables = dict[str, str]


class _Line(msgspec.Struct, frozen=True):
    """Whose number it is."""

    company_id: str
    branch_id: str


_last_seen: dict[str, _Line] = {}
"""Whose number this process last found it to be: a hint what to fetch along with the directory; it never decides."""


def variables(from_number: str | None, to_number: str | None, clock: Clock) -> Variables:
    """What the agent's prompt may use, texts only; none for a number of nobody's.

    Two requests (a third for a known customer) in a process that meets the number for the first time, one (two) later.
    """
    called, caller = number_of(to_number), number_of(from_number)
    if called is None:
        return {}
    hint = _last_seen.get(called)
    line, rows = _read(called, caller, hint)
    if line is None:
        return {}
    if line != hint:
        _last_seen[called] = line
        rows = fetch(_places(line, caller))
    schedule = practice_store.schedule_of(rows[0], line.branch_id)
    customer_id = crm.owner_of(rows[1:])
    customer = crm.find_customer(line.company_id, customer_id) if customer_id else None
    return _told(schedule, customer, clock)


def forget() -> None:
    """Drop what this process remembers of numbers (tests)."""
    _last_seen.clear()


def _read(called: str, caller: str | None, hint: _Line | None) -> tuple[_Line | None, list[object]]:
    places = _places(hint, caller) if hint else []
    first, *rows = fetch([directory.key(PHONE, called), *places])
    entry = directory.entry(first)
    return _Line(entry.company_id, entry.record) if entry else None, rows


def _places(line: _Line, caller: str | None) -> list[Key]:
    customer = crm.contact_keys(line.company_id, Contact(phone=caller)) if caller else []
    return [practice_store.schedule_key(line.company_id, line.branch_id), *customer]


def _told(schedule: Schedule, customer: Customer | None, clock: Clock) -> Variables:
    now, branch = clock(), schedule.branch
    voice = voice_of(branch, now)
    opened = schedule.is_open(now)
    opens = None if opened else schedule.next_opening(now)
    named = customer is not None and any(letter.isalpha() for letter in customer.name)
    return {
        "branch_id": branch.id,
        "branch_name": branch.name,
        "language": voice.language.code,
        "time_zone": branch.zone,
        "today": voice.date(now),
        "today_iso": now.astimezone(voice.zone).date().isoformat(),
        "time_now": voice.clock(now),
        "open_now": "yes" if opened else "no",
        "next_opening": voice.moment(opens) if opens else "",
        "known_customer": "yes" if customer else "no",
        "customer_name": customer.name if customer and named else "",
    }
