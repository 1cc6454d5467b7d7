"""What outgoing webhooks leave to be done later."""

from chalicelib.core.events import Job
from chalicelib.core.needs import Needs


class PublishWebhook(Job):
    """Make a delivery of what happened to an appointment for every endpoint that wants to know.

    `participant_id` and `customer_id`: who joined, left or was moved, where it is about one participant of a group.
    """

    queue = "workflows.webhooks"
    needs = Needs(reads=("booking",), writes=("integrations",))
    handler = "chalicelib.integrations.publish_event:publish"
    attempts = 10

    type: str
    appointment_id: str
    participant_id: str = ""
    customer_id: str = ""


class PublishWaiting(Job):
    """Make a delivery of what happened on the waiting list for every endpoint that wants to know."""

    queue = "workflows.webhooks"
    needs = Needs(reads=("booking",), writes=("integrations",))
    handler = "chalicelib.integrations.publish_event:publish_waitlist"
    attempts = 10

    type: str
    waiting_id: str


class DeliverWebhook(Job):
    """Send a delivery to its endpoint; comes back until it is delivered or given up."""

    queue = "workflows.webhooks"
    needs = Needs(writes=("integrations",), vault=True)
    handler = "chalicelib.integrations.send_delivery:deliver"
    attempts = 20

    endpoint_id: str
    delivery_id: str
