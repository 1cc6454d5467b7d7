"""Noting that a number wants no calls or no texts, and taking that back."""

from collections.abc import Callable
from hashlib import sha256

import msgspec

from chalicelib.core.clock import Clock
from chalicelib.core.errors import Stale
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.messaging import store
from chalicelib.messaging.refusal import Refusal

TRIES = 5
STOP = "stop"
"""The reason of a refusal that came from the number itself; nobody but its owner takes that back."""
Also = Callable[[Unit], None]
"""What another area adds to the same transaction."""


def refuse(
    new_unit: UnitFactory,
    number: str,
    clock: Clock,
    *,
    calls: bool = False,
    texts: bool = False,
    reason: str = "",
    hook: Also | None = None,
) -> Refusal:
    """Note the refusal; what was refused before stays so."""
    for _ in range(TRIES):
        unit = new_unit()
        known = store.find_refusal(unit.company_id, number)
        refusal = Refusal(
            number=number,
            calls=calls or bool(known and known.calls),
            texts=texts or bool(known and known.texts),
            reason=STOP if known and known.reason == STOP else reason or (known.reason if known else ""),
            created_at=known.created_at if known else clock(),
            version=known.version + 1 if known else 1,
        )
        store.save_refusal(unit, refusal)
        unit.audit("number.refused", _audited(number), ("calls", "texts"))
        if hook:
            hook(unit)
        try:
            unit.commit(refusal)
            return refusal
        except Stale:
            continue
    raise Stale


def stage_calls_allowed(unit: Unit, refusal: Refusal) -> None:
    """Stage that calls are no longer refused; nor are texts, unless the number itself answered STOP."""
    if refusal.reason == STOP:
        allowed = msgspec.structs.replace(refusal, calls=False, version=refusal.version + 1)
        store.save_refusal(unit, allowed)
    else:
        store.remove_refusal(unit, refusal)
    unit.audit("number.allowed", _audited(refusal.number), ("calls",))


def _audited(number: str) -> str:
    # The audit log holds no personal values; whoever knows the number still finds its entries.
    return f"refusal_{sha256(number.encode()).hexdigest()[:20]}"
