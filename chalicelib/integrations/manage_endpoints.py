"""What a company does with its webhook endpoints: add, change, rotate the secret, try out, send again, remove."""

from dataclasses import dataclass

import msgspec

from chalicelib.core import vault
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, NotFound
from chalicelib.core.ids import new_id
from chalicelib.core.unit import UnitFactory
from chalicelib.integrations import store, webhook_signature
from chalicelib.integrations.jobs import DeliverWebhook
from chalicelib.integrations.publish_event import Message, stage
from chalicelib.integrations.send_delivery import switched_on
from chalicelib.integrations.webhook_endpoint import MOST_ENDPOINTS, TEST, Delivery, Endpoint, SealedSecret
from chalicelib.integrations.webhook_transport import check_url


@dataclass(frozen=True)
class WithSecret:
    """An endpoint and its new signing secret, which is shown this once."""

    endpoint: Endpoint
    secret: str


@dataclass(frozen=True)
class EndpointDetails:
    """Where a company wants to be told, and of what (nothing: of everything)."""

    url: str
    types: tuple[str, ...] = ()
    description: str = ""


def add(new_unit: UnitFactory, company_id: str, details: EndpointDetails, clock: Clock) -> WithSecret:
    """Tell the address of bookings from now on; raises Invalid for one that is not public, Conflict at twenty."""
    check_url(details.url, "body.url")
    if len(store.endpoints(company_id)) >= MOST_ENDPOINTS:
        raise Conflict("too_many_endpoints", f"A company has {MOST_ENDPOINTS} webhook endpoints at most.")
    secret = webhook_signature.new_secret()
    endpoint_id = new_id("whk")
    endpoint = Endpoint(
        id=endpoint_id,
        company_id=company_id,
        url=details.url,
        types=details.types,
        description=details.description,
        secrets=(SealedSecret(vault.seal(company_id, endpoint_id, secret)),),
        created_at=clock(),
    )
    unit = new_unit()
    store.save_endpoint(unit, endpoint)
    unit.audit("webhook_endpoint.added", endpoint.id)
    unit.commit()
    return WithSecret(endpoint, secret)


def change(new_unit: UnitFactory, current: Endpoint, details: EndpointDetails, *, on: bool) -> Endpoint:
    """Change where, of what and whether it is told. Raises Invalid; Conflict when someone was faster."""
    check_url(details.url, "body.url")
    changed = msgspec.structs.replace(
        current,
        url=details.url,
        types=details.types,
        description=details.description,
        off_because=None if on else current.off_because or "by_hand",
        version=current.version + 1,
    )
    return _save(new_unit, changed, "changed")


def rotate(new_unit: UnitFactory, company_id: str, endpoint_id: str, clock: Clock) -> WithSecret:
    """A new secret; the one before signs too for a day, so that the receiver can change over. Raises NotFound."""
    endpoint = store.get_endpoint(company_id, endpoint_id)
    secret = webhook_signature.new_secret()
    rotated = endpoint.rotated(vault.seal(company_id, endpoint_id, secret), clock())
    return WithSecret(_save(new_unit, rotated, "secret_rotated"), secret)


def remove(new_unit: UnitFactory, company_id: str, endpoint_id: str) -> None:
    """Tell it nothing any more; raises NotFound."""
    unit = new_unit()
    store.remove_endpoint(unit, store.get_endpoint(company_id, endpoint_id))
    unit.audit("webhook_endpoint.removed", endpoint_id)
    unit.commit()


def try_out(new_unit: UnitFactory, company_id: str, endpoint_id: str, clock: Clock) -> Delivery:
    """Send a message of type `webhook.test`; an endpoint that was switched off is switched on. Raises NotFound."""
    endpoint = store.get_endpoint(company_id, endpoint_id)
    at = clock()
    unit = new_unit()
    if endpoint.off_because:
        endpoint = switched_on(endpoint)
        store.save_endpoint(unit, endpoint, _changed())
    delivery = stage(unit, endpoint, Message(TEST, {"endpoint_id": endpoint.id}, origin=new_id("try"), at=at))
    unit.commit(delivery)
    return delivery


def send_again(new_unit: UnitFactory, company_id: str, endpoint_id: str, delivery_id: str, clock: Clock) -> Delivery:
    """Send a delivery anew, whatever became of it; raises NotFound, also when it is too old to be kept."""
    endpoint, delivery = store.find_delivery(company_id, endpoint_id, delivery_id)
    if endpoint is None or delivery is None:
        raise NotFound("delivery_not_found", f"There is no delivery {delivery_id}; they are kept for 30 days.")
    again = delivery.again(clock())
    unit = new_unit()
    store.save_delivery(unit, again)
    unit.enqueue(DeliverWebhook(company_id=company_id, endpoint_id=endpoint_id, delivery_id=delivery_id))
    unit.audit("webhook_delivery.sent_again", delivery_id, endpoint=endpoint_id)
    unit.commit(again)
    return again


def _save(new_unit: UnitFactory, endpoint: Endpoint, what: str) -> Endpoint:
    unit = new_unit()
    store.save_endpoint(unit, endpoint, _changed())
    unit.audit(f"webhook_endpoint.{what}", endpoint.id)
    unit.commit(endpoint)
    return endpoint


def _changed() -> Conflict:
    return Conflict("stale_version", "Someone else changed it meanwhile; look at it again.")
