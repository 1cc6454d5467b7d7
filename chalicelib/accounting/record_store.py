"""Records of Fatture in Cloud in DynamoDB, and what an account's records sum to."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import replace
from pynamodb.expressions.condition import Condition

from chalicelib.accounting.parse_record import folded
from chalicelib.accounting.record import DOCUMENTS, Reading, Record, Resource, decoded
from chalicelib.accounting.record_tables import RecordRow
from chalicelib.core.errors import Stale
from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.tables import Key, collection, encode, fetch, fetch_map
from chalicelib.core.unit import Unit

LARGEST_DOCUMENT = 350_000
"""Bytes, compressed: an item ends at 400 kB. Of a larger document only what we read of it is kept."""
By = Literal["name", "date", "status", "vat", "tax_code", "email", "phone", "client", "customer"]
LISTINGS: dict[By, Listing] = {
    "name": Listing(RecordRow, "by_name", "folder", "name"),
    "date": Listing(RecordRow, "by_date", "folder", "day"),
    "status": Listing(RecordRow, "by_status", "state", "day"),
    "vat": Listing(RecordRow, "by_vat", "vat", "name"),
    "tax_code": Listing(RecordRow, "by_tax_code", "tax_code", "name"),
    "email": Listing(RecordRow, "by_email", "email", "name"),
    "phone": Listing(RecordRow, "by_phone", "phone", "name"),
    "client": Listing(RecordRow, "by_client", "client", "day"),
    "customer": Listing(RecordRow, "by_customer", "customer", "name"),
}


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """How many records of a resource an account has, and what its documents in one currency come to."""

    resource: Resource
    currency: str = ""
    records: int = 0
    net: int = 0
    vat: int = 0
    gross: int = 0
    paid: int = 0


class Stored(msgspec.Struct, frozen=True):
    """A record as it lies here."""

    record: Record
    packed: bytes | None

    def document(self) -> Mapping[str, Any] | None:
        """FIC's own document; None for one that was too large to keep."""
        return decoded(zlib.decompress(self.packed)) if self.packed else None


def key(company_id: str, account_id: str, resource: Resource, number: int) -> Key:
    """The address of a record."""
    return Key(RecordRow, f"{company_id}#{account_id}#{resource}", str(number))


def find(company_id: str, account_id: str, resource: Resource, numbers: Sequence[int]) -> dict[int, Stored | None]:
    """Records by FIC's ids; one request for up to 100."""
    keys = {number: key(company_id, account_id, resource, number) for number in numbers}
    rows = fetch_map(keys.values())
    return {number: _stored(rows[at]) for number, at in keys.items()}


def find_in(company_id: str, account_ids: Sequence[str], resource: Resource, number: int) -> Stored | None:
    """The record of that id in the first of the accounts that has it; one request."""
    rows = fetch([key(company_id, account_id, resource, number) for account_id in account_ids])
    return next((found for found in map(_stored, rows) if found), None)


def find_at(company_id: str, resource: Resource, ids: Sequence[tuple[str, str]]) -> list[Stored]:
    """Those of the records at these accounts and ids that are still there, in that order."""
    rows = fetch([key(company_id, account_id, resource, int(number)) for account_id, number in ids])
    return [found for found in map(_stored, rows) if found]


def save(unit: Unit, old: Record | None, new: Record, packed: bytes | None) -> None:
    """Write it over `old`, the very version that was read; the unit ends as Stale when there is another by now."""
    at = key(new.company_id, new.account_id, new.resource, new.id)
    attributes: dict[str, Any] = _indexed(new)
    row = RecordRow(at.pk, at.sk, version=new.version, data=encode(new), document=packed, **attributes)
    unit.put(row, RecordRow.pk.does_not_exist() if old is None else RecordRow.version == old.version, Stale())


def pack(reading: Reading) -> bytes | None:
    """FIC's document, compressed; None where it is too large."""
    packed = zlib.compress(reading.text(), 6)
    return packed if len(packed) <= LARGEST_DOCUMENT else None


def add_up(unit: Unit, account_id: str, changes: Iterable[tuple[Record | None, Record]]) -> None:
    """Bring the sums in line with what the same unit writes, so that nobody ever has to count."""
    sums: dict[tuple[Resource, str], Sum] = {}
    for old, new in changes:
        for record, sign in ((old, -1), (new, 1)):
            if record is not None and record.deleted_at is None:
                _add(sums, record, sign)
    for found in sums.values():
        if found != Sum(resource=found.resource, currency=found.currency):
            _update_sum(unit, account_id, found)


def sums(company_id: str, account_id: str) -> list[Sum]:
    """What an account's records come to; one Query."""
    return [
        Sum(
            resource=_resource(row.sk.partition("#")[0]),
            currency=row.sk.partition("#")[2],
            records=int(row.records or 0),
            net=int(row.net or 0),
            vat=int(row.vat_amount or 0),
            gross=int(row.gross or 0),
            paid=int(row.paid or 0),
        )
        for row in collection(RecordRow, f"{company_id}#{account_id}#totals")
    ]


class IndexQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A partition of an index, and what of it: names with this `prefix`, or a `span` of days, both included."""

    by: By
    value: str
    prefix: str | None = None
    span: tuple[str, str] | None = None


def page_ids(query: IndexQuery, *, limit: int, cursor: str | None) -> Page[tuple[str, str]]:
    """A page of an index: account and FIC's id of each."""
    listing = LISTINGS[query.by]
    at = getattr(RecordRow, listing.range_key)
    between: Condition | None = None
    if query.prefix:
        between = at.startswith(query.prefix)
    elif query.span:
        between = at.between(query.span[0], query.span[1] + "~")
    selection = Selection(between=between, newest_first=listing.range_key == "day")
    found = page(listing, query.value, limit=limit, cursor=cursor, selection=selection)
    return found.map(lambda row: (row.pk.split("#")[1], row.sk))


def ids_of(company_id: str, account_id: str, resource: Resource) -> Iterator[int]:
    """FIC's ids of all records of an account that are not deleted; by an index, which may be a moment behind."""
    mine = f"{company_id}#{account_id}#{resource}"
    for row in RecordRow.query(f"{company_id}#{resource}", index_name="by_name", page_size=5000):
        if row.pk == mine:
            yield int(row.sk)


def clients_with(company_id: str, by: By, value: str, limit: int) -> list[tuple[str, str]]:
    """Accounts and ids of the clients that have this tax number, e-mail, phone or customer; at most `limit`."""
    where = f"{company_id}#{value}" if by in ("email", "phone", "customer") else f"{company_id}#clients#{value}"
    return page_ids(IndexQuery(by=by, value=where), limit=limit, cursor=None).data


def _stored(row: Any) -> Stored | None:
    return Stored(row.model(Record), row.document) if row is not None else None


def _resource(name: str) -> Resource:
    return msgspec.convert(name, Resource)  # type: ignore[no-any-return]


def _indexed(record: Record) -> dict[str, str | None]:
    if record.deleted_at is not None:
        return {}
    company, resource = record.company_id, record.resource
    name = f"{folded(record.name)}#{record.id}"
    found: dict[str, str | None] = {
        "folder": f"{company}#{resource}",
        "name": name,
        "vat": f"{company}#{resource}#{record.vat_number}" if record.vat_number else None,
    }
    if resource in DOCUMENTS:
        found["day"] = f"{record.date or '0000-00-00'}#{record.id:020}"
        found["state"] = f"{company}#{resource}#{record.status}" if record.status else None
        if record.client_id is not None:
            found["client"] = f"{company}#{record.account_id}#{resource}#{record.client_id}"
    if resource == "clients":
        found["tax_code"] = f"{company}#{resource}#{record.tax_code}" if record.tax_code else None
        found["email"] = f"{company}#{record.email}" if record.email else None
        found["phone"] = f"{company}#{record.phone}" if record.phone else None
        found["customer"] = f"{company}#{record.customer_id}" if record.customer_id else None
    return found


def _add(sums: dict[tuple[Resource, str], Sum], record: Record, sign: int) -> None:
    amounts = record.amounts
    at = (record.resource, amounts.currency if amounts else "")
    had = sums.get(at) or Sum(resource=at[0], currency=at[1])
    sums[at] = replace(
        had,
        records=had.records + sign,
        net=had.net + sign * ((amounts and amounts.net) or 0),
        vat=had.vat + sign * ((amounts and amounts.vat) or 0),
        gross=had.gross + sign * ((amounts and amounts.gross) or 0),
        paid=had.paid + sign * ((amounts and amounts.paid) or 0),
    )


def _update_sum(unit: Unit, account_id: str, found: Sum) -> None:
    row = RecordRow(f"{unit.company_id}#{account_id}#totals", f"{found.resource}#{found.currency}")
    changes = [RecordRow.records.add(found.records)]
    if found.resource in DOCUMENTS:
        changes += [
            RecordRow.net.add(found.net),
            RecordRow.vat_amount.add(found.vat),
            RecordRow.gross.add(found.gross),
            RecordRow.paid.add(found.paid),
        ]
    unit.update(row, changes)
