"""Searches of free times, counted for the conversion into bookings."""

from zoneinfo import ZoneInfo

from chalicelib.analytics import store
from chalicelib.booking.practice import Branch
from chalicelib.core.clock import Clock


def count_search(company_id: str, branch: Branch, clock: Clock) -> None:
    """Count a search of free times in a branch, on its local day; one UpdateItem, and never a failure.

    Whoever answers the search calls this, once for each branch that it asked for. It needs `updates=("analytics",)`.
    """
    store.count_search(company_id, branch.id, clock().astimezone(ZoneInfo(branch.zone)).date())
