"""A user's own tokens: making one for a program, listing, revoking."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Fault, Forbidden, Invalid, NotFound
from chalicelib.core.people import clean_name
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.identity import store, token_issue
from chalicelib.identity.abilities import EVERYTHING, covers, unknown
from chalicelib.identity.account import MOST_API_TOKENS, Account
from chalicelib.identity.events import TokenRevoked
from chalicelib.identity.token import Token
from chalicelib.identity.token_issue import Issued, TokenSpec


@dataclass(frozen=True)
class TokenInUse:
    """A token, and when it was last used, to the hour (UTC); None: never."""

    token: Token
    last_used_at: datetime | None


def create_token(new_unit: UnitFactory, name: str, abilities: list[str], days: int, clock: Clock) -> Issued:
    """A token for a program of the acting user, which ends after `days`.

    Its abilities must be among those of the user's role and of the token that asks. Raises Invalid for unknown
    abilities, Forbidden for those not held, Conflict when the user has 20 such tokens.
    """
    spec = TokenSpec("api", clean_name(name, "body.name"), _known(abilities), timedelta(days=days))

    def attempt() -> Issued:
        unit, at = new_unit(), clock()
        account = store.get_account(unit.company_id, unit.actor.id)
        _check_grantable(account, unit.actor.abilities, spec.abilities, at)
        issued = token_issue.new_token(account, spec, at)
        token_issue.stage(unit, account, issued.token, at)
        unit.audit("token.created", account.user.id, token_id=issued.token.id)
        unit.commit()
        return issued

    return until_committed(attempt)


def list_tokens(company_id: str, user_id: str, clock: Clock) -> list[TokenInUse]:
    """The user's tokens that open something now, the oldest first; two requests."""
    live = store.get_account(company_id, user_id).live_tokens(clock())
    uses = store.last_uses(live)
    return [TokenInUse(token, _instant(uses[token.id])) for token in live]


def revoke_token(unit: Unit, token_id: str) -> None:
    """Revoke one of the acting user's tokens; raises NotFound, also for one of somebody else."""
    token = store.find_token(unit.company_id, unit.actor.id, token_id)
    if token is None:
        raise NotFound("token_not_found", f"You have no token {token_id}.")
    store.remove_token(unit, token)
    unit.publish(TokenRevoked(user_id=token.user_id, token_id=token.id))
    unit.audit("token.revoked", token.user_id, token_id=token.id)
    unit.commit()


def _instant(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _known(abilities: list[str]) -> frozenset[str]:
    strange = set(unknown(abilities))
    faults = tuple(
        Fault(f"body.abilities[{index}]", "unknown_ability", f"There is no ability {ability!r}.")
        for index, ability in enumerate(abilities)
        if ability in strange
    )
    if faults:
        raise Invalid("invalid_request", faults[0].message, faults=faults)
    return frozenset({EVERYTHING}) if EVERYTHING in abilities else frozenset(abilities)


def _check_grantable(account: Account, held: frozenset[str], abilities: frozenset[str], at: datetime) -> None:
    if not (covers(account.user.abilities, abilities) and covers(held, abilities)):
        raise Forbidden("abilities_not_held", "A token may only have abilities that you and your token have.")
    if account.full_of_api_tokens(at):
        raise Conflict("too_many_tokens", f"You have {MOST_API_TOKENS} tokens; revoke one first.")
