"""Series in DynamoDB: each with all its occurrences in one item, a company's in one partition, oldest first."""

from chalicelib.booking.series.series import Series
from chalicelib.booking.tables import BookingRow
from chalicelib.core.errors import NotFound
from chalicelib.core.pages import NEWEST_FIRST, Listing, Page, Selection, page
from chalicelib.core.records import RecordKind
from chalicelib.core.tables import encode, fetch
from chalicelib.core.unit import Unit

LISTING = Listing(BookingRow, None, "pk", "sk")
PREFIX = "series#"
SERIES = RecordKind(
    BookingRow,
    Series,
    lambda company_id, series_id: (f"{company_id}#series", series_id),
    lambda series_id: NotFound("series_not_found", f"There is no series {series_id}."),
)
find_series, get_series = SERIES.find, SERIES.get


def add_series(unit: Unit, series: Series) -> None:
    """Add it, and its mark with the customer."""
    unit.add(_row(series))
    customer = f"{series.company_id}#{series.template.customer_id}"
    unit.add(BookingRow(customer, f"{PREFIX}{series.id}", data=encode(series.id)))


def save_series(unit: Unit, series: Series) -> None:
    """Write its next version, if the one before is still the newest; the unit ends as Stale if not."""
    unit.put(_row(series), BookingRow.version == series.version - 1)


def check_unchanged(unit: Unit, series: Series) -> None:
    """Let the unit depend on this being the newest version; it ends as Stale if not."""
    unit.check(BookingRow(*SERIES.address(series.company_id, series.id)), BookingRow.version == series.version)


def page_series(company_id: str, customer_id: str | None, limit: int, cursor: str | None) -> Page[Series]:
    """The newest first, all or a customer's; one request, two for a customer's."""
    if customer_id is None:
        found = page(LISTING, f"{company_id}#series", limit=limit, cursor=cursor, selection=NEWEST_FIRST)
        return found.map(lambda row: row.model(Series))
    newest = Selection(between=BookingRow.sk.startswith(PREFIX), newest_first=True)
    marks = page(LISTING, f"{company_id}#{customer_id}", limit=limit, cursor=cursor, selection=newest)
    rows = fetch([SERIES.key(company_id, mark.model(str)) for mark in marks.data])
    return Page([series for series in map(SERIES.of, rows) if series], marks.next_cursor)


def _row(series: Series) -> BookingRow:
    return BookingRow(*SERIES.address(series.company_id, series.id), version=series.version, data=encode(series))
