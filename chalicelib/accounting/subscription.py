"""A subscription: what Fatture in Cloud shall tell about an account, and what it was last found to be doing."""

from datetime import datetime
from typing import Literal

import msgspec

from chalicelib.accounting.event import Group
from chalicelib.vendors.fattureincloud.webhook import ACTED_UPON, PREFIX

State = Literal["verified", "unverified", "missing", "partial"]
TYPES: dict[Group, tuple[str, ...]] = {
    "entity": tuple(name for name in ACTED_UPON if name.startswith(f"{PREFIX}entities.")),
    "issued_documents": tuple(name for name in ACTED_UPON if name.startswith(f"{PREFIX}issued_documents.")),
}
"""What a subscription of each group tells unless said otherwise: all that is kept here."""
PATH = "/webhooks/fic/{account_id}/{group}"


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One of each group per account. `fic_ids` are FIC's: types that were left out at first make another one of them.

    `state`, as found at `checked_at`: `missing` at FIC, or there for only some of the types (`partial`).
    """

    company_id: str
    account_id: str
    group: Group
    types: tuple[str, ...]
    sink: str
    fic_ids: tuple[str, ...] = ()
    state: State = "missing"
    warnings: tuple[str, ...] = ()
    created_at: datetime
    checked_at: datetime | None = None
    verify_requested_at: datetime | None = None
    version: int = 1

    @property
    def id(self) -> str:
        """Its id with us."""
        return f"{self.account_id}.{self.group}"

    def changed(self, **fields: object) -> "Subscription":
        """The next version of it."""
        return msgspec.structs.replace(self, **fields, version=self.version + 1)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One that FIC has."""

    id: str
    sink: str
    types: tuple[str, ...]
    verified: bool


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done at FIC so that it tells what is wanted: types to subscribe, ids to end and to verify."""

    account_id: str
    group: Group
    sink: str
    subscribe: tuple[str, ...] = ()
    end: tuple[str, ...] = ()
    verify: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.subscribe or self.end or self.verify)


def sink_of(public_url: str, account_id: str, group: Group) -> str:
    """Where FIC shall send."""
    return public_url.rstrip("/") + PATH.format(account_id=account_id, group=group)


def sinks_of(public_url: str, ref: str, group: Group) -> tuple[str, ...]:
    """Every address of ours under which this delivery may have been meant, the one given out earlier included."""
    path = PATH.format(account_id=ref, group=group)
    return tuple(public_url.rstrip("/") + prefix + path for prefix in ("", "/api"))


def compare(ours: Subscription, at_fic: list[Seen]) -> tuple[State, Difference]:
    """How FIC's subscriptions differ from ours. Those to other addresses are not ours to touch.

    Each type may be subscribed once for our application; a subscription of ours to types nobody wants is ended.
    """
    mine = [seen for seen in at_fic if seen.sink == ours.sink]
    covered = {name for seen in mine for name in seen.types}
    useless = tuple(seen.id for seen in mine if not set(seen.types) & set(ours.types))
    missing = tuple(name for name in ours.types if name not in covered)
    unverified = tuple(seen.id for seen in mine if not seen.verified and seen.id not in useless)
    state: State = "verified"
    if missing:
        state = "partial" if covered & set(ours.types) else "missing"
    elif unverified:
        state = "unverified"
    difference = Difference(
        account_id=ours.account_id,
        group=ours.group,
        sink=ours.sink,
        subscribe=missing,
        end=useless,
        verify=unverified,
    )
    return state, difference
