"""The job of a series: whatever a request left unfinished is gone on with."""

from datetime import timedelta

from chalicelib.booking.jobs import ResumeSeries
from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.change import carry_out
from chalicelib.booking.series.finish import SeriesRun, carry_on, give_up
from chalicelib.core.jobs import JobContext, Postpone

LASTS = timedelta(seconds=20)
"""For how long one run goes on; a batch of five has to fit into the worker's time."""


def resume(job: ResumeSeries, context: JobContext) -> None:
    """Give up holds that nobody will use any more, make the appointments of a series, or go on with its change."""
    series = series_store.find_series(job.company_id, job.series_id)
    if series is None:
        return
    run = SeriesRun(context.unit, job.company_id, context.clock, answering=context.unit)
    until = context.clock() + LASTS
    if series.status in ("holding", "failed"):
        give_up(run, series)
        return
    if series.status == "booking":
        series = carry_on(run, series, until).series
    if series.changing():
        series = carry_out(run, series, until).series
    if series.status == "booking" or series.changing():
        raise Postpone(1, "a long series")
