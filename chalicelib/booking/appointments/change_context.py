"""What a use case that changes appointments is given once, beside what is to be changed."""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from chalicelib.booking.appointments.external import BookingProvider, connect
from chalicelib.core.clock import Clock
from chalicelib.core.unit import Unit, UnitFactory

T = TypeVar("T")


class ChangeContext(msgspec.Struct, Generic[T], frozen=True):
    """Whose appointments, in which units of work, by which clock.

    `hook`: what another area adds to the transaction in which a change stands (an appointment's, or a package's).
    `connect`: to the provider of that name, where one has to agree.
    """

    new_unit: UnitFactory
    company_id: str
    clock: Clock
    hook: Callable[[Unit, T], None] | None = None
    connect: Callable[[str], BookingProvider] = connect
