"""What messaging leaves to be done later."""

from chalicelib.core.events import Job
from chalicelib.core.needs import Needs


class SendText(Job):
    """Send one text, once, however often this job is done."""

    queue = "messages"
    needs = Needs(writes=("messaging", "directory"), secrets=("twilio_account_sid", "twilio_auth_token"))
    handler = "chalicelib.messaging.send_text:send"

    text_id: str
