"""Noting that a number wants no calls or no texts, and taking that back."""

from hashlib import sha256

import msgspec

from chalicelib.core.clock import Clock
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import TransactionHook, Unit, UnitFactory
from chalicelib.messaging import store
from chalicelib.messaging.refusal import Refusal

STOP = "stop"
"""The reason of a refusal that came from the number itself; nobody but its owner takes that back."""


class NewRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner of a number wants no more, and why."""

    number: str
    calls: bool = False
    texts: bool = False
    reason: str = ""


def refuse(
    new_unit: UnitFactory, new: NewRefusal, clock: Clock, hook: TransactionHook[Refusal] | None = None
) -> Refusal:
    """Note the refusal; what was refused before stays so."""

    def attempt() -> Refusal:
        unit = new_unit()
        refusal = _joined(store.find_refusal(unit.company_id, new.number), new, clock)
        store.save_refusal(unit, refusal)
        unit.audit("number.refused", _audited(new.number), ("calls", "texts"))
        if hook:
            hook(unit, refusal)
        unit.commit(refusal)
        return refusal

    return until_committed(attempt)


def _joined(known: Refusal | None, new: NewRefusal, clock: Clock) -> Refusal:
    if known is None:
        return Refusal(number=new.number, calls=new.calls, texts=new.texts, reason=new.reason, created_at=clock())
    return msgspec.structs.replace(
        known,
        calls=known.calls or new.calls,
        texts=known.texts or new.texts,
        reason=STOP if known.reason == STOP else new.reason or known.reason,
        version=known.version + 1,
    )


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
