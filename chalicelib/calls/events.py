"""What happens to calls."""

from chalicelib.core.events import Event


class CallRecorded(Event):
    """A call's record was added or completed; `status` as Retell names it."""

    call_id: str
    status: str
