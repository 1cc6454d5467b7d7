"""What happens to calls."""

from chalicelib.core.events import Event


class CallRecorded(Event):
    """A call's record was added or completed; `status` as Retell names it."""

    call_id: str
    status: str


class CallLinked(Event):
    """Somebody said by hand whose call it was; None: that this is not known after all."""

    call_id: str
    customer_id: str | None


class CallNoted(Event):
    """Notes or tags were changed."""

    call_id: str
    version: int
