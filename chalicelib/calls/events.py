"""What happens to calls."""

from chalicelib.core.events import Event


class CallRecorded(Event):
    """A call's record was added or completed; `status` as Retell names it."""

    call_id: str
    status: str


class CallMissed(Event):
    """An incoming call ended and nobody had spoken with the caller."""

    phone_call_id: str
    branch_id: str


class OutboundCallStarted(Event):
    """A call that we asked for was taken on by the vendor (`through`: twilio or retell)."""

    phone_call_id: str
    through: str


class CallMessageTaken(Event):
    """A caller left a message for staff."""

    message_id: str
    call_id: str
    branch_id: str


class CallMessageMarked(Event):
    """Staff marked a message done, or open again."""

    message_id: str
    status: str
    version: int


class CallLinked(Event):
    """Somebody said by hand whose call it was; None: that this is not known after all."""

    call_id: str
    customer_id: str | None


class CallNoted(Event):
    """Notes or tags were changed."""

    call_id: str
    version: int
