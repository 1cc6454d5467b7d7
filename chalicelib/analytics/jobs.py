"""What figures leave to be done later."""

from chalicelib.core.events import Job
from chalicelib.core.needs import Needs


class CountAppointment(Job):
    """Bring the counters up to how an appointment stands; `branch_id` where whoever asks knows it."""

    queue = "workflows"
    needs = Needs(reads=("booking",), writes=("analytics",))
    handler = "chalicelib.analytics.count_appointments:count"
    attempts = 12

    appointment_id: str
    branch_id: str = ""


class MeasureAvailable(Job):
    """Write down how many minutes a company's branches are available on each day, those after `after` (an id, or "").

    `branch_ids`: only these; all where there are none.
    """

    queue = "workflows"
    needs = Needs(reads=("booking", "occupancy"), writes=("analytics",))
    handler = "chalicelib.analytics.measure_minutes:measure_next"
    attempts = 6

    after: str = ""
    branch_ids: tuple[str, ...] = ()
