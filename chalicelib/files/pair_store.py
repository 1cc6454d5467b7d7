"""Pairs of images in DynamoDB."""

from chalicelib.core.clock import stamp
from chalicelib.core.errors import DomainError
from chalicelib.core.pages import NEWEST_FIRST, Page, page
from chalicelib.core.tables import encode
from chalicelib.core.unit import Unit
from chalicelib.files.pair import Pair
from chalicelib.files.store import BY_CUSTOMER
from chalicelib.files.tables import FileRow


def add_pair(unit: Unit, pair: Pair) -> None:
    """Add it."""
    unit.add(
        FileRow(
            f"{pair.company_id}#{pair.id}",
            "pair",
            data=encode(pair),
            customer=f"{pair.company_id}#{pair.customer_id}#pairs",
            created_at=f"{stamp(pair.created_at)}#{pair.id}",
        )
    )


def remove_pair(unit: Unit, pair_id: str, otherwise: DomainError) -> None:
    """Forget it; fails with `otherwise` when there is none."""
    unit.delete(FileRow(f"{unit.company_id}#{pair_id}", "pair"), FileRow.pk.exists(), otherwise)


def page_pairs(company_id: str, customer_id: str, limit: int, cursor: str | None) -> Page[Pair]:
    """A customer's, the newest first; one Query."""
    value = f"{company_id}#{customer_id}#pairs"
    found = page(BY_CUSTOMER, value, limit=limit, cursor=cursor, selection=NEWEST_FIRST)
    return found.map(lambda row: row.model(Pair))
