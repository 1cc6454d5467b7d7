"""What one side lets the other see: up to where it has read, and that it is typing."""

from datetime import datetime, timedelta

import msgspec

from chalicelib.text_sessions.session import Part

TYPING_FOR = timedelta(seconds=6)
"""Somebody who types says so again every few seconds."""


class Presence(msgspec.Struct, frozen=True):
    """One side's. `read_up_to`: the number of the last message read, 0 for none."""

    read_up_to: int = 0
    read_at: datetime | None = None
    typing_until: datetime | None = None

    def typing(self, at: datetime) -> bool:
        """Whether it types at `at`."""
        return self.typing_until is not None and at < self.typing_until


class Presences(msgspec.Struct, frozen=True):
    """Both sides'."""

    patient: Presence = Presence()
    doctor: Presence = Presence()

    def state(self, at: datetime, part: Part) -> str:
        """A short text that differs whenever there is something else to show to somebody in that part."""
        others = [self.patient] * (part != "patient") + [self.doctor] * (part != "doctor")
        return "-".join(f"{one.read_up_to}{'t' if one.typing(at) else ''}" for one in others)
