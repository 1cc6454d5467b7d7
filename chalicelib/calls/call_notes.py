"""What people of the company change of a call by hand: notes, tags, whose it was, its number in an older system."""

from collections.abc import Sequence

import msgspec

from chalicelib.calls import store
from chalicelib.calls.call import Call, CallNotes
from chalicelib.calls.events import CallLinked, CallNoted
from chalicelib.core.errors import Conflict, NotFound, Stale, invalid
from chalicelib.core.retry import until_committed
from chalicelib.core.tables import fetch_map
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm.people import store as people

LONGEST_NOTES = 10_000
LONGEST_TAG = 40
MOST_TAGS = 20


def clean_tags(tags: Sequence[str], path: str) -> tuple[str, ...]:
    """Lower case, each once, in order; raises Invalid about the tag that is none."""
    cleaned = []
    for number, tag in enumerate(tags):
        text = " ".join(tag.split()).lower()
        if not 0 < len(text) <= LONGEST_TAG or not text.isprintable():
            raise invalid(f"{path}[{number}]", "bad_tag", f"A tag has 1 to {LONGEST_TAG} printable characters.")
        cleaned.append(text)
    found = tuple(dict.fromkeys(cleaned))
    if len(found) > MOST_TAGS:
        raise invalid(path, "too_many_tags", f"A call has at most {MOST_TAGS} tags.")
    return found


def write_notes(unit: Unit, call_id: str, text: str | None, tags: Sequence[str] | None, version: int) -> Call:
    """Change the notes, the tags (None: as they are) over `version` of both; Stale when they were changed since."""
    call = store.get_call(unit.company_id, call_id)
    if call.notes.version != version:
        raise Stale
    before = call.notes
    notes = CallNotes(
        text=before.text if text is None else text,
        tags=before.tags if tags is None else clean_tags(tags, "body.tags"),
        version=version + 1,
    )
    changed = msgspec.structs.replace(call, notes=notes)
    store.save_notes(unit, call, notes)
    unit.publish(CallNoted(call_id=call.id, version=notes.version))
    unit.audit("call.noted", call.id, ("notes", "tags"))
    unit.commit(changed)
    return changed


def link_customer(new_unit: UnitFactory, call_id: str, customer_id: str | None) -> Call:
    """Say whose call it was; None: that nobody knows.

    Raises NotFound, and Conflict for a call that led to an appointment: it is that one's customer's.
    """

    def attempt() -> Call:
        unit = new_unit()
        ours = store.our_id(unit.company_id, call_id) or call_id
        call_key = store.call_key(unit.company_id, ours)
        customer_key = people.key(unit.company_id, customer_id) if customer_id else None
        rows = fetch_map([call_key, customer_key] if customer_key else [call_key])
        call = store.call_of(rows[call_key])
        if call is None:
            raise NotFound("call_not_found", f"There is no call {call_id}.")
        if customer_key and people.person_of(rows[customer_key]) is None:
            raise NotFound("customer_not_found", f"There is no customer {customer_id}.")
        if call.link.customer_id == customer_id:
            return call
        if call.link.appointment_id is not None:
            raise Conflict("call_has_appointment", "This call led to an appointment; its customer is that one's.")
        link = msgspec.structs.replace(call.link, customer_id=customer_id)
        changed = msgspec.structs.replace(call, link=link, link_version=call.link_version + 1)
        store.save_link(unit, call.id, link, call.link_version)
        unit.publish(CallLinked(call_id=call.id, customer_id=customer_id))
        unit.audit("call.linked", call.id, ("customer_id",), customer=customer_id or "")
        unit.commit(changed)
        return changed

    return until_committed(attempt)


def give_number(unit: Unit, call_id: str, legacy_id: str) -> Call:
    """Let the call be found by its number in an older system; raises NotFound, Conflict when another call has it."""
    if not 0 < len(legacy_id) <= LONGEST_TAG or not legacy_id.isalnum():
        raise invalid("legacy_id", "bad_legacy_id", f"A number has 1 to {LONGEST_TAG} letters and digits.")
    call = store.get_call(unit.company_id, call_id)
    store.save_number(unit, call.id, legacy_id)
    unit.audit("call.numbered", call.id, ("legacy_id",))
    unit.commit()
    return msgspec.structs.replace(call, legacy_id=legacy_id)
