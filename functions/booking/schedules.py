"""What is done for bookings by the clock; at Cal.com, for the one connection of this stage's own key."""

from chalicelib.booking.jobs import CheckCalComWebhooks, PollCalCom
from chalicelib.core.clock import now
from chalicelib.core.events import Job
from chalicelib.core.function import Function
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.needs import Needs
from chalicelib.core.unit import Unit

function = Function(__name__)


@function.every("rate(5 minutes)", needs=Needs(writes=("outbox",)), vendor="calcom")
def poll_calcom() -> None:
    """Ask Cal.com what has changed, since it sends no webhook twice."""
    _enqueue(PollCalCom(company_id=PLATFORM))


@function.every("rate(1 hour)", needs=Needs(writes=("outbox",)), vendor="calcom")
def check_calcom_webhooks() -> None:
    """See that Cal.com still sends us webhooks, and subscribe anew where it does not."""
    _enqueue(CheckCalComWebhooks(company_id=PLATFORM))


@function.every("rate(1 minute)", needs=Needs(writes=("booking", "occupancy")))
def complete_appointments() -> None:
    """Mark as completed what has ended, and look at the groups whose deadline has passed."""
    from chalicelib.booking.changes.complete import complete_ended
    from chalicelib.booking.groups.minimum import check_deadlines

    complete_ended(Unit, now)
    check_deadlines(Unit, now)


@function.every("rate(1 minute)", needs=Needs(writes=("booking", "occupancy")))
def sweep_waiting_list() -> None:
    """End offers that nobody answered and waiting that is over; look again at who has waited for a day."""
    from chalicelib.booking.waitlist.end_offer import sweep

    sweep(Unit, now)


def _enqueue(job: Job) -> None:
    unit = Unit(PLATFORM)
    unit.enqueue(job)
    unit.commit()
