"""One function call of the agent: what it needs to know, read at once, and the guard that keeps its answer."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.appointments.external import BookingProvider, connect
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls import store
from chalicelib.calls.call import Call, CallLink, Transfer
from chalicelib.calls.caller import Caller
from chalicelib.calls.speech import Voice, voice_of
from chalicelib.core import guards
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, DomainError
from chalicelib.core.guards import Guard
from chalicelib.core.ids import new_id
from chalicelib.core.retry import known_first, until_committed
from chalicelib.core.tables import Key, fetch_map
from chalicelib.core.unit import CompanyUnitFactory, Unit
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.contact_points.holders import Holders

KEEP_ANSWER = timedelta(hours=24)
DONE = frozenset({"moved", "cancelled", "taken", "transfer", "closed", "nobody_available"})
"""What an answer says once something was done; every other one changed nothing and is not kept."""
Answer = dict[str, Any]


class Tools(msgspec.Struct, frozen=True):
    """What the functions work with: units of work by company, the clock, and providers, connected only when needed."""

    new_unit: CompanyUnitFactory
    clock: Clock
    connect: Callable[[str], BookingProvider] = connect


class FunctionContext(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked and by whom. `holders`: whose number it is; `kept`: what the same question was answered."""

    name: str
    args: dict[str, Any]
    caller: Caller
    schedule: Schedule
    call: Call | None
    holders: Holders
    kept: "Kept | None"
    tried: Guard | None
    now: datetime

    @property
    def customer_ids(self) -> tuple[str, ...]:
        """Everybody whose number the caller's is, those first who had it first."""
        return tuple(holder.person_id for holder in self.holders.all)

    @property
    def customer_id(self) -> str | None:
        """The only one whose number it is; None where several share it, or nobody has it."""
        ids = [holder.person_id for holder in self.holders.all if not holder.claimed] or list(self.customer_ids)
        return ids[0] if len(ids) == 1 else None

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


class _AnsweredBefore(Conflict):
    """The same function call was answered at the same moment."""

    def __init__(self) -> None:
        super().__init__("asked_before", "The same was asked at the same moment.")


def read(name: str, args: dict[str, Any], caller: Caller, branch_id: str, clock: Clock) -> FunctionContext:
    """Everything that any function needs to know of call, branch and caller; one request. Raises NotFound."""
    company_id, number = caller.company_id, caller.number
    keys: dict[str, Key] = {
        "schedule": practice_store.schedule_key(company_id, branch_id),
        "answered": guards.key(answer_guard(caller, name, args)),
        "tried": guards.key(tried_guard(caller)),
    }
    if caller.call_id:
        keys["call"] = store.call_key(company_id, caller.call_id)
    if number:
        keys["holders"] = contact_points.key(company_id, "phone", number)
    found, now = fetch_map(keys.values()), clock()
    rows = {what: found[key] for what, key in keys.items()}
    return FunctionContext(
        name=name,
        args=args,
        caller=caller,
        schedule=practice_store.schedule_of(rows["schedule"], branch_id),
        call=store.call_of(rows.get("call")),
        holders=contact_points.holders_of(rows.get("holders")),
        kept=_kept(guards.guard_of(rows["answered"], now)),
        tried=guards.guard_of(rows["tried"], now),
        now=now,
    )


def once(context: FunctionContext, act: Callable[[], Answer]) -> Answer:
    """The answer kept for this very question, else what `act` answers.

    Whatever a repeat runs into (an appointment that is gone, since the first one has just cancelled it), the first
    answer is the answer. So where nothing was done, the guard is looked at once more.
    """
    if context.kept:
        return context.kept.answer
    try:
        answer = act()
    except DomainError:
        first = _first_answer(context)
        if first is None:
            raise
        return first
    return answer if answer["status"] in DONE else _first_answer(context) or answer


def _first_answer(context: FunctionContext) -> Answer | None:
    found = _kept(guards.find(answer_guard(context.caller, context.name, context.args), context.now))
    return found.answer if found else None


def keep(unit: Unit, context: FunctionContext, answer: Answer, record: str) -> None:
    """Let the unit keep the answer for a repeat of the same call, function and arguments."""
    guard = Guard(until=context.now + KEEP_ANSWER, record=record, data=msgspec.json.encode(answer).decode())
    guards.add(unit, answer_guard(context.caller, context.name, context.args), guard, _AnsweredBefore())


def forget(unit: Unit, context: FunctionContext) -> None:
    """Let the same question count as a new one from now on."""
    guards.remove(unit, answer_guard(context.caller, context.name, context.args))


def on_record(unit: Unit, context: FunctionContext, transfer: Transfer | None = None) -> str:
    """Our id of the call, adding its record where Retell has not told of it yet; the unit is Stale if it does so now.

    `transfer` is written into the record.
    """
    if context.call:
        if transfer:
            store.save_transfer(unit, context.call.id, transfer)
        return context.call.id
    call_id = new_id("call")
    link = CallLink(branch_id=context.schedule.branch.id, customer_id=context.customer_id)
    store.add_call(unit, call_id, context.caller.facts, link, transfer)
    return call_id


def until_recorded(context: FunctionContext, act: Callable[[FunctionContext], Answer], tools: Tools) -> Answer:
    """`act`, again when Retell's webhook added the call's record at the same moment."""

    def again() -> FunctionContext:
        return read(context.name, context.args, _located(context.caller), context.schedule.branch.id, tools.clock)

    current = known_first(context, again)
    return until_committed(lambda: act(current()))


def _located(caller: Caller) -> Caller:
    """The caller with our id of the call, if it has one by now; one request."""
    known = store.find_id(caller.company_id, caller.facts.retell_call_id)
    return msgspec.structs.replace(caller, call_id=known or caller.call_id)


def answer_guard(caller: Caller, name: str, args: dict[str, Any]) -> str:
    """The name of the guard that keeps the answer to this call, function and arguments."""
    digest = hashlib.sha256(msgspec.json.encode(args, order="deterministic")).hexdigest()
    return f"{caller.company_id}#agent#{caller.facts.retell_call_id}#{name}#{digest}"


def tried_guard(caller: Caller) -> str:
    """The name of the guard that counts the names and dates that were tried in this call."""
    return f"{caller.company_id}#agent#{caller.facts.retell_call_id}#tried"


def _kept(guard: Guard | None) -> Kept | None:
    return Kept(msgspec.json.decode(guard.data, type=Answer), str(guard.record)) if guard and guard.data else None
