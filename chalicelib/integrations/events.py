"""What happens to webhook endpoints."""

from chalicelib.core.events import Event


class EndpointSwitchedOff(Event):
    """Nothing is delivered to it any more; `reason` is gone or failing."""

    endpoint_id: str
    reason: str
