"""Sessions, plans, subscriptions and their ledgers in DynamoDB."""

import zlib
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.core.clock import stamp
from chalicelib.core.errors import Conflict, NotFound
from chalicelib.core.pages import NEWEST_FIRST, Listing, Page, page
from chalicelib.core.tables import Key, collection, encode, fetch, fetch_map, fetch_one
from chalicelib.core.unit import Unit
from chalicelib.text_sessions.meter import Meter
from chalicelib.text_sessions.plan import Plan
from chalicelib.text_sessions.session import Session
from chalicelib.text_sessions.subscription import Account, LedgerEntry, Subscription
from chalicelib.text_sessions.tables import TextSessionRow

SHARDS = 8
LISTED = Listing(TextSessionRow, "listed", "listed_in", "place")


def session_key(company_id: str, appointment_id: str) -> Key:
    """The address of an appointment's session, for a fetch together with other records."""
    return Key(TextSessionRow, f"{company_id}#{appointment_id}", "session")


def session_of(row: Any) -> Session | None:
    """The session in a fetched row."""
    return row.model(Session) if row is not None else None


def find_current_session(company_id: str, appointment_id: str) -> Session | None:
    """The appointment's session, over or not; one request."""
    return session_of(fetch_one(session_key(company_id, appointment_id)))


def find_session(company_id: str, session_id: str) -> Session | None:
    """By its own id, also one that another has followed; one request, eventually consistent."""
    for row in TextSessionRow.query(f"{company_id}#{session_id}", index_name="listed", limit=1):
        return row.model(Session)
    return None


def get_meter(company_id: str, appointment_id: str, subscription_id: str) -> Meter:
    """The appointment's session and the account that pays; one request. Raises NotFound."""
    at, account_at = session_key(company_id, appointment_id), subscription_key(company_id, subscription_id)
    rows = fetch_map([at, account_at])
    session, account = rows[at], rows[account_at]
    if session is None:
        raise NotFound("session_not_found", f"The appointment {appointment_id} has no session.")
    if account is None:
        raise _no_subscription(subscription_id)
    return Meter(session.model(Session), Account(account.model(Subscription)))


def get_meters(of: list[Session]) -> list[Meter]:
    """The same for many sessions as they are now, without those that are gone; a request for every fifty."""
    keys = [
        (session_key(s.company_id, s.appointment_id), subscription_key(s.company_id, s.subscription_id)) for s in of
    ]
    rows = fetch_map(key for pair in keys for key in pair)
    return [
        Meter(session.model(Session), Account(account.model(Subscription)))
        for session, account in ((rows[at], rows[account_at]) for at, account_at in keys)
        if session is not None and account is not None
    ]


def add_session(unit: Unit, session: Session, former: Session | None) -> Session:
    """Make it the appointment's session in place of `former`, which must be over; Stale when someone was faster.

    Its version follows on the former's, so that whoever still looks at that one cannot overwrite it.
    """
    if former is None:
        unit.add(_session_row(session))
        return session
    following = msgspec.structs.replace(session, version=former.version + 1)
    past = _session_row(former)
    past.sk = f"past#{former.id}"
    unit.add(past)
    unit.put(_session_row(following), TextSessionRow.version == former.version)
    return following


def save_session(unit: Unit, session: Session, at: datetime) -> Session:
    """Write it as its next version, if the one that was read is still the newest; the unit ends as Stale if not."""
    saved = msgspec.structs.replace(session, version=session.version + 1, updated_at=at)
    unit.put(_session_row(saved), TextSessionRow.version == session.version)
    return saved


def running(shard: int, before: datetime, limit: int) -> list[Session]:
    """Sessions whose next interval begins before that instant, the earliest first; 1 + 1 requests per hundred."""
    return [row.model(Session) for row in _due("session", shard, before, limit)]


def subscription_key(company_id: str, subscription_id: str) -> Key:
    """The address of a subscription, for a fetch together with other records."""
    return Key(TextSessionRow, f"{company_id}#{subscription_id}", "subscription")


def get_account(company_id: str, subscription_id: str) -> Account:
    """One request; raises NotFound, also for a subscription of another company."""
    row = fetch_one(subscription_key(company_id, subscription_id))
    if row is None:
        raise _no_subscription(subscription_id)
    return Account(row.model(Subscription))


def find_current(company_id: str, patient_id: str) -> Subscription | None:
    """The patient's subscription, if there is one, expired or not; two requests."""
    row = TextSessionRow.find(f"{company_id}#{patient_id}", "current")
    return get_account(company_id, str(row.record)).subscription if row else None


def add_subscription(unit: Unit, account: Account, former: Subscription | None) -> Account:
    """Add it as the patient's current one, in place of `former`, which must have expired; Conflict if not so."""
    company, patient, new = unit.company_id, account.subscription.patient_id, account.subscription.id
    taken = Conflict("subscription_exists", "This patient has another subscription; it has to expire first.")
    current = TextSessionRow(f"{company}#{patient}", "current", record=new)
    free = TextSessionRow.pk.does_not_exist() if former is None else TextSessionRow.record == former.id
    unit.put(current, free, taken)
    unit.add(_subscription_row(account.subscription))
    _add_entries(unit, account.entries)
    return Account(account.subscription)


def save_account(unit: Unit, account: Account, at: datetime) -> Account:
    """Write subscription and entries together; Stale when someone else has moved the balance meanwhile."""
    saved = msgspec.structs.replace(account.subscription, version=account.subscription.version + 1, updated_at=at)
    unit.put(_subscription_row(saved), TextSessionRow.version == account.subscription.version)
    _add_entries(unit, account.entries)
    return Account(saved)


def ending(shard: int, before: datetime, limit: int) -> list[Subscription]:
    """Subscriptions whose period ends before that instant, the earliest first."""
    return [row.model(Subscription) for row in _due("period", shard, before, limit)]


def ledger(company_id: str, subscription_id: str) -> list[LedgerEntry]:
    """All of it in order, read consistently."""
    rows = collection(TextSessionRow, f"{company_id}#{subscription_id}", TextSessionRow.sk.startswith("ledger#"))
    return sorted((row.model(LedgerEntry) for row in rows), key=lambda entry: entry.number)


def moved_before(company_id: str, subscription_id: str, cause: str) -> bool:
    """Whether this cause has moved the balance; one request."""
    return TextSessionRow.find(f"{company_id}#{subscription_id}", f"ledger#{cause}") is not None


def page_ledger(company_id: str, subscription_id: str, limit: int, cursor: str | None) -> Page[LedgerEntry]:
    """The newest first."""
    found = page(LISTED, f"{company_id}#{subscription_id}", limit=limit, cursor=cursor, selection=NEWEST_FIRST)
    return found.map(lambda row: row.model(LedgerEntry))


def page_subscriptions(company_id: str, limit: int, cursor: str | None) -> Page[Subscription]:
    """The newest first."""
    found = page(LISTED, f"{company_id}#subscriptions", limit=limit, cursor=cursor, selection=NEWEST_FIRST)
    return found.map(lambda row: row.model(Subscription))


def get_plan(company_id: str, plan_id: str) -> Plan:
    """One request; raises NotFound, also for one deleted."""
    row = TextSessionRow.find(f"{company_id}#{plan_id}", "plan")
    plan = row.model(Plan) if row else None
    if plan is None or plan.deleted_at is not None:
        raise NotFound("plan_not_found", f"There is no plan {plan_id}.")
    return plan


def add_plan(unit: Unit, plan: Plan) -> None:
    """Add it."""
    unit.add(_plan_row(plan))


def save_plan(unit: Unit, plan: Plan) -> None:
    """Write its next version; the unit ends as Stale when someone else was faster."""
    unit.put(_plan_row(plan), TextSessionRow.version == plan.version - 1)


def page_plans(company_id: str, limit: int, cursor: str | None) -> Page[Plan]:
    """The oldest first, without those deleted."""
    return page(LISTED, f"{company_id}#plans", limit=limit, cursor=cursor).map(lambda row: row.model(Plan))


def _due(kind: str, shard: int, before: datetime, limit: int) -> list[TextSessionRow]:
    earlier = TextSessionRow.due_at < stamp(before)
    found = TextSessionRow.query(f"{kind}#{shard}", earlier, index_name="due", limit=limit)
    rows = fetch([Key(TextSessionRow, row.pk, row.sk) for row in found])
    return [row for row in rows if row is not None and row.due_in]


def _shard(kind: str, company_id: str) -> str:
    return f"{kind}#{zlib.crc32(company_id.encode()) % SHARDS}"


def _session_row(session: Session) -> TextSessionRow:
    key = session_key(session.company_id, session.appointment_id)
    runs = session.is_active
    return TextSessionRow(
        key.pk,
        key.sk,
        version=session.version,
        data=encode(session),
        listed_in=f"{session.company_id}#{session.id}",
        place="session",
        due_in=_shard("session", session.company_id) if runs else None,
        due_at=f"{stamp(session.next_charge_at)}#{session.id}" if runs else None,
    )


def _subscription_row(subscription: Subscription) -> TextSessionRow:
    key = subscription_key(subscription.company_id, subscription.id)
    ends = subscription.period_ends_at if subscription.status == "active" else None
    return TextSessionRow(
        key.pk,
        key.sk,
        version=subscription.version,
        data=encode(subscription),
        listed_in=f"{subscription.company_id}#subscriptions",
        place=f"{stamp(subscription.created_at)}#{subscription.id}",
        due_in=_shard("period", subscription.company_id) if ends else None,
        due_at=f"{stamp(ends)}#{subscription.id}" if ends else None,
    )


def _add_entries(unit: Unit, entries: tuple[LedgerEntry, ...]) -> None:
    for entry in entries:
        pk = f"{unit.company_id}#{entry.subscription_id}"
        # The key says what moved the balance: a second movement of the same cause fails, whoever tries it.
        unit.add(
            TextSessionRow(pk, f"ledger#{entry.cause}", data=encode(entry), listed_in=pk, place=f"{entry.number:08}")
        )


def _plan_row(plan: Plan) -> TextSessionRow:
    listed = plan.deleted_at is None
    return TextSessionRow(
        f"{plan.company_id}#{plan.id}",
        "plan",
        version=plan.version,
        data=encode(plan),
        listed_in=f"{plan.company_id}#plans" if listed else None,
        place=f"{stamp(plan.created_at)}#{plan.id}" if listed else None,
    )


def _no_subscription(subscription_id: str) -> NotFound:
    return NotFound("subscription_not_found", f"There is no subscription {subscription_id}.")
