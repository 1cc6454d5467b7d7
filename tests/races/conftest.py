"""The practice that books through a simulated Cal.com."""

from tests.calls.conftest import calcom, through_calcom

__all__ = ["calcom", "through_calcom"]
