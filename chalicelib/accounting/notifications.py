"""What Fatture in Cloud tells by webhook: kept once, and acted upon by asking FIC how things stand now.

An event only says which records to ask for. What is stored is always FIC's answer, so that no order in which events
come, and no event that comes twice or late, can bring back anything older.
"""

from datetime import datetime

import msgspec

from chalicelib.accounting import account_store, event_store
from chalicelib.accounting.account import Account
from chalicelib.accounting.event import MOST_IDS, Event, Group, Outcome
from chalicelib.accounting.record import Resource
from chalicelib.accounting.record_jobs import ApplyFicEvent, CheckSubscriptions, LinkClients, StartSync
from chalicelib.core import inbox
from chalicelib.core.clock import stamp
from chalicelib.core.errors import NotFound
from chalicelib.core.events import Job
from chalicelib.core.inbox import Delivery
from chalicelib.core.jobs import JobContext
from chalicelib.core.unit import Unit
from chalicelib.vendors.fattureincloud.webhook import WELCOME, FicEvent, parse_event

VENDOR = "fic"
AT_ONCE = 10
MANY = 60
"""From so many records on one run is cheaper than a call for each. What was deleted has to be asked for one by one."""


def receive(unit: Unit, account_id: str, group: Group, event: FicEvent, at: datetime) -> bool:
    """Keep the event and leave the rest to a job, in one commit; False when it came before."""
    delivery_id = f"{account_id}:{event.id}"
    known = event.about is not None and bool(event.ids)
    kept = Event(
        id=event.id,
        company_id=unit.company_id,
        account_id=account_id,
        group=group,
        type=event.type,
        ids=event.ids[:MOST_IDS],
        count=len(event.ids),
        occurred_at=event.occurred_at,
        received_at=at,
        outcome="waiting" if known else "kept",
    )
    event_store.add_event(unit, kept)
    delivery = Delivery(VENDOR, delivery_id, event.type, _structured(event))
    return inbox.receive(unit, delivery, _job(kept, delivery_id))


def _job(kept: Event, delivery_id: str) -> Job | None:
    company_id, account_id = kept.company_id, kept.account_id
    if kept.type == WELCOME:  # the address has been verified just now
        return CheckSubscriptions(company_id=company_id, account_id=account_id)
    if kept.outcome == "kept":
        return None
    at = event_store.position(kept)
    return ApplyFicEvent(company_id=company_id, account_id=account_id, delivery_id=delivery_id, event_row=at)


def apply(job: ApplyFicEvent, context: JobContext) -> None:
    """Ask FIC for the event's next records and store what it says; what it does not have is deleted."""
    event = parse_event({}, inbox.load(VENDOR, job.delivery_id))
    account = _account(job, event)
    if account is None or event.about is None:
        _settle(context.unit(), job, "not_ours", context.clock())
        return
    resource, action = event.about
    if action != "delete" and len(event.ids) >= MANY:
        unit = context.unit()
        start = StartSync(
            company_id=job.company_id, account_id=account.id, resources=(resource,), kind="changes", anew=True
        )
        unit.enqueue(start)
        _settle(unit, job, "left_to_sync", context.clock())
        return
    _apply_some(job, event.ids, account, resource, context)


def _apply_some(
    job: ApplyFicEvent, ids: tuple[int, ...], account: Account, resource: Resource, context: JobContext
) -> None:
    # Imported here: most of what this module is asked for is to receive.
    from chalicelib.accounting.leased_client import leased_client
    from chalicelib.accounting.sync_step import fetch_records
    from chalicelib.accounting.upsert import UpsertCounts, write

    some = ids[job.start : job.start + AT_ONCE]
    with leased_client(job.company_id, account, context.unit, context.clock, calls=len(some)) as fic:
        snapshot = fetch_records(fic, account, resource, some, context.clock)

    def finish(unit: Unit, counts: UpsertCounts) -> None:
        if counts.unlinked:
            clients = tuple(counts.unlinked)
            unit.enqueue(LinkClients(company_id=job.company_id, account_id=account.id, clients=clients))
        if job.start + AT_ONCE < len(ids):
            unit.enqueue(msgspec.structs.replace(job, start=job.start + AT_ONCE))
        else:
            _stage_outcome(unit, job, "applied", context.clock())

    write(snapshot, context.unit, finish)


def _account(job: ApplyFicEvent, event: FicEvent) -> Account | None:
    """The account, if FIC can be asked in its name and the event is about its company."""
    try:
        account = account_store.get_account(job.company_id, job.account_id)
    except NotFound:
        return None
    return account if account.usable and account.fic_company_id == event.fic_company_id else None


def _settle(unit: Unit, job: ApplyFicEvent, outcome: Outcome, at: datetime) -> None:
    _stage_outcome(unit, job, outcome, at)
    unit.commit()


def _stage_outcome(unit: Unit, job: ApplyFicEvent, outcome: Outcome, at: datetime) -> None:
    found = event_store.find_event(job.company_id, job.event_row)
    if found:  # it is forgotten after ninety days
        event_store.save_event(unit, found.settled(outcome, at))


def _structured(event: FicEvent) -> bytes:
    """The event as one document: in binary mode half of it came in headers."""
    return msgspec.json.encode(
        {
            "id": event.id,
            "type": event.type,
            "subject": event.subject,
            "time": stamp(event.occurred_at),
            "data": {"ids": event.ids},
        }
    )
