"""Whether visitors may book at present."""

from chalicelib.core import switches
from chalicelib.core.requests import Request

CLOSED = "public_booking_off 503"
"""What a route may answer that calls `require_open`."""


def require_open(request: Request, company_id: str = "") -> None:
    """Raises SwitchedOff while visitors cannot book; they may go on looking.

    Who repeats a request with its Idempotency-Key is given its answer all the same, from the company's guards.
    """
    request.company_id = company_id
    switches.require_public_booking()
