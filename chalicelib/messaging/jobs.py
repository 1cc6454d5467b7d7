"""What messaging leaves to be done later."""

from chalicelib.core.events import Job


class SendText(Job):
    """Send one text, once, however often this job is done."""

    queue = "messages"
    handler = "chalicelib.messaging.send_text:send"

    text_id: str
