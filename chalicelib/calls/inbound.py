"""A call is coming in: what the agent should know before it says the first word."""

import msgspec

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import PHONE
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls.caller import number_of
from chalicelib.calls.speech import voice_of
from chalicelib.core import directory
from chalicelib.core.clock import Clock
from chalicelib.core.tables import Key, fetch_map
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.contact_points.holders import Holder
from chalicelib.crm.people import store as people
from chalicelib.crm.people.person import Person

Variables = dict[str, str]
MOST_NAMED = 12
"""Where more share a number, their names help nobody."""


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
    hint, number_key = _last_seen.get(called), directory.key(PHONE, called)
    rows = fetch_map([number_key, *(_keys(hint, caller) if hint else ())])
    entry = directory.entry(rows[number_key])
    if entry is None:
        return {}
    line = _Line(entry.company_id, entry.record)
    if line != hint:
        _last_seen[called] = line
        rows = fetch_map(_keys(line, caller))
    schedule = practice_store.schedule_of(rows[_schedule_key(line)], line.branch_id)
    holders = [one for key in _contact_keys(line, caller) for one in contact_points.holders_of(rows[key]).all]
    return _variables(schedule, _persons(line, holders), clock)


def _persons(line: _Line, holders: list[Holder]) -> list[Person]:
    """Whose number it is; who only claims it counts where nobody else has it."""
    ids = [holder.person_id for holder in holders if not holder.claimed] or [one.person_id for one in holders]
    return people.find_all(line.company_id, ids[:MOST_NAMED])


def forget() -> None:
    """Drop what this process remembers of numbers (tests)."""
    _last_seen.clear()


def _keys(line: _Line, caller: str | None) -> list[Key]:
    return [_schedule_key(line), *_contact_keys(line, caller)]


def _schedule_key(line: _Line) -> Key:
    return practice_store.schedule_key(line.company_id, line.branch_id)


def _contact_keys(line: _Line, caller: str | None) -> list[Key]:
    return [contact_points.key(line.company_id, "phone", caller)] if caller else []


def _variables(schedule: Schedule, persons: list[Person], clock: Clock) -> Variables:
    now, branch = clock(), schedule.branch
    voice = voice_of(branch, now)
    is_open = schedule.is_open(now)
    opens = None if is_open else schedule.next_opening(now)
    only = persons[0].name if len(persons) == 1 else ""
    return {
        "branch_id": branch.id,
        "branch_name": branch.name,
        "language": voice.language.code,
        "time_zone": branch.zone,
        "today": voice.date(now),
        "today_iso": now.astimezone(voice.zone).date().isoformat(),
        "time_now": voice.clock(now),
        "open_now": "yes" if is_open else "no",
        "next_opening": voice.moment(opens) if opens else "",
        "known_customer": "yes" if persons else "no",
        "customer_name": only,
        "people_of_number": ", ".join(person.first_name for person in persons if person.first_name),
    }
