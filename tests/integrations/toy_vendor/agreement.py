"""Whether we and the simulated Toy say the same."""

from datetime import UTC, datetime

from tests.booking.agreement import assert_ours_are, forget_bookings
from tests.integrations.toy_vendor.simulator import ToySimulator


def assert_both_sides_agree(toy: ToySimulator) -> None:
    """Same reservations at the same times at the same desks, and nothing pending."""
    assert_ours_are((one["id"], datetime.fromtimestamp(one["at"], UTC), one["desk"]) for one in toy.standing())


def clear(toy: ToySimulator) -> None:
    """Begin again with an empty calendar on both sides."""
    toy.clear()
    forget_bookings()
