"""Whether we and the simulated Cal.com say the same."""

from infra.local.simulators.calcom.bookings import instant
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.booking.agreement import assert_ours_are, forget_bookings


def assert_both_sides_agree(calcom: CalComSimulator) -> None:
    """Same bookings at the same times with the same hosts, and nothing pending."""
    theirs = [one for one in calcom.bookings.all.values() if one["status"] in ("accepted", "pending")]
    assert_ours_are((one["uid"], instant(one["start"], "start"), str(one["hosts"][0]["id"])) for one in theirs)


def clear(calcom: CalComSimulator) -> None:
    """Begin again with an empty calendar on both sides."""
    calcom.bookings.all.clear()
    forget_bookings()
