"""Which way an incoming call goes: staff, then the voice agent, then the mailbox; never back."""

from datetime import datetime

from chalicelib.booking.practice.models import Branch
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls.phone_call import STAGES, Stage

ANSWERED = frozenset({"completed", "answered"})
"""What Twilio says of a Dial in which two people spoke."""
WITHHELD = frozenset({"+266696687", "+86282452253", "+656667", "+7378742833", "+8566696687", "+2562533"})
"""Numbers that Twilio shows for anonymous, blocked, restricted and unavailable callers (they spell it on a keypad)."""


def next_stage(schedule: Schedule, caller: str | None, at: datetime, after: Stage | None) -> Stage:
    """The first stage after `after` (None: the first of all) that the branch has at this time."""
    remaining = STAGES if after is None else STAGES[STAGES.index(after) + 1 :]
    return next((stage for stage in remaining if _has(schedule, caller, at, stage)), "over")


def _has(schedule: Schedule, caller: str | None, at: datetime, stage: Stage) -> bool:
    branch = schedule.branch
    routing = branch.call_routing
    if stage == "staff":
        rings = routing.ring_staff == "always" or (routing.ring_staff == "open_hours" and schedule.is_open(at))
        return rings and bool(numbers_to_ring(branch, caller))
    if stage == "agent":
        # The agent may transfer a caller to the branch's own number: that call must not come back to the agent.
        return routing.agent is not None and caller != branch.phone and caller != routing.agent
    return routing.voicemail if stage == "voicemail" else True


def numbers_to_ring(branch: Branch, caller: str | None) -> tuple[str, ...]:
    """Everyone but whoever calls."""
    return tuple(number for number in branch.call_routing.staff_numbers if number != caller)


def shown_number(text: str | None) -> str | None:
    """The caller's number as E.164, None when it is withheld, a SIP address or nonsense."""
    if not text or text in WITHHELD or not text.startswith("+"):
        return None
    digits = text[1:]
    return text if digits.isascii() and digits.isdecimal() and 7 <= len(digits) <= 15 else None
