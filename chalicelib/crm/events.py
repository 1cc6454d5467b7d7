"""What happens to customers."""

from chalicelib.core.events import Event


class CustomerCreated(Event):
    """A customer was added by hand or by a booking."""

    customer_id: str
    source: str
