"""What clients of the API see of what is kept from Fatture in Cloud."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from chalicelib.accounting.event import Event
from chalicelib.accounting.record import Record
from chalicelib.accounting.record_store import Stored, Sum
from chalicelib.accounting.run import Run
from chalicelib.accounting.subscription import Subscription
from chalicelib.core.pages import PageQuery
from chalicelib.core.payloads import Answer

ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern="^[^#]*$")]
Day = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class EntityQuery(PageQuery):
    """`q`: what the name begins with, whatever its capitals and accents."""

    account_id: ShortText | None = None
    q: ShortText | None = None
    vat_number: ShortText | None = None


class ClientQuery(EntityQuery):
    """`linked`: with or without a customer."""

    linked: bool | None = None


class DocumentQuery(EntityQuery):
    """`q` and `vat_number` of whom it is for, `client_id` as clients have it; days from and until are included."""

    status: ShortText | None = None
    date_from: Day | None = None
    date_until: Day | None = None
    client_id: ShortText | None = None


class EntityAnswer(Answer):
    """A client or supplier. Times at FIC are as FIC tells them, without a zone."""

    id: str
    account_id: str
    fic_id: int
    name: str
    code: str | None
    vat_number: str | None
    tax_code: str | None
    email: str | None
    phone: str | None
    created_at_fic: str | None
    updated_at_fic: str | None
    read_at: datetime


class ClientAnswer(EntityAnswer):
    """A client. `linked_by`: what it shares with its customer, or hand; null: nobody knows whose it is."""

    customer_id: str | None
    linked_by: str | None


class DocumentAnswer(Answer):
    """An invoice or quote. Amounts are in the currency's smallest unit; null where FIC did not say."""

    id: str
    account_id: str
    fic_id: int
    number: str | None
    date: str | None
    due_date: str | None
    status: str | None
    client_id: str | None
    client_name: str
    vat_number: str | None
    currency: str
    net: int | None
    vat: int | None
    gross: int | None
    paid: int | None
    created_at_fic: str | None
    updated_at_fic: str | None
    read_at: datetime


class WholeEntity(ClientAnswer):
    """A client or supplier with `document`: all that FIC told, numbers with a point as text."""

    document: dict[str, Any] | None


class WholeDocument(DocumentAnswer):
    """An invoice or quote with `document`: all that FIC told, numbers with a point as text."""

    document: dict[str, Any] | None


class SumAnswer(Answer):
    """How many records of a resource there are, and what documents in one currency come to in its smallest unit."""

    resource: str
    currency: str | None
    records: int
    net: int
    vat: int
    gross: int
    paid: int


class RunAnswer(Answer):
    """A run. `done` of `total` records have been read; `seconds_left` at the `rate` (records a second) so far."""

    id: str
    account_id: str
    resource: str
    kind: str
    status: str
    stage: str
    done: int
    total: int | None
    written: int
    deleted: int
    rate: float
    seconds_left: int | None
    failure: str | None
    started_at: datetime
    updated_at: datetime


class EventAnswer(Answer):
    """An event of FIC's. `ids` are the first 50 of `count`."""

    id: str
    account_id: str
    event_group: str
    type: str
    ids: tuple[int, ...]
    count: int
    outcome: str
    occurred_at: datetime
    received_at: datetime
    applied_at: datetime | None


class SubscriptionAnswer(Answer):
    """A subscription. `state` as FIC was last found, at `checked_at`: verified, unverified, partial or missing."""

    id: str
    account_id: str
    event_group: str
    event_types: tuple[str, ...]
    sink: str
    fic_ids: tuple[str, ...]
    state: str
    warnings: tuple[str, ...]
    created_at: datetime
    checked_at: datetime | None


def show_entity(record: Record) -> EntityAnswer:
    """A supplier, or a client without its customer."""
    return EntityAnswer(**_entity(record))


def show_client(record: Record) -> ClientAnswer:
    """A client."""
    return ClientAnswer(**_entity(record), customer_id=record.customer_id, linked_by=record.linked_by)


def show_whole_entity(stored: Stored) -> WholeEntity:
    """A client or supplier, whole."""
    record = stored.record
    return WholeEntity(
        **_entity(record), customer_id=record.customer_id, linked_by=record.linked_by, document=_document(stored)
    )


def show_document(record: Record) -> DocumentAnswer:
    """An invoice or quote."""
    return DocumentAnswer(**_of_document(record))


def show_whole_document(stored: Stored) -> WholeDocument:
    """An invoice or quote, whole."""
    return WholeDocument(**_of_document(stored.record), document=_document(stored))


def show_sum(found: Sum) -> SumAnswer:
    """A sum."""
    return SumAnswer(
        resource=found.resource,
        currency=found.currency or None,
        records=found.records,
        net=found.net,
        vat=found.vat,
        gross=found.gross,
        paid=found.paid,
    )


def show_run(run: Run) -> RunAnswer:
    """A run and how it gets on."""
    same = {name: getattr(run, name) for name in RunAnswer.__struct_fields__ if name not in ("rate", "seconds_left")}
    return RunAnswer(**same, rate=round(run.rate(), 1), seconds_left=run.seconds_left())


def show_event(event: Event) -> EventAnswer:
    """An event."""
    same = {name: getattr(event, name) for name in EventAnswer.__struct_fields__ if name != "event_group"}
    return EventAnswer(**same, event_group=event.group)


def show_subscription(found: Subscription) -> SubscriptionAnswer:
    """A subscription."""
    other = ("event_group", "event_types")
    same = {name: getattr(found, name) for name in SubscriptionAnswer.__struct_fields__ if name not in other}
    return SubscriptionAnswer(**same, event_group=found.group, event_types=found.types)


def _entity(record: Record) -> dict[str, Any]:
    return {
        "id": record.key,
        "account_id": record.account_id,
        "fic_id": record.id,
        "name": record.name,
        "code": record.code,
        "vat_number": record.vat_number,
        "tax_code": record.tax_code,
        "email": record.email,
        "phone": record.phone,
        "created_at_fic": record.created,
        "updated_at_fic": record.updated,
        "read_at": record.read_at,
    }


def _of_document(record: Record) -> dict[str, Any]:
    amounts = record.amounts
    return {
        "id": record.key,
        "account_id": record.account_id,
        "fic_id": record.id,
        "number": record.number,
        "date": record.date,
        "due_date": record.due_date,
        "status": record.status,
        "client_id": f"{record.account_id}.{record.client_id}" if record.client_id is not None else None,
        "client_name": record.name,
        "vat_number": record.vat_number,
        "currency": amounts.currency if amounts else "EUR",
        "net": amounts.net if amounts else None,
        "vat": amounts.vat if amounts else None,
        "gross": amounts.gross if amounts else None,
        "paid": amounts.paid if amounts else None,
        "created_at_fic": record.created,
        "updated_at_fic": record.updated,
        "read_at": record.read_at,
    }


def _document(stored: Stored) -> dict[str, Any] | None:
    found = stored.document()
    return dict(found) if found is not None else None
