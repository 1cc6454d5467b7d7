"""What the voice agent asks for, read leniently from what a language model filled in."""

from typing import Annotated, Any

import msgspec

from chalicelib.core.payloads import read
from chalicelib.crm.names import placeholders

MAYBE_UNKNOWN = frozenset({"name", "phone", "email", "date", "branch_id", "appointment_id"})
"""What a language model fills with a word for nothing where it was not told."""
Argument = Annotated[str, msgspec.Meta(max_length=200)]


class AvailabilityArgs(msgspec.Struct, frozen=True, kw_only=True):
    """`date`: a day as ISO or as said, the next days when absent. `staff`: id or name."""

    service: str
    date: str | None = None
    staff: str | None = None
    branch_id: str | None = None


class BookingArgs(msgspec.Struct, frozen=True, kw_only=True):
    """`starts_at`: RFC 3339, without an offset as the branch's clock shows it, or as said. No `phone`: the caller's."""

    service: str
    starts_at: str
    name: str | None = None
    phone: str | int | None = None
    email: str | None = None
    staff: str | None = None
    branch_id: str | None = None


class WhichArgs(msgspec.Struct, frozen=True, kw_only=True):
    """Which appointment is meant. `name` and `date` are also the second fact for a number that has none."""

    appointment_id: Argument | None = None
    name: Argument | None = None
    date: Argument | None = None
    branch_id: Argument | None = None


class RescheduleArgs(WhichArgs, frozen=True, kw_only=True):
    """`date` is the appointment's present day; `starts_at` its new time, as in BookingArgs, or on that day."""

    starts_at: Argument
    staff: Argument | None = None


class CancelArgs(WhichArgs, frozen=True, kw_only=True):
    """`reason` in the caller's words."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class MessageArgs(msgspec.Struct, frozen=True, kw_only=True):
    """`message`: what staff should know. `phone`: where to call back, the caller's number when absent."""

    message: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    name: Argument | None = None
    phone: Argument | int | None = None
    branch_id: Argument | None = None


class TransferArgs(msgspec.Struct, frozen=True, kw_only=True):
    """`staff`: id or name of whom the caller asks for."""

    staff: Argument | None = None
    branch_id: Argument | None = None


def read_args(args: dict[str, Any], kind: type[Any]) -> Any:
    """The arguments as `kind`; nulls, empty text and what stands for it ("unknown", of staff "any") count as absent.

    Raises Invalid with every fault under `args.`.
    """
    given = {name: value for name, value in args.items() if _given(name, value)}
    return read(given, kind, "args", strict=True)


def _given(name: str, value: Any) -> bool:
    if not isinstance(value, str):
        return value is not None
    if name == "staff":
        return placeholders.anybody_for_none(value) is not None
    return placeholders.given(value) is not None if name in MAYBE_UNKNOWN else value != ""
