"""The job of a series: whatever a request left unfinished is gone on with."""

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib.booking.jobs import ResumeSeries
from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.change import carry_out
from chalicelib.booking.series.finish import Units, carry_on, give_up
from chalicelib.core.jobs import JobContext, Postpone

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import CalCom

LASTS = timedelta(seconds=20)
"""For how long one run goes on; a batch of five has to fit into the worker's time."""


def resume(job: ResumeSeries, context: JobContext) -> None:
    """Give up holds that nobody will use any more, make the appointments of a series, or go on with its change."""
    series = series_store.find_series(job.company_id, job.series_id)
    if series is None:
        return
    units = Units(context.unit, context.unit)
    until = context.clock() + LASTS
    if series.status in ("holding", "failed"):
        give_up(units, series, context.clock, _calcom)
        return
    if series.status == "booking":
        series = carry_on(units, series, context.clock, _calcom, until).series
    if series.changing():
        series = carry_out(units, series, context.clock, _calcom, until).series
    if series.status == "booking" or series.changing():
        raise Postpone(1, "a long series")


def _calcom() -> "CalCom":
    # Imported here: most series need no HTTP client.
    from chalicelib.vendors.calcom import connected

    return connected()
