"""What calls leave to be done later."""

from chalicelib.core.events import Job


class RecordCall(Job):
    """Bring a delivery of Retell's that lies in the inbox into the call's record."""

    queue = "default"
    handler = "chalicelib.calls.recording:record_delivery"
    attempts = 10

    delivery_id: str


class LinkBookedCall(Job):
    """Write into a call that its booking stands, when it was not the agent's own request that confirmed it."""

    queue = "default"
    handler = "chalicelib.calls.recording:link_booked"

    call_id: str
    appointment_id: str


class MailCallMessage(Job):
    """Mail staff a message that a caller left."""

    queue = "notifications"
    handler = "chalicelib.calls.messages:mail_message"

    message_id: str
