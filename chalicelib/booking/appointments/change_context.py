"""What a use case that changes appointments is given once, beside what is to be changed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from chalicelib.core.clock import Clock
from chalicelib.core.unit import Unit, UnitFactory

if TYPE_CHECKING:
    from chalicelib.vendors.calcom.client import CalCom

T = TypeVar("T")


def connect() -> "CalCom":
    """A client of Cal.com; raises what it raises where no key is set."""
    # Imported here: most changes need no HTTP client.
    from chalicelib.vendors.calcom.client import connected

    return connected()


class ChangeContext(msgspec.Struct, Generic[T], frozen=True):
    """Whose appointments, in which units of work, by which clock.

    `hook`: what another area adds to the transaction in which a change stands (an appointment's, or a package's).
    `calcom`: makes a client where Cal.com has to agree.
    """

    new_unit: UnitFactory
    company_id: str
    clock: Clock
    hook: Callable[[Unit, T], None] | None = None
    calcom: "Callable[[], CalCom]" = connect
