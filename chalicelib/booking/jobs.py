"""What bookings leave to be done later."""

from chalicelib.core.events import Job


class ReconcileBooking(Job):
    """Ask Cal.com about a hold, and confirm or release it."""

    queue = "sync"
    handler = "chalicelib.booking.reconciling:reconcile"
    attempts = 12

    appointment_id: str


class ApplyCalComEvent(Job):
    """Act on a delivery of Cal.com's that lies in the inbox."""

    queue = "sync"
    handler = "chalicelib.booking.calcom_events:apply_delivery"
    attempts = 10

    delivery_id: str


class RecompileBranches(Job):
    """Compile the schedules of the company's branches after `after` (an id, or "") anew."""

    queue = "default"
    handler = "chalicelib.booking.managing:recompile_branches"
    attempts = 10

    after: str
