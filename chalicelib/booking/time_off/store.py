"""Time off in DynamoDB."""

from chalicelib.booking.tables import BookingRow
from chalicelib.booking.time_off.absence import TimeOff
from chalicelib.core.clock import stamp
from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.tables import collection, encode
from chalicelib.core.unit import Unit

_LISTING = Listing(BookingRow, None, "pk", "sk")


def add(unit: Unit, off: TimeOff) -> None:
    """Add it; listed by when it ends, so that what is over is not read."""
    unit.add(BookingRow(*_place(off), data=encode(off)))


def remove(unit: Unit, off: TimeOff) -> None:
    """Remove it; the unit ends as Stale when it is gone already."""
    unit.delete(BookingRow(*_place(off)), BookingRow.pk.exists())


def find(company_id: str, staff_id: str, time_off_id: str) -> TimeOff | None:
    """By its id, among those of a member of staff."""
    rows = collection(BookingRow, f"{company_id}#{staff_id}", BookingRow.sk.startswith("off#"))
    return next((row.model(TimeOff) for row in rows if row.sk.endswith(f"#{time_off_id}")), None)


def page_of(company_id: str, staff_id: str, ends_after: str, limit: int, cursor: str | None) -> Page[TimeOff]:
    """What ends after an instant (as `stamp`), the first to end first."""
    later = BookingRow.sk.between(f"off#{ends_after}", "off#~")
    found = page(_LISTING, f"{company_id}#{staff_id}", limit=limit, cursor=cursor, selection=Selection(between=later))
    return found.map(lambda row: row.model(TimeOff))


def _place(off: TimeOff) -> tuple[str, str]:
    return f"{off.company_id}#{off.staff_id}", f"off#{stamp(off.ends_at)}#{off.id}"
