"""Lists of records: narrowed by the index that narrows most, and by what was read for the rest."""

from typing import Protocol

from chalicelib.accounting import account_store, record_store
from chalicelib.accounting.parse_record import folded, vat_number
from chalicelib.accounting.record import DOCUMENTS, Record, Resource
from chalicelib.accounting.record_store import By, IndexQuery, Stored, Sum
from chalicelib.core.errors import NotFound, invalid
from chalicelib.core.pages import Page

MOST_ROUNDS = 6
"""Of a list that is narrowed by several things at once, so much is looked through for a page; the cursor goes on."""
FIRST_DAY, LAST_DAY = "0000-00-00", "9999-99-99"
MOST_OF_CUSTOMER = 100
NOT_FOUND: dict[Resource, tuple[str, str]] = {
    "clients": ("fic_client_not_found", "client"),
    "suppliers": ("fic_supplier_not_found", "supplier"),
    "invoices": ("fic_invoice_not_found", "invoice"),
    "quotes": ("fic_quote_not_found", "quote"),
}


class RecordQuery(Protocol):
    """What a list may be narrowed by; days as YYYY-MM-DD, both included."""

    limit: int
    cursor: str | None
    account_id: str | None
    q: str | None
    vat_number: str | None


class DocumentQuery(RecordQuery, Protocol):
    """The same of documents."""

    status: str | None
    date_from: str | None
    date_until: str | None
    client_id: str | None


class Narrowing:
    """Which partition of which index to read, and what of it to leave out."""

    def __init__(self, company_id: str, resource: Resource, query: RecordQuery) -> None:
        self.name = folded(query.q or "")
        self.vat = vat_number(query.vat_number)
        self.account_id = query.account_id
        self.status: str | None = getattr(query, "status", None)
        self.linked: bool | None = getattr(query, "linked", None)
        days = getattr(query, "date_from", None), getattr(query, "date_until", None)
        self.span = (days[0] or FIRST_DAY, days[1] or LAST_DAY) if any(days) else None
        client = getattr(query, "client_id", None)
        self.client = _parts(client) if client else None
        by, value = self._partition(company_id, resource)
        self.index = IndexQuery(
            by=by,
            value=value,
            prefix=self.name or None if by in ("name", "vat") else None,
            span=self.span if by in ("date", "status", "client") else None,
        )

    def _partition(self, company_id: str, resource: Resource) -> tuple[By, str]:
        if self.client:
            account_id, number = self.client
            return "client", f"{company_id}#{account_id}#{resource}#{number}"
        if self.vat:
            return "vat", f"{company_id}#{resource}#{self.vat}"
        if self.name or resource not in DOCUMENTS:
            return "name", f"{company_id}#{resource}"
        if self.status:
            return "status", f"{company_id}#{resource}#{self.status}"
        return "date", f"{company_id}#{resource}"

    def admits(self, record: Record) -> bool:
        """Whether it is one of those wanted."""
        day = record.date or FIRST_DAY
        return (
            record.deleted_at is None
            and self.account_id in (None, record.account_id)
            and folded(record.name).startswith(self.name)
            and self.vat in (None, record.vat_number)
            and self.status in (None, record.status)
            and (self.span is None or self.span[0] <= day <= self.span[1])
            and self.linked in (None, record.customer_id is not None)
        )


def list_records(company_id: str, resource: Resource, query: RecordQuery) -> Page[Record]:
    """A page: entities by name, documents the newest first. It may have fewer than `limit` although more follow."""
    narrowing = Narrowing(company_id, resource, query)
    found: list[Record] = []
    cursor = query.cursor
    for _ in range(MOST_ROUNDS):
        part = record_store.page_ids(narrowing.index, limit=query.limit - len(found), cursor=cursor)
        found += [
            one.record for one in record_store.find_at(company_id, resource, part.data) if narrowing.admits(one.record)
        ]
        cursor = part.next_cursor
        if cursor is None or len(found) >= query.limit:
            break
    return Page(found, cursor)


def get_record(company_id: str, resource: Resource, record_id: str) -> Stored:
    """By our id (`<account>.<FIC's id>`) in one request, by FIC's id alone in two; raises NotFound, also if deleted."""
    account_id, _, number = record_id.rpartition(".")
    found = None
    if number.isascii() and number.isdecimal() and len(number) < len(str(2**63)):
        accounts = [account_id] if account_id else _accounts(company_id)
        found = record_store.find_in(company_id, accounts, resource, int(number))
    if found is None or found.record.deleted_at is not None:
        code, title = NOT_FOUND[resource]
        raise NotFound(code, f"There is no {title} {record_id}.")
    return found


def documents_of_customer(company_id: str, customer_id: str, resource: Resource) -> list[Record]:
    """The newest documents of all clients that are this customer, at most 100, the newest first."""
    found: list[tuple[str, str]] = []
    for account_id, number in record_store.clients_with(company_id, "customer", customer_id, MOST_OF_CUSTOMER):
        of_client = IndexQuery(by="client", value=f"{company_id}#{account_id}#{resource}#{number}")
        found += record_store.page_ids(of_client, limit=MOST_OF_CUSTOMER, cursor=None).data
    stored = record_store.find_at(company_id, resource, found)
    records = [one.record for one in stored if one.record.deleted_at is None]
    records.sort(key=lambda record: (record.date or FIRST_DAY, record.id), reverse=True)
    return records[:MOST_OF_CUSTOMER]


def totals(company_id: str, account_id: str) -> list[Sum]:
    """What an account's records sum to; raises NotFound."""
    account = account_store.get_account(company_id, account_id, deleted=True)
    return record_store.sums(company_id, account.id)


def _accounts(company_id: str) -> list[str]:
    return [account.id for account in account_store.accounts(company_id, deleted=True)]


def _parts(client: str) -> tuple[str, str]:
    account_id, _, number = client.rpartition(".")
    if not account_id or not number.isdecimal() or "#" in client:
        raise invalid("query.client_id", "invalid", "Give a client's id as /api/fic/clients tells it.")
    return account_id, number
