"""Customers' tax numbers in DynamoDB, and which customers have one."""

from typing import Any

from chalicelib.accounting.billing import Billing
from chalicelib.accounting.record_tables import SyncRow
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit


def find_billing(company_id: str, customer_id: str) -> Billing | None:
    """One request."""
    row = fetch_one(_key(company_id, customer_id))
    return row.model(Billing) if row else None


def owners_key(company_id: str, kind: str, number: str) -> Key:
    """Where the customers with a tax number stand, for a fetch together with other records."""
    return Key(SyncRow, f"{company_id}#{kind}#{number}", "customers")


def owners_in(row: Any) -> frozenset[str]:
    """The customers in a fetched row: several may have the same VAT number."""
    return frozenset(row.customers or ()) if row is not None else frozenset()


def save_billing(unit: Unit, old: Billing | None, new: Billing) -> None:
    """Write it, and note whose its numbers are; the unit ends as Stale when someone else was faster."""
    key = _key(unit.company_id, new.customer_id)
    unchanged = SyncRow.pk.does_not_exist() if old is None else SyncRow.version == old.version
    unit.put(SyncRow(key.pk, key.sk, version=new.version, data=encode(new)), unchanged)
    had, has = set(old.marks() if old else ()), set(new.marks())
    for kind, number in sorted(had - has):
        unit.update(_owners(unit, kind, number), [SyncRow.customers.delete([new.customer_id])])
    for kind, number in sorted(has - had):
        unit.update(_owners(unit, kind, number), [SyncRow.customers.add([new.customer_id])])


def _owners(unit: Unit, kind: str, number: str) -> SyncRow:
    key = owners_key(unit.company_id, kind, number)
    return SyncRow(key.pk, key.sk)


def _key(company_id: str, customer_id: str) -> Key:
    return Key(SyncRow, f"{company_id}#{customer_id}", "billing")
