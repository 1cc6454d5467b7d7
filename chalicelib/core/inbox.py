"""The inbox: every webhook delivery is kept once, as it came, together with the job that will act on it."""

import zlib
from datetime import datetime, timedelta

import msgspec

from chalicelib.core.clock import epoch, stamp
from chalicelib.core.errors import Conflict, NotFound
from chalicelib.core.events import Job
from chalicelib.core.rows import InboxRow
from chalicelib.core.tables import collection
from chalicelib.core.unit import Unit

KEEP = timedelta(days=30)
PART_BYTES = 350_000
"""DynamoDB's items end at 400 kB; a body of 1 MB that does not compress lies in three."""
PLATFORM = "platform"
"""The company of a delivery whose company is not known yet."""


class _Delivered(Conflict):
    """This delivery is in the inbox already."""

    def __init__(self) -> None:
        super().__init__("delivered_before", "This delivery was received before.")


class Delivery(msgspec.Struct, frozen=True):
    """A webhook's request: `id` is the vendor's own, `kind` its name for what happened, `body` as it came."""

    vendor: str
    id: str
    kind: str
    body: bytes


def receive(unit: Unit, delivery: Delivery, job: Job | None) -> bool:
    """Keep the delivery and enqueue its job, in one commit; False when it was received before.

    A delivery nobody acts on (`job` None) is kept all the same.
    """
    at: datetime = unit.clock()
    packed = zlib.compress(delivery.body, 6)
    parts = [packed[start : start + PART_BYTES] for start in range(0, len(packed), PART_BYTES)] or [b""]
    for number, part in enumerate(parts):
        unit.add(
            InboxRow(
                f"{delivery.vendor}#{delivery.id}",
                f"part#{number:02}",
                kind=delivery.kind,
                received_at=stamp(at),
                parts=len(parts),
                body=part,
                expires_at=epoch(at + KEEP),
            ),
            _Delivered(),
        )
    if job:
        unit.enqueue(job)
    try:
        unit.commit()
    except _Delivered:
        return False
    return True


def load(vendor: str, delivery_id: str) -> bytes:
    """The raw body of a delivery; raises NotFound once it has expired."""
    rows = list(collection(InboxRow, f"{vendor}#{delivery_id}"))
    if not rows:
        raise NotFound("delivery_not_found", f"The delivery {delivery_id} of {vendor} is no longer kept.")
    return zlib.decompress(b"".join(row.body for row in rows))


def forget(unit: Unit, vendor: str, delivery_id: str) -> None:
    """Stage that a delivery's body is kept no longer; nothing where it has expired."""
    for row in collection(InboxRow, f"{vendor}#{delivery_id}", attributes_to_get=["pk", "sk"]):
        unit.delete(InboxRow(row.pk, row.sk))
