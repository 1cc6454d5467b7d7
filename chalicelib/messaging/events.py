"""What happens to texts."""

from chalicelib.core.events import Event


class TextSent(Event):
    """Twilio has taken a text."""

    text_id: str
    purpose: str


class TextFailed(Event):
    """A text will never be sent; `failure` says why, such as `twilio_21211` or `refused`."""

    text_id: str
    purpose: str
    failure: str
