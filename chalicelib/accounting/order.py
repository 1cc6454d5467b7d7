"""An order: an invoice or quote that Fatture in Cloud is to make of a completed appointment, and how far that is."""

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

import msgspec

from chalicelib.accounting.record import Record, Resource
from chalicelib.core.money import major_units

State = Literal["held", "issued"]
TYPES: dict[str, str] = {"invoices": "invoice", "quotes": "quote"}
SURE_AFTER = timedelta(seconds=75)
"""What FIC does not show by then it never took: our own wait for its answer ends long before."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """`net` for one, in the currency's smallest unit; `vat_id` is FIC's id of the rate, `vat_percent` the rate."""

    name: str
    net: int
    quantity: int = 1
    vat_id: int = 0
    vat_percent: int = 22
    description: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What was ordered, so that it can be ordered again just the same. `held`: FIC may or may not have made it."""

    company_id: str
    account_id: str
    resource: Resource
    appointment_id: str
    customer_id: str
    entity: dict[str, Any]
    lines: tuple[Line, ...]
    currency: str
    day: date
    ordered_at: datetime
    state: State = "held"
    fic_id: int | None = None
    version: int = 1

    @property
    def marker(self) -> str:
        """What the document carries in its subject, which its reader does not see: by this it is found again."""
        return f"PilotPractice {self.appointment_id}"

    def document(self) -> dict[str, Any]:
        """As FIC wants it. Without a number: that is FIC's to give."""
        gross = major_units(self.gross(), self.currency)
        return {
            "type": TYPES[self.resource],
            "entity": self.entity,
            "date": self.day.isoformat(),
            "subject": self.marker,
            "currency": {"id": self.currency},
            "items_list": [self._item(line) for line in self.lines],
            "payments_list": [{"amount": gross, "due_date": self.day.isoformat(), "status": "not_paid"}],
        }

    def gross(self) -> int:
        """With VAT, which is worked out once for each rate."""
        by_rate: dict[int, int] = {}
        for line in self.lines:
            by_rate[line.vat_percent] = by_rate.get(line.vat_percent, 0) + line.net * line.quantity
        return sum(net + _percent(net, rate) for rate, net in by_rate.items())

    def made(self, record: Record) -> "Order":
        """FIC has it."""
        return msgspec.structs.replace(self, state="issued", fic_id=record.id, version=self.version + 1)

    def again(self, at: datetime) -> "Order":
        """Ordered once more, since FIC surely has not made it."""
        return msgspec.structs.replace(self, ordered_at=at, version=self.version + 1)

    def unsure(self, at: datetime) -> bool:
        """Whether FIC may still be about to make it."""
        return at - self.ordered_at < SURE_AFTER

    def _item(self, line: Line) -> dict[str, Any]:
        return {
            "name": line.name,
            "description": line.description,
            "qty": line.quantity,
            "net_price": major_units(line.net, self.currency),
            "vat": {"id": line.vat_id},
        }


def _percent(amount: int, percent: int) -> int:
    return int((Decimal(amount) * percent / 100).to_integral_value(ROUND_HALF_UP))
