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


class ApplyCalComEvent(Job):
    """Act on a delivery of Cal.com's that lies in the inbox."""

    queue = "sync"
    handler = "chalicelib.booking.calcom_events:apply_delivery"
    attempts = 10

    delivery_id: str
