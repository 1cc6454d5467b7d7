"""Deposits: figures of what was asked for and what was paid of it, on an appointment or a package's first part."""

from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice.policy import Policy
from chalicelib.core.errors import Conflict
from chalicelib.core.money import written


def due(policy: Policy) -> int:
    """What is to be paid before it stands."""
    return 0 if "deposit" in policy.off else policy.deposit_minor or 0


def paid(
    current: Appointment, deposit_minor: int | None, *, without: bool, facts: Mapping[str, Any]
) -> tuple[Appointment, dict[str, str]]:
    """The appointment with what was paid in all (None: what it says already), and what its history says of it.

    `without`: it is confirmed though less was paid. Raises Conflict `deposit_required` with `facts`, as it stands now.
    """
    minor, has = current.deposit_due_minor, current.deposit_minor
    details: dict[str, str] = {}
    if deposit_minor is not None:
        has, details["deposit"] = deposit_minor, f"{deposit_minor} {current.currency or ''}".strip()
    if has < minor:
        if not without:
            detail = f"A deposit of {written(minor, str(current.currency))} was asked for; say what was paid."
            raise Conflict("deposit_required", detail, current=facts, amount_minor=minor)
        details["overridden"] = "deposit"
    return msgspec.structs.replace(current, deposit_minor=has), details
