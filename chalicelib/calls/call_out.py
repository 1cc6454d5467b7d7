"""Calling out: the agent calls a customer, or a member of staff is rung and then connected with the customer.

Hold, vendor, confirm: the call is recorded before the vendor is asked, and a lost answer is looked for, never repeated.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Branch
from chalicelib.calls import phone_store as store
from chalicelib.calls.answer_phone import BRIDGE, STATUS, url
from chalicelib.calls.events import OutboundCallStarted
from chalicelib.calls.jobs import ReconcileOutbound
from chalicelib.calls.phone_call import PhoneCall
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, DomainError, NotFound, OutcomeUnknown, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.logging import log
from chalicelib.core.phones import e164
from chalicelib.core.retry import known_first, until_committed
from chalicelib.core.tables import fetch_map, fetch_one
from chalicelib.core.unit import UnitFactory
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.people import store as people
from chalicelib.crm.people.person import Person
from chalicelib.messaging import store as messaging

if TYPE_CHECKING:
    from chalicelib.vendors.retell.client import Retell
    from chalicelib.vendors.twilio.client import Twilio

SURE_AFTER = timedelta(seconds=75)
RECONCILE_SECONDS = 90
AGAIN_SECONDS = 60
CLOCKS_APART = timedelta(seconds=60)
MARK = "phone_call_id"


class OutboundCall(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls whom: `to` or `customer_id`; `staff_number` where staff calls and the branch has several."""

    kind: Literal["agent", "staff"]
    branch_id: str
    to: str | None = None
    customer_id: str | None = None
    staff_number: str | None = None
    variables: dict[str, str] = {}


class Vendors(msgspec.Struct, frozen=True):
    """Clients, made only when they are needed."""

    twilio: "Callable[[], Twilio]"
    retell: "Callable[[], Retell]"


def start(new_unit: UnitFactory, company_id: str, request: OutboundCall, clock: Clock, vendors: Vendors) -> PhoneCall:
    """The call, started; `held` when the vendor has not said whether it took it (it is asked again later).

    Raises Conflict `do_not_call`, or `quiet_hours` with `next_allowed_at`; Invalid for what cannot be called; NotFound
    for a branch or customer of nobody's; and the vendor's refusal, after which nothing is left of the call.
    """
    branch, number, customer, refuses = _whom(company_id, request)
    _check_allowed(branch, customer, refuses, clock())
    call = _held(branch, number, customer, request, clock())
    unit = new_unit()
    store.add(unit, call)
    job = ReconcileOutbound(company_id=company_id, phone_call_id=call.id)
    unit.enqueue(job, delay_seconds=RECONCILE_SECONDS)
    unit.audit("phone_call.requested", call.id, branch=branch.id, kind=request.kind)
    unit.commit(call)
    try:
        vendor_id = _request(call, branch, request, vendors)
    except OutcomeUnknown:
        log.warning("outcome of the call unknown", extra={"phone_call_id": call.id})
        return call
    except DomainError as refusal:
        _give_up(new_unit, call, refusal.code)
        raise
    return _confirm(new_unit, call, vendor_id)


def _whom(company_id: str, request: OutboundCall) -> tuple[Branch, str, Person | None, bool]:
    """The branch, the number to call, its owner where they are known, and whether that number refuses calls."""
    branch_key = practice_store.schedule_key(company_id, request.branch_id)
    if request.customer_id is None:
        branch = practice_store.get_schedule(company_id, request.branch_id).branch
        number = _number(request, branch, None)
        refusal_key = messaging.refusal_key(company_id, number)
        holders_key = contact_points.key(company_id, "phone", number)
        rows = fetch_map([refusal_key, holders_key])
        ids = [holder.person_id for holder in contact_points.holders_of(rows[holders_key]).all if not holder.claimed]
        owners = people.find_all(company_id, ids)
        # Whoever shares the number wants no calls on it; else nobody knows who will answer.
        refusing = next((owner for owner in owners if owner.do_not_call), None)
        customer = refusing or (owners[0] if len(owners) == 1 else None)
        return branch, number, customer, _refuses(rows[refusal_key])
    customer_key = people.key(company_id, request.customer_id)
    rows = fetch_map([branch_key, customer_key])
    branch = practice_store.schedule_of(rows[branch_key], request.branch_id).branch
    customer = people.person_of(rows[customer_key])
    if customer is None:
        raise NotFound("customer_not_found", f"There is no customer {request.customer_id}.")
    number = _number(request, branch, customer)
    return branch, number, customer, _refuses(fetch_one(messaging.refusal_key(company_id, number)))


def _number(request: OutboundCall, branch: Branch, customer: Person | None) -> str:
    if request.to:
        return e164(request.to, branch.country, "body.to")
    if customer is None:
        raise invalid("body.to", "required", "Give a number to call, or a customer.")
    if customer.phone is None:
        raise invalid("body.customer_id", "no_phone", "This customer has no phone number.")
    return customer.phone


def _refuses(row: Any) -> bool:
    refusal = messaging.refusal_of(row)
    return refusal is not None and refusal.calls


def _check_allowed(branch: Branch, customer: Person | None, refuses: bool, now: datetime) -> None:
    if refuses or (customer and customer.do_not_call):
        raise Conflict("do_not_call", "This number is on the list of those who do not want to be called.")
    allowed = branch.next_outbound(now)
    if allowed > now:
        local = allowed.astimezone(branch.clock()).isoformat(timespec="minutes")
        detail = f"{branch.name} calls nobody at this time; the next call may be made at {local}."
        raise Conflict("quiet_hours", detail, next_allowed_at=local)


def _held(branch: Branch, number: str, customer: Person | None, request: OutboundCall, at: datetime) -> PhoneCall:
    if branch.phone is None:
        raise invalid("body.branch_id", "no_phone", "This branch has no number to call from.")
    return PhoneCall(
        id=new_id("pho"),
        company_id=branch.company_id,
        branch_id=branch.id,
        direction="outbound",
        through="retell" if request.kind == "agent" else "twilio",
        our_number=branch.phone,
        other=number,
        staff_number=_staff_number(branch, request) if request.kind == "staff" else None,
        customer_id=customer.id if customer else None,
        status="held",
        started_at=at,
    )


def _staff_number(branch: Branch, request: OutboundCall) -> str:
    known = branch.call_routing.staff_numbers
    number = e164(request.staff_number, branch.country, "body.staff_number") if request.staff_number else None
    if number is None and len(known) == 1:
        return known[0]
    # Only numbers of the branch's own: otherwise whoever has a token connects any two people in the world.
    if number not in known:
        raise invalid("body.staff_number", "unknown_staff_number", "Give one of the branch's staff numbers.")
    return number


def _request(call: PhoneCall, branch: Branch, request: OutboundCall, vendors: Vendors) -> str:
    if call.through == "twilio":
        from chalicelib.vendors.twilio.client import NewCall

        twilio = vendors.twilio()
        new_call = NewCall(
            to=call.staff_number or "",
            from_number=call.our_number,
            url=url(BRIDGE, call),
            status_url=url(STATUS, call),
            ring_seconds=branch.call_routing.ring_seconds,
        )
        try:
            return twilio.start_call(new_call).sid
        finally:
            twilio.close()
    from chalicelib.vendors.retell.client import NewPhoneCall

    retell = vendors.retell()
    new_phone_call = NewPhoneCall(
        from_number=call.our_number,
        to_number=call.other or "",
        override_agent_id=branch.call_routing.agent_id,
        metadata={MARK: call.id},
        retell_llm_dynamic_variables=request.variables,
        idempotency_key=call.id,
    )
    try:
        return retell.create_phone_call(new_phone_call).call_id
    finally:
        retell.close()


def _confirm(new_unit: UnitFactory, held: PhoneCall, vendor_id: str) -> PhoneCall:
    read = known_first(held, lambda: store.get(held.company_id, held.id))

    def attempt() -> PhoneCall:
        seen = read()
        if seen.vendor_id:  # a callback of the vendor's was faster
            return seen
        call = seen.started(vendor_id, "queued")
        unit = new_unit()
        store.save(unit, call, seen)
        store.claim_vendor_id(unit, call)
        unit.publish(OutboundCallStarted(phone_call_id=call.id, through=call.through))
        unit.audit("phone_call.started", call.id, ("status", "vendor_id"))
        unit.commit(call)
        return call

    return until_committed(attempt)


def _give_up(new_unit: UnitFactory, held: PhoneCall, why: str) -> None:
    unit = new_unit()
    unit.free_key()
    store.save(unit, held.given_up("failed", why), held)
    unit.audit("phone_call.failed", held.id, ("status",), reason=why)
    unit.commit()


def reconcile(job: ReconcileOutbound, context: JobContext) -> None:
    """Find out whether the vendor started a call whose answer was lost. Does nothing when that is known."""
    call = store.find(job.company_id, job.phone_call_id)
    if call is None or call.status != "held" or call.vendor_id:
        return
    vendor_id = _look(call)
    if vendor_id:
        _confirm(context.unit, call, vendor_id)
    elif context.clock() - call.started_at < SURE_AFTER:
        raise Postpone(AGAIN_SECONDS, "the vendor may still be taking it")
    else:
        unit = context.unit()
        store.save(unit, call.given_up("lost", "never_started"), call)
        unit.audit("phone_call.lost", call.id, ("status",))
        unit.commit()


def _look(call: PhoneCall) -> str | None:
    if call.through == "retell":
        from chalicelib.vendors.retell import client as retell_client

        retell = retell_client.connected()
        try:
            found = retell.call_with(call.other or "", MARK, call.id)
            return found.call_id if found else None
        finally:
            retell.close()
    from chalicelib.vendors.twilio import client as twilio

    client = twilio.connected()
    try:
        since = call.started_at - CLOCKS_APART
        for leg in client.calls_to(call.staff_number or "", call.our_number):
            if leg.created_at and leg.created_at >= since and not store.is_claimed(call, leg.sid):
                return leg.sid
        return None
    finally:
        client.close()
