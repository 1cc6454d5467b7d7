"""Endpoints and deliveries in DynamoDB."""

from chalicelib.core.clock import epoch
from chalicelib.core.errors import DomainError, NotFound
from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.tables import Key, collection, encode, fetch_map, fetch_one
from chalicelib.core.unit import Unit
from chalicelib.integrations.tables import IntegrationRow
from chalicelib.integrations.webhook_endpoint import KEPT, Delivery, Endpoint

DELIVERIES = Listing(IntegrationRow, None, "pk", "sk")


def endpoints(company_id: str) -> list[Endpoint]:
    """All of a company's, the oldest first; one Query."""
    return [row.model(Endpoint) for row in collection(IntegrationRow, f"{company_id}#endpoints")]


def get_endpoint(company_id: str, endpoint_id: str) -> Endpoint:
    """One request; raises NotFound."""
    row = fetch_one(_endpoint_key(company_id, endpoint_id))
    if row is None:
        raise NotFound("endpoint_not_found", f"There is no webhook endpoint {endpoint_id}.")
    found: Endpoint = row.model(Endpoint)
    return found


def save_endpoint(unit: Unit, endpoint: Endpoint, stale: DomainError | None = None) -> None:
    """Add version 1, or write the next version; ends as `stale` when another one came first."""
    key = _endpoint_key(unit.company_id, endpoint.id)
    row = IntegrationRow(key.pk, key.sk, data=encode(endpoint), version=endpoint.version)
    if endpoint.version == 1:
        unit.add(row)
    else:
        unit.put(row, IntegrationRow.version == endpoint.version - 1, stale)


def remove_endpoint(unit: Unit, endpoint: Endpoint) -> None:
    """Forget it; what is on its way to it goes no further."""
    key = _endpoint_key(unit.company_id, endpoint.id)
    unit.delete(IntegrationRow(key.pk, key.sk), IntegrationRow.version == endpoint.version)


def add_delivery(unit: Unit, delivery: Delivery) -> None:
    """Add it; the unit ends as Stale when it is there already."""
    unit.add(_row(unit.company_id, delivery))


def save_delivery(unit: Unit, delivery: Delivery) -> None:
    """Write its next version; the unit ends as Stale when another one came first."""
    unit.put(_row(unit.company_id, delivery), IntegrationRow.version == delivery.version - 1)


def find_delivery(company_id: str, endpoint_id: str, delivery_id: str) -> tuple[Endpoint | None, Delivery | None]:
    """The endpoint and one delivery to it; one request."""
    endpoint_at = _endpoint_key(company_id, endpoint_id)
    delivery_at = Key(IntegrationRow, f"{company_id}#{endpoint_id}", f"delivery#{delivery_id}")
    rows = fetch_map([endpoint_at, delivery_at])
    endpoint, delivery = rows[endpoint_at], rows[delivery_at]
    return (
        endpoint.model(Endpoint) if endpoint is not None else None,
        delivery.model(Delivery) if delivery is not None else None,
    )


def page_deliveries(
    company_id: str, endpoint_id: str, *, state: str | None, limit: int, cursor: str | None
) -> Page[Delivery]:
    """The newest first."""
    selection = Selection(
        between=IntegrationRow.sk.startswith("delivery#"),
        only=IntegrationRow.status == state if state else None,
        newest_first=True,
    )
    found = page(DELIVERIES, f"{company_id}#{endpoint_id}", limit=limit, cursor=cursor, selection=selection)
    return found.map(lambda row: row.model(Delivery))


def _endpoint_key(company_id: str, endpoint_id: str) -> Key:
    return Key(IntegrationRow, f"{company_id}#endpoints", endpoint_id)


def _row(company_id: str, delivery: Delivery) -> IntegrationRow:
    return IntegrationRow(
        f"{company_id}#{delivery.endpoint_id}",
        f"delivery#{delivery.id}",
        data=encode(delivery),
        status=delivery.state,
        version=delivery.version,
        expires_at=epoch(delivery.created_at + KEPT),
    )
