"""Searches of free times, counted for the conversion into bookings."""

from zoneinfo import ZoneInfo

from chalicelib.analytics import store
from chalicelib.core.clock import Clock


def count_search(company_id: str, branch_id: str, zone: str, clock: Clock) -> None:
    """Count a search of free times in a branch, on the local day of its `zone`; one UpdateItem, and never a failure.

    Whoever answers the search calls this, once for each branch that it asked for. It needs `updates=("analytics",)`.
    """
    store.count_search(company_id, branch_id, clock().astimezone(ZoneInfo(zone)).date())
