"""The records of one simulated company: generated ones, what became of them since, and lists of both."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from infra.local.simulators.exchange import Refused
from infra.local.simulators.fattureincloud import filter as filters
from infra.local.simulators.fattureincloud.data import (
    DOCUMENT_TYPES,
    FIRST_ID,
    RESOURCES,
    YEAR,
    Record,
    Sizes,
    made,
    made_at,
    text,
    totals,
)

ROME = ZoneInfo("Europe/Rome")
LARGEST_PAGE = 100
SORTABLE = {"name", "code", "date", "number", "next_due_date", "amount_net", "amount_gross", "created_at", "updated_at"}
BASIC = {
    *("id", "code", "name", "type", "vat_number", "tax_code", "email", "phone", "country"),
    *("number", "numeration", "date", "year", "entity", "amount_net", "amount_vat", "amount_gross"),
    *("next_due_date", "created_at", "updated_at"),
}
"""What `fieldset=basic` shows; the others show everything."""


class Books:
    """One company's clients, suppliers, invoices and quotes. Methods raise Refused."""

    def __init__(self, sizes: Sizes, clock: Callable[[], datetime]) -> None:
        self.sizes = sizes
        self.changed: dict[str, dict[int, Record]] = {resource: {} for resource in RESOURCES}
        self.deleted: dict[str, set[int]] = {resource: set() for resource in RESOURCES}
        self._clock = clock
        self._orders: dict[tuple[str, str, str], list[int]] = {}

    def page(self, resource: str, query: dict[str, str], path: str) -> Record:
        """A page as the API answers it."""
        number, size = _number(query, "page", 1, None), _number(query, "per_page", 5, LARGEST_PAGE)
        ids = self.ids(resource, query.get("sort", ""), query.get("q", ""))
        last = max(1, -(-len(ids) // size))
        start = (number - 1) * size
        shown = [self._shown(self.get(resource, one), query) for one in ids[start : start + size]]
        return {
            "current_page": number,
            "data": shown,
            "first_page_url": "page=1",
            "from": start + 1 if shown else None,
            "last_page": last,
            "last_page_url": f"page={last}",
            "next_page_url": f"page={number + 1}" if number < last else None,
            "path": path,
            "per_page": size,
            "prev_page_url": f"page={number - 1}" if number > 1 else None,
            "to": start + len(shown) if shown else None,
            "total": len(ids),
        }

    def ids(self, resource: str, sort: str = "", query: str = "") -> list[int]:
        """The ids of a list in order; remembered until something changes, since every page of it asks again."""
        key = (resource, sort, query)
        if key not in self._orders:
            if len(self._orders) > 20:
                self._orders.clear()
            self._orders[key] = self._ordered(resource, sort, query)
        return self._orders[key]

    def get(self, resource: str, record_id: int) -> Record:
        """The record; Refused 404."""
        found = self.changed[resource].get(record_id)
        if found is not None:
            return found
        number = record_id - FIRST_ID[resource]
        if record_id in self.deleted[resource] or not 0 <= number < self.sizes.of(resource):
            raise Refused(404, "The requested resource was not found.")
        return made(resource, number, self.sizes)

    def shown(self, resource: str, record_id: int, query: dict[str, str]) -> Record:
        """The record with the fields asked for."""
        return self._shown(self.get(resource, record_id), query)

    def kind_of(self, document_id: int) -> str:
        """`invoices` or `quotes`; Refused 404."""
        for resource in DOCUMENT_TYPES:
            if self.has(resource, document_id):
                return resource
        raise Refused(404, "The requested resource was not found.")

    def has(self, resource: str, record_id: int) -> bool:
        """Whether it is there."""
        generated = 0 <= record_id - FIRST_ID[resource] < self.sizes.of(resource)
        return record_id in self.changed[resource] or (generated and record_id not in self.deleted[resource])

    def create(self, resource: str, data: Record) -> Record:
        """A new record with FIC's defaults; Refused 422 without what it has to have."""
        now = text(self._clock().astimezone(ROME))
        record = {"id": self._next_id(resource), **data, "created_at": now, "updated_at": now}
        if resource in DOCUMENT_TYPES:
            record = self._numbered(resource, record)
        elif not data.get("name"):
            raise Refused(422, "The data.name field is required.")
        self.changed[resource][record["id"]] = record
        self._orders.clear()
        return record

    def change(self, resource: str, record_id: int, data: Record) -> Record:
        """The record with other values."""
        old = self.get(resource, record_id)
        record = {**old, "updated_at": text(self._clock().astimezone(ROME)), **data, "id": record_id}
        if "items_list" in data and "amount_net" not in data:
            record |= totals(data["items_list"])
        self.changed[resource][record_id] = record
        self._orders.clear()
        return record

    def delete(self, resource: str, record_id: int) -> None:
        """It is gone."""
        self.get(resource, record_id)
        self.changed[resource].pop(record_id, None)
        self.deleted[resource].add(record_id)
        self._orders.clear()

    def snapshot(self) -> Any:
        """What differs from what was generated."""
        return {
            "changed": {name: list(records.values()) for name, records in self.changed.items()},
            "deleted": {name: sorted(ids) for name, ids in self.deleted.items()},
        }

    def restore(self, state: Any) -> None:
        """The inverse."""
        for name in RESOURCES:
            self.changed[name] = {one["id"]: one for one in state["changed"][name]}
            self.deleted[name] = set(state["deleted"][name])
        self._orders.clear()

    def _ordered(self, resource: str, sort: str, query: str) -> list[int]:
        first, mine, gone = FIRST_ID[resource], self.changed[resource], self.deleted[resource]
        generated = range(first, first + self.sizes.of(resource))
        ids = [one for one in generated if one not in gone]
        ids += sorted(one for one in mine if one not in generated)
        fields = filters.DOCUMENT_FIELDS if resource in DOCUMENT_TYPES else filters.ENTITY_FIELDS
        if query:
            try:
                fits = filters.parse(query, fields)
            except ValueError as error:
                raise Refused(422, str(error)) from None
            ids = [one for one in ids if fits(lambda field, one=one: self._value(resource, one, field))]  # type: ignore[misc]
        for part in reversed([part.strip() for part in sort.split(",") if part.strip()]):
            field = part.lstrip("-")
            if field not in SORTABLE:
                raise Refused(422, f"Sorting by {field} is not supported.")
            keys = {one: self._value(resource, one, field) for one in ids}
            ids.sort(
                key=lambda one: (keys[one] is not None, 0 if keys[one] is None else keys[one]),
                reverse=part.startswith("-"),
            )
        return ids

    def _value(self, resource: str, record_id: int, field: str) -> Any:
        """Without making the whole record where the field is cheaper to tell: 50,000 are filtered in a moment."""
        if record_id not in self.changed[resource]:
            if field == "id":
                return record_id
            if field in ("created_at", "updated_at"):
                times = made_at(record_id - FIRST_ID[resource], self.sizes.of(resource))
                return times[field == "updated_at"]
        record = self.get(resource, record_id)
        if field.startswith("entity."):
            entity, name = record.get("entity") or {}, field.removeprefix("entity.")
            return entity.get(name, entity.get(f"address_{name}"))
        if field == "any_subject":
            return f"{record.get('subject') or ''} {record.get('visible_subject') or ''}"
        return record.get(field)

    def _shown(self, record: Record, query: dict[str, str]) -> Record:
        if "fields" in query:
            names = set(query["fields"].split(",")) | {"id"}
            return {name: value for name, value in record.items() if name in names}
        if query.get("fieldset") == "basic":
            return {name: value for name, value in record.items() if name in BASIC}
        return record

    def _next_id(self, resource: str) -> int:
        top = FIRST_ID[resource] + self.sizes.of(resource) - 1
        return max([top, *self.changed[resource], *self.deleted[resource]]) + 1

    def _numbered(self, resource: str, record: Record) -> Record:
        entity = record.get("entity")
        if not isinstance(entity, dict) or not (entity.get("name") or entity.get("id")):
            raise Refused(422, "The data.entity field is required.")
        items = record.get("items_list") or []
        date = record.get("date") or record["created_at"][:10]
        year, numeration = int(date[:4]), record.get("numeration") or ""
        if record.get("number") is None:
            record["number"] = self._next_number(resource, year, numeration)
        if "name" not in entity:
            entity = {"id": entity["id"], "name": self.get("clients", int(entity["id"]))["name"]}
        amounts = totals(items)
        return {
            "subject": "",
            "visible_subject": "",
            "currency": {"id": "EUR", "exchange_rate": "1.00000", "symbol": "€"},
            "language": {"code": "it", "name": "Italiano"},
            "notes": "",
            "amount_due_discount": 0,
            "payments_list": [],
            "e_invoice": False,
            "next_due_date": None,
            "url": f"https://compute.fattureincloud.example/doc/{record['id']}.pdf",
            "attachment_url": None,
            "locked": False,
            **amounts,
            **record,
            "type": DOCUMENT_TYPES[resource],
            "entity": entity,
            "items_list": [{"id": 8_500_000 + n, **item} for n, item in enumerate(items)],
            "date": date,
            "year": year,
            "numeration": numeration,
        }

    def _next_number(self, resource: str, year: int, numeration: str) -> int:
        generated = self.sizes.of(resource) if (year, numeration) == (YEAR, "") else 0
        taken = [
            one["number"]
            for one in self.changed[resource].values()
            if (one.get("year"), one.get("numeration") or "") == (year, numeration) and isinstance(one["number"], int)
        ]
        return max([generated, *taken]) + 1


def _number(query: dict[str, str], name: str, otherwise: int, most: int | None) -> int:
    found = query.get(name, str(otherwise))
    if not found.isdecimal() or int(found) < 1 or (most is not None and int(found) > most):
        raise Refused(422, f"The {name} is invalid.")
    return int(found)
