"""Orders in DynamoDB: one of each kind per account and appointment."""

from chalicelib.accounting.errors import Overtaken
from chalicelib.accounting.order import Order
from chalicelib.accounting.record import Resource
from chalicelib.accounting.record_tables import SyncRow
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit


def find_order(company_id: str, account_id: str, resource: Resource, appointment_id: str) -> Order | None:
    """One request."""
    row: SyncRow | None = fetch_one(_key(company_id, account_id, resource, appointment_id))
    return row.model(Order) if row else None


def save_order(unit: Unit, order: Order) -> None:
    """Write its next version (the first: over nothing); the unit fails as Overtaken when someone else was faster."""
    before = SyncRow.pk.does_not_exist() if order.version == 1 else SyncRow.version == order.version - 1
    unit.put(_row(order), before, Overtaken())


def remove_order(unit: Unit, order: Order) -> None:
    """Forget this very version of it."""
    unit.delete(_row(order), SyncRow.version == order.version)


def _row(order: Order) -> SyncRow:
    key = _key(order.company_id, order.account_id, order.resource, order.appointment_id)
    return SyncRow(key.pk, key.sk, status=order.state, version=order.version, data=encode(order))


def _key(company_id: str, account_id: str, resource: Resource, appointment_id: str) -> Key:
    return Key(SyncRow, f"{company_id}#{appointment_id}", f"{account_id}#{resource}")
