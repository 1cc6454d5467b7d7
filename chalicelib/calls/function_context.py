"""One function call of the agent: what it needs to know, read at once, and the guard that keeps its answer."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls import store
from chalicelib.calls.call import Call, CallLink, Transfer
from chalicelib.calls.caller import Caller
from chalicelib.calls.speech import Voice, voice_of
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.errors import Conflict, DomainError, Stale
from chalicelib.core.ids import new_id
from chalicelib.core.rows import GuardRow
from chalicelib.core.tables import Key, fetch_map, fetch_one
from chalicelib.core.unit import CompanyUnitFactory, Unit
from chalicelib.crm import store as crm
from chalicelib.crm.customer import Contact

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import CalCom

KEEP_ANSWER = timedelta(hours=24)
TRIES = 4
DONE = frozenset({"moved", "cancelled", "taken", "transfer", "closed", "nobody_there"})
"""What an answer says once something was done; every other one changed nothing and is not kept."""
Answer = dict[str, Any]


class Tools(msgspec.Struct, frozen=True):
    """What the functions work with: units of work by company, the clock, and Cal.com, made only when it is needed."""

    new_unit: CompanyUnitFactory
    clock: Clock
    calcom: "Callable[[], CalCom]"


class FunctionContext(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked and by whom. `customer_id`: whose number it is; `kept`: what the same question was answered."""

    name: str
    args: dict[str, Any]
    caller: Caller
    schedule: Schedule
    call: Call | None
    customer_id: str | None
    kept: "Kept | None"
    tried: str | None
    now: datetime

    @property
    def company_id(self) -> str:
        """Whose number was called."""
        return self.caller.company_id

    @property
    def voice(self) -> Voice:
        """How to answer."""
        return voice_of(self.schedule.branch, self.now)


class Kept(msgspec.Struct, frozen=True):
    """The answer given before, and the record that it changed."""

    answer: Answer
    record: str


class _AskedBefore(Conflict):
    """The same function call was answered at the same moment."""

    def __init__(self) -> None:
        super().__init__("asked_before", "The same was asked at the same moment.")


def read(name: str, args: dict[str, Any], caller: Caller, branch_id: str, clock: Clock) -> FunctionContext:
    """Everything that any function needs to know of call, branch and caller; one request. Raises NotFound."""
    company_id, number = caller.company_id, caller.number
    places: dict[str, Key] = {
        "schedule": practice_store.schedule_key(company_id, branch_id),
        "guard": guard_key(caller, name, args),
        "tried": attempts_key(caller),
    }
    if caller.call_id:
        places["call"] = store.call_key(company_id, caller.call_id)
    if number:
        places["customer"] = crm.contact_keys(company_id, Contact(phone=number))[0]
    found = fetch_map(places.values())
    rows = {name: found[key] for name, key in places.items()}
    return FunctionContext(
        name=name,
        args=args,
        caller=caller,
        schedule=practice_store.schedule_of(rows["schedule"], branch_id),
        call=store.call_of(rows.get("call")),
        customer_id=crm.owner_of([rows.get("customer")]),
        kept=_kept(rows["guard"], clock()),
        tried=rows["tried"].data if rows["tried"] else None,
        now=clock(),
    )


def once(asked: FunctionContext, act: Callable[[], Answer]) -> Answer:
    """The answer kept for this very question, else what `act` answers.

    Whatever a repeat runs into (an appointment that is gone, since the first one has just cancelled it), the first
    answer is the answer. So where nothing was done, the guard is looked at once more.
    """
    if asked.kept:
        return asked.kept.answer
    try:
        answer = act()
    except DomainError:
        first = _first_answer(asked)
        if first is None:
            raise
        return first
    return answer if answer["status"] in DONE else _first_answer(asked) or answer


def _first_answer(asked: FunctionContext) -> Answer | None:
    found = _kept(fetch_one(guard_key(asked.caller, asked.name, asked.args)), asked.now)
    return found.answer if found else None


def keep(unit: Unit, asked: FunctionContext, answer: Answer, record: str) -> None:
    """Let the unit keep the answer for a repeat of the same call, function and arguments."""
    place = guard_key(asked.caller, asked.name, asked.args)
    row = GuardRow(
        place.pk,
        place.sk,
        record=record,
        data=msgspec.json.encode(answer).decode(),
        expires_at=epoch(asked.now + KEEP_ANSWER),
    )
    unit.put(row, GuardRow.pk.does_not_exist() | (GuardRow.expires_at < epoch(asked.now)), _AskedBefore())


def forget(unit: Unit, asked: FunctionContext) -> None:
    """Let the same question count as a new one from now on."""
    place = guard_key(asked.caller, asked.name, asked.args)
    unit.delete(GuardRow(place.pk, place.sk))


def on_record(unit: Unit, asked: FunctionContext, transfer: Transfer | None = None) -> str:
    """Our id of the call, adding its record where Retell has not told of it yet; the unit is Stale if it does so now.

    `transfer` is written into the record.
    """
    if asked.call:
        if transfer:
            store.save_transfer(unit, asked.call.id, transfer)
        return asked.call.id
    call_id = new_id("call")
    link = CallLink(branch_id=asked.schedule.branch.id, customer_id=asked.customer_id)
    store.add_call(unit, call_id, asked.caller.facts, link, asked.now, transfer)
    return call_id


def until_recorded(asked: FunctionContext, act: Callable[[FunctionContext], Answer], clock: Clock) -> Answer:
    """`act`, again when Retell's webhook added the call's record at the same moment."""
    for _ in range(TRIES):
        try:
            return act(asked)
        except Stale:
            again = located(asked.caller)
            asked = read(asked.name, asked.args, again, asked.schedule.branch.id, clock)
    raise Stale


def located(caller: Caller) -> Caller:
    """The caller with our id of the call, if it has one by now; one request."""
    known = store.find_id(caller.company_id, caller.facts.retell_call_id)
    return msgspec.structs.replace(caller, call_id=known or caller.call_id)


def guard_key(caller: Caller, name: str, args: dict[str, Any]) -> Key:
    """Where the answer to this call, function and arguments lies."""
    digest = hashlib.sha256(msgspec.json.encode(args, order="deterministic")).hexdigest()
    return Key(GuardRow, f"{caller.company_id}#agent#{caller.facts.retell_call_id}#{name}#{digest}", "guard")


def attempts_key(caller: Caller) -> Key:
    """Where the names and dates lie that were tried in this call."""
    return Key(GuardRow, f"{caller.company_id}#agent#{caller.facts.retell_call_id}#tried", "guard")


def _kept(row: GuardRow | None, at: datetime) -> Kept | None:
    if row is None or not row.data or (row.expires_at or 0) < epoch(at):
        return None
    return Kept(msgspec.json.decode(row.data, type=Answer), str(row.record))
