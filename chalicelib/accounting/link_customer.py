"""Whose client a client of Fatture in Cloud is: by what both share where that is one customer only, else by hand."""

from collections.abc import Iterable, Sequence
from itertools import islice

import msgspec

from chalicelib.accounting import account_store, billing_store, record_store
from chalicelib.accounting import record as records
from chalicelib.accounting.billing import Billing
from chalicelib.accounting.parse_record import tax_code, vat_number
from chalicelib.accounting.record import LinkedBy, Record
from chalicelib.accounting.record_jobs import LinkClients, LinkCustomer
from chalicelib.accounting.record_store import Stored
from chalicelib.core.errors import NotFound
from chalicelib.core.jobs import JobContext
from chalicelib.core.pages import Page
from chalicelib.core.retry import until_committed
from chalicelib.core.tables import Key, fetch_map
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.names.compare import same_name
from chalicelib.crm.people import store as people
from chalicelib.crm.people.person import Person

AT_ONCE = 25
MARKS: tuple[LinkedBy, ...] = ("vat_number", "tax_code", "email", "phone")
"""What makes a client a customer's, the surest first."""
NEWEST_CUSTOMERS = 500
"""As many are looked through for the same name."""
MOST_SUGGESTED = 10


class Suggestion(msgspec.Struct, frozen=True):
    """A customer who might be this client, and what they share."""

    customer: Person
    because: tuple[str, ...]


def link_clients(job: LinkClients, context: JobContext) -> None:
    """Link those of the clients that are exactly one customer's."""
    left = iter(job.clients)
    while some := tuple(islice(left, AT_ONCE)):
        _link_some(context.unit, job.company_id, job.account_id, some)


def link_customer(job: LinkCustomer, context: JobContext) -> None:
    """Link the clients that share something with this customer, if it is with nobody else."""
    # Most customers are new to companies that have no books here.
    accounts = account_store.accounts(job.company_id)
    customer = people.find(job.company_id, job.customer_id) if accounts else None
    if customer is None:
        return
    billing = billing_store.find_billing(job.company_id, customer.id)
    shared: list[tuple[record_store.By, str | None]] = [("email", customer.email), ("phone", customer.phone)]
    if billing:
        shared += [("vat", billing.vat_number), ("tax_code", billing.tax_code)]
    by_account: dict[str, set[int]] = {}
    for by, value in shared:
        for account_id, number in record_store.clients_with(job.company_id, by, value, AT_ONCE) if value else ():
            by_account.setdefault(account_id, set()).add(int(number))
    for account_id, numbers in by_account.items():
        _link_some(context.unit, job.company_id, account_id, tuple(sorted(numbers)))


def link_by_hand(new_unit: UnitFactory, client: Record, customer_id: str | None) -> Record:
    """Link the client with this customer, or with none for good; raises NotFound."""

    def attempt() -> Record:
        unit = new_unit()
        stored = record_store.find(unit.company_id, client.account_id, "clients", [client.id])[client.id]
        if stored is None or stored.record.deleted_at is not None:
            raise NotFound("fic_client_not_found", f"There is no client {client.key}.")
        if customer_id is not None:
            people.get(unit.company_id, customer_id)
        new = records.linked(stored.record, customer_id, "hand")
        _stage(unit, stored, new)
        unit.commit(new)
        return new

    return until_committed(attempt)


def bill_customer(new_unit: UnitFactory, customer_id: str, vat: str | None, code: str | None) -> Billing:
    """Note a customer's tax numbers and look for clients that have them; raises NotFound."""

    def attempt() -> Billing:
        unit = new_unit()
        people.get(unit.company_id, customer_id)
        old = billing_store.find_billing(unit.company_id, customer_id)
        new = Billing(
            customer_id=customer_id,
            vat_number=vat_number(vat),
            tax_code=tax_code(code),
            version=old.version + 1 if old else 1,
        )
        billing_store.save_billing(unit, old, new)
        unit.enqueue(LinkCustomer(company_id=unit.company_id, customer_id=customer_id))
        unit.audit("customer.billing_changed", customer_id, ("vat_number", "tax_code"))
        unit.commit(new)
        return new

    return until_committed(attempt)


def suggestions(client: Record) -> list[Suggestion]:
    """Customers who share something with the client, or only the name; those who share most come first."""
    because: dict[str, list[str]] = {}
    for mark, owners in _owners([client])[client.id].items():
        for customer_id in owners:
            because.setdefault(customer_id, []).append(mark)
    found: dict[str, Person] = {}
    for customer in _newest(client.company_id):
        if customer.id in because or (client.name and same_name(customer.name, client.name)):
            found[customer.id] = customer
    for customer_id in because.keys() - found.keys():
        customer_or_none = people.find(client.company_id, customer_id)
        if customer_or_none:
            found[customer_id] = customer_or_none
    named = {customer.id for customer in found.values() if same_name(customer.name, client.name)}
    listed = [
        Suggestion(customer, (*because.get(customer.id, ()), *(("name",) if customer.id in named else ())))
        for customer in found.values()
    ]
    return sorted(listed, key=lambda one: (-len(one.because), one.customer.id))[:MOST_SUGGESTED]


def _link_some(new_unit: UnitFactory, company_id: str, account_id: str, numbers: Sequence[int]) -> None:
    def attempt() -> None:
        stored = [one for one in record_store.find(company_id, account_id, "clients", numbers).values() if one]
        free = [one for one in stored if one.record.linked_by is None and one.record.deleted_at is None]
        owners = _owners([one.record for one in free])
        unit = new_unit()
        linked = False
        for one in free:
            found = _only(owners[one.record.id])
            if found:
                linked = True
                _stage(unit, one, records.linked(one.record, *found))
        if linked:
            unit.commit()

    until_committed(attempt)


def _stage(unit: Unit, stored: Stored, new: Record) -> None:
    record_store.save(unit, stored.record, new, stored.packed)
    customer = {"customer": new.customer_id} if new.customer_id else {}
    unit.audit("fic.client_linked", new.key, ("customer_id",), by=str(new.linked_by), **customer)


def _only(owners: dict[LinkedBy, frozenset[str]]) -> tuple[str, LinkedBy] | None:
    """The customer, if all that is shared is shared with one."""
    everyone = frozenset().union(*owners.values())
    if len(everyone) != 1:
        return None
    return next(iter(everyone)), next(mark for mark in MARKS if owners.get(mark))


def _owners(clients: Sequence[Record]) -> dict[int, dict[LinkedBy, frozenset[str]]]:
    """Of each client, by what mark it shares with which customers; one request for up to 25 clients."""
    keys_of = {client.id: list(_keys(client)) for client in clients}
    rows = fetch_map(key for mine in keys_of.values() for _, key in mine)
    return {
        number: {mark: found for mark, key in mine if (found := _owner_in(mark, rows[key]))}
        for number, mine in keys_of.items()
    }


def _keys(client: Record) -> Iterable[tuple[LinkedBy, Key]]:
    company = client.company_id
    if client.vat_number:
        yield "vat_number", billing_store.owners_key(company, "vat_number", client.vat_number)
    if client.tax_code:
        yield "tax_code", billing_store.owners_key(company, "tax_code", client.tax_code)
    if client.email:
        yield "email", contact_points.key(company, "email", client.email)
    if client.phone:
        yield "phone", contact_points.key(company, "phone", client.phone)


def _owner_in(mark: LinkedBy, row: object) -> frozenset[str]:
    if mark in ("vat_number", "tax_code"):
        return billing_store.owners_in(row)
    return frozenset(one.person_id for one in contact_points.holders_of(row).all if not one.claimed)


def _newest(company_id: str) -> Iterable[Person]:
    cursor: str | None = None
    for _ in range(NEWEST_CUSTOMERS // 100):
        page: Page[Person] = people.page_listed(company_id, "customer", 100, cursor)
        yield from page.data
        cursor = page.next_cursor
        if cursor is None:
            return
