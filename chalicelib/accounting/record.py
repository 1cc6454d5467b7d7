"""A record of Fatture in Cloud's: a client, supplier, invoice or quote, and which of two readings of it stands."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import msgspec

from chalicelib.accounting import parse_record

Resource = Literal["clients", "suppliers", "invoices", "quotes"]
RESOURCES: tuple[Resource, ...] = ("clients", "suppliers", "invoices", "quotes")
DOCUMENTS: tuple[Resource, ...] = ("invoices", "quotes")
LinkedBy = Literal["vat_number", "tax_code", "email", "phone", "hand"]
TYPE_OF: dict[str, Resource] = {"invoice": "invoices", "quote": "quotes"}
"""The resource of each type of document that is kept."""
MOST_ID = 2**63
OVERLAPPING = timedelta(minutes=2)
"""Two requests may be answered in another order than they were made, but not by more than this."""
_PASSING = ("url", "attachment_url")
"""Links that FIC makes anew each time it is asked: not of the record."""
_LISTS = ("items_list", "payments_list")
"""What a list may leave out and a single record has."""
_written = msgspec.json.Encoder(decimal_format="number", order="deterministic")


class Amounts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a document comes to, in the currency's smallest unit. `paid`: what its paid instalments come to."""

    currency: str = "EUR"
    net: int | None = None
    vat: int | None = None
    gross: int | None = None
    paid: int | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`name`, `vat_number` and `tax_code` of a document are those of whom it is for, `client_id` FIC's id of them.

    `updated` is FIC's own note of its last change, `read_at` when we asked for this reading, `hash` what it said.
    `deleted_at`: FIC no longer has it. `customer_id`: whose client it is, linked by hand or by what they share.
    """

    id: int
    company_id: str
    account_id: str
    resource: Resource
    name: str = ""
    vat_number: str | None = None
    tax_code: str | None = None
    email: str | None = None
    phone: str | None = None
    code: str | None = None
    client_id: int | None = None
    number: str | None = None
    date: str | None = None
    due_date: str | None = None
    status: str | None = None
    amounts: Amounts | None = None
    created: str | None = None
    updated: str | None = None
    hash: str = ""
    read_at: datetime
    deleted_at: datetime | None = None
    customer_id: str | None = None
    linked_by: LinkedBy | None = None
    version: int = 1

    @property
    def key(self) -> str:
        """Its id with us: `<account>.<FIC's id>`."""
        return f"{self.account_id}.{self.id}"


class Reading(msgspec.Struct, frozen=True):
    """A record as FIC sent it just now, and the document itself."""

    record: Record
    document: Mapping[str, Any]

    def text(self) -> bytes:
        """The document as JSON, the same for the same content."""
        return _written.encode(self.document)


def read(company_id: str, account_id: str, resource: Resource, sent: Any, read_at: datetime) -> Reading | None:
    """What FIC sent as a record, whatever is malformed in it; None only where it has no usable id."""
    found = parse_record.part(sent)
    number = parse_record.whole(found.get("id"))
    if number is None or not 0 < number < MOST_ID:
        return None
    document = {name: value for name, value in found.items() if name not in _PASSING}
    fields = _document(found) if resource in DOCUMENTS else _entity(found)
    record = Record(
        id=number,
        company_id=company_id,
        account_id=account_id,
        resource=resource,
        created=parse_record.wall_time(found.get("created_at")),
        updated=parse_record.wall_time(found.get("updated_at")),
        hash=_hash(document),
        read_at=read_at,
        **fields,
    )
    return Reading(record, document)


def resource_of(sent: Any, requested: Resource) -> Resource | None:
    """What a single record is: FIC gives a document by its id whatever its type. None: of a kind that is not kept."""
    kind = parse_record.part(sent).get("type")
    return TYPE_OF.get(kind) if requested in DOCUMENTS and isinstance(kind, str) else requested


def decide(old: Record | None, new: Reading, document: Mapping[str, Any] | None) -> Reading | None:
    """What is to be written over `old` (whose document is `document`, where its hash differs); None: nothing.

    The older of two readings never overwrites the newer: by FIC's own note, and where that is the same or missing, by
    when we asked. A link to a customer stays.
    """
    if old is None:
        return new
    record = new.record
    if old.deleted_at is None and old.hash == record.hash:
        return None
    if _is_older(record, old):
        return None
    full = _completed(new, old, document)
    if old.deleted_at is None and full.record.hash == old.hash:
        return None
    kept = msgspec.structs.replace(
        full.record, customer_id=old.customer_id, linked_by=old.linked_by, version=old.version + 1
    )
    return Reading(kept, full.document)


def deleted(old: Record, at: datetime) -> Record | None:
    """The record once FIC, asked at `at`, has it no longer; None where a later reading says otherwise or the same."""
    if old.deleted_at is not None or old.read_at > at:
        return None
    return msgspec.structs.replace(old, deleted_at=at, read_at=at, version=old.version + 1)


def linked(old: Record, customer_id: str | None, by: LinkedBy | None) -> Record:
    """The client with this customer; by hand also with none, which then stays so."""
    return msgspec.structs.replace(old, customer_id=customer_id, linked_by=by, version=old.version + 1)


def _is_older(new: Record, old: Record) -> bool:
    # FIC's note is a local clock's, which goes back an hour in autumn: it only decides between readings made together.
    together = abs(new.read_at - old.read_at) < OVERLAPPING and old.deleted_at is None
    if together and new.updated and old.updated and new.updated != old.updated:
        return new.updated < old.updated
    return new.read_at < old.read_at


def _completed(new: Reading, old: Record, document: Mapping[str, Any] | None) -> Reading:
    """With the lists that were left out, where they must be as they were."""
    if not document or not new.record.updated or new.record.updated != old.updated:
        return new
    missing = {name: document[name] for name in _LISTS if new.document.get(name) is None and document.get(name)}
    if not missing:
        return new
    again = read(old.company_id, old.account_id, old.resource, {**new.document, **missing}, new.record.read_at)
    return again or new


def _hash(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(_written.encode(document)).hexdigest()[:32]


def _who(found: Mapping[str, Any]) -> dict[str, Any]:
    names = [parse_record.text(found.get(each)) for each in ("first_name", "last_name")]
    return {
        "name": parse_record.text(found.get("name")) or " ".join(name for name in names if name),
        "vat_number": parse_record.vat_number(found.get("vat_number")),
        "tax_code": parse_record.tax_code(found.get("tax_code")),
    }


def _entity(found: Mapping[str, Any]) -> dict[str, Any]:
    return _who(found) | {
        "email": parse_record.email(found.get("email")) or parse_record.email(found.get("certified_email")),
        "phone": parse_record.phone(found.get("phone"), found.get("country_iso")),
        "code": parse_record.text(found.get("code")),
    }


def _document(found: Mapping[str, Any]) -> dict[str, Any]:
    entity = parse_record.part(found.get("entity"))
    payments = parse_record.parts(found.get("payments_list"))
    number, numeration = parse_record.text(found.get("number")), parse_record.text(found.get("numeration"))
    return _who(entity) | {
        "client_id": parse_record.whole(entity.get("id")),
        "number": f"{number or ''}{numeration or ''}" or None,
        "date": parse_record.day(found.get("date")),
        "due_date": parse_record.day(found.get("next_due_date")),
        "status": _status(found, payments),
        "amounts": _amounts(found, payments),
    }


def _amounts(found: Mapping[str, Any], payments: list[Mapping[str, Any]]) -> Amounts:
    named = parse_record.text(parse_record.part(found.get("currency")).get("id")) or ""
    currency = named.upper() if len(named) == len("EUR") and named.isascii() and named.isalpha() else "EUR"
    paid = [
        parse_record.minor_units(each.get("amount"), currency) or 0 for each in payments if each.get("status") == "paid"
    ]
    net, vat, gross = (
        parse_record.minor_units(found.get(each), currency) for each in ("amount_net", "amount_vat", "amount_gross")
    )
    return Amounts(currency, net, vat, gross, sum(paid) if payments else None)


def _status(found: Mapping[str, Any], payments: list[Mapping[str, Any]]) -> str | None:
    """Of an invoice paid, partly_paid, not_paid or reversed; of a quote open, or merged into another document."""
    if found.get("type") == "quote":
        return "merged" if found.get("merged_in") else "open"
    said = {each.get("status") for each in payments if isinstance(each.get("status"), str)}
    if not said:
        return None
    if "paid" in said:
        return "paid" if said <= {"paid", "reversed"} else "partly_paid"
    return "reversed" if said == {"reversed"} else "not_paid"


def decoded(text: bytes) -> dict[str, Any]:
    """A document from its JSON, its numbers as Decimal."""
    found: dict[str, Any] = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode(text)
    return found
