"""What text sessions leave to be done later."""

from chalicelib.core.events import Job
from chalicelib.core.needs import Needs


class Tick(Job):
    """Look at a session when the interval that is paid for nears its end.

    On `default`, whose jobs are short: on the other queues a tick would stand behind calls to vendors, or behind what
    users automate.
    """

    queue = "default"
    needs = Needs(writes=("text_sessions",))
    handler = "chalicelib.text_sessions.tick_job:tick"
    attempts = 6

    appointment_id: str
    session_id: str
    subscription_id: str
    interval: int


class EndCancelled(Job):
    """End the session that may still run of an appointment that has been cancelled."""

    queue = "default"
    needs = Needs(reads=("booking",), writes=("text_sessions",))
    handler = "chalicelib.text_sessions.deduction:end_cancelled"

    appointment_id: str
