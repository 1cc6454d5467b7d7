"""What bookings leave to be done later."""

from chalicelib.core.events import Job


class ReconcileBooking(Job):
    """Ask Cal.com about a hold, and confirm or release it."""

    queue = "sync"
    handler = "chalicelib.booking.reconciling:reconcile"
    attempts = 12

    appointment_id: str


class SettleChange(Job):
    """Ask Cal.com what became of a change, and write it down or undo it."""

    queue = "sync"
    handler = "chalicelib.booking.settling:settle_change"
    attempts = 12

    appointment_id: str
    change_id: str


class TellCalCom(Job):
    """Bring a booking at Cal.com up to ours in what it need not agree to: no-shows, attendees, guests."""

    queue = "sync"
    handler = "chalicelib.booking.telling:tell"
    attempts = 12

    appointment_id: str


class CancelLeftover(Job):
    """Cancel a booking at Cal.com that no appointment stands for any more."""

    queue = "sync"
    handler = "chalicelib.booking.settling:cancel_leftover"
    attempts = 12

    appointment_id: str
    uid: str


class PollCalCom(Job):
    """Ask Cal.com what has changed since the last time, and act on it."""

    queue = "sync"
    handler = "chalicelib.booking.polling:poll"
    attempts = 4


class ApplyCalComBooking(Job):
    """Act on a booking of Cal.com's that the poll could not be done with."""

    queue = "sync"
    handler = "chalicelib.booking.polling:apply_one"
    attempts = 8

    uid: str


class CheckCalComWebhooks(Job):
    """See that Cal.com still sends us what happens, and subscribe anew where it does not."""

    queue = "sync"
    handler = "chalicelib.booking.subscribing:check"
    attempts = 4


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


class ResumeSeries(Job):
    """Go on with a series that a request left: book what it holds, make the change it was in, or give up its holds."""

    queue = "sync"
    handler = "chalicelib.booking.series_resuming:resume"
    attempts = 12

    series_id: str
