"""Before and after: two images of one customer that show what a treatment did."""

import msgspec

from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, NotFound, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.unit import UnitFactory
from chalicelib.files import pair_store, store
from chalicelib.files.pair import Pair


class NewPair(msgspec.Struct, frozen=True, kw_only=True):
    """Two images, and what lies between them."""

    before_id: str
    after_id: str
    service_id: str | None = None
    note: str = ""


def pair(new_unit: UnitFactory, company_id: str, new: NewPair, clock: Clock) -> Pair:
    """Set two images side by side; two reads, one transaction.

    Raises NotFound, Conflict `not_an_image`, `different_customers`, Invalid for one image twice.
    """
    if new.before_id == new.after_id:
        raise invalid("body.after_id", "same_image", "Two different images make a pair.")
    before, after = (store.get_file(company_id, each) for each in (new.before_id, new.after_id))
    for each in (before, after):
        if each.kind != "image":
            raise Conflict("not_an_image", f"{each.id} is no image, or has not been looked at yet.")
    if before.customer_id is None or before.customer_id != after.customer_id:
        raise Conflict("different_customers", "Both images have to belong to the same customer.")
    unit = new_unit()
    made = Pair(
        id=new_id("pai"), company_id=company_id, customer_id=before.customer_id, before_id=before.id,
        after_id=after.id, service_id=new.service_id, note=new.note, created_by=str(unit.actor), created_at=clock(),
    )  # fmt: skip
    pair_store.add_pair(unit, made)
    unit.audit("file_pair.created", made.id, before=before.id, after=after.id)
    unit.commit(made)
    return made


def unpair(new_unit: UnitFactory, company_id: str, pair_id: str) -> None:
    """Take a pair apart; the images stay. Raises NotFound."""
    gone = NotFound("file_pair_not_found", f"There is no pair {pair_id}.")
    unit = new_unit()
    pair_store.remove_pair(unit, pair_id, gone)
    unit.audit("file_pair.removed", pair_id)
    unit.commit()
