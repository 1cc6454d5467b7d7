"""What a view is handed: who asks, from where, and a unit of work that knows the Idempotency-Key."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from chalicelib.core.clock import Clock, now
from chalicelib.core.errors import Forbidden, Unauthenticated
from chalicelib.core.idempotency import IdempotencyKey
from chalicelib.core.unit import Actor, Unit


@dataclass
class Request:
    """One request. `company_id` is "" on public routes; `address` is the visitor's IP.

    `path` is without the stage; `query` decoded, in the order it came in.
    """

    id: str
    actor: Actor
    company_id: str
    address: str
    headers: dict[str, str]
    raw: bytes
    idempotency: IdempotencyKey | None = None
    path: str = ""
    query: dict[str, list[str]] = field(default_factory=dict)
    clock: Clock = now
    units: list[Unit] = field(default_factory=list)

    def unit(self, answer: Callable[[Any], Any] = lambda model: model, company_id: str | None = None) -> Unit:
        """The unit of work of this request; `answer` turns what the use case commits with into what the client gets.

        A public route gives the company as soon as it knows it; a repeat looks for its guard there.
        """
        if company_id is not None:
            self.company_id = company_id
        continued = any(unit.committed for unit in self.units)
        key = replace(self.idempotency, render=answer, continued=continued) if self.idempotency else None
        unit = Unit(self.company_id, self.actor, idempotency=key, clock=self.clock)
        self.units.append(unit)
        return unit

    def require(self, ability: str) -> None:
        """Raises Forbidden when who asks lacks an ability that a part of the request takes beyond the route's own."""
        require(ability, self.actor.abilities)

    def header(self, name: str) -> str | None:
        """A header by its lower-case name."""
        return self.headers.get(name)


def require(ability: str, held: frozenset[str]) -> None:
    """Raises Forbidden when the ability is not among those held."""
    if "*" not in held and ability not in held:
        raise Forbidden("missing_ability", f"This token lacks the ability {ability}.", ability=ability)


def actor_of(authorizer: dict[str, Any] | None, address: str) -> tuple[Actor, str]:
    """Who asks, and of which company, from what the authorizer put into the request's context."""
    if not authorizer or not authorizer.get("company_id"):
        return Actor("visitor", address), ""
    actor = Actor(
        "user",
        str(authorizer["user_id"]),
        str(authorizer.get("token_id", "")),
        frozenset(str(authorizer.get("abilities", "")).split()),
    )
    return actor, str(authorizer["company_id"])


def token_in(header: str | None) -> str:
    """The token of `Authorization: Bearer <token>`; raises Unauthenticated."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("no_token", "Send Authorization: Bearer <token>; POST /auth/login gives one.")
    return token.strip()
