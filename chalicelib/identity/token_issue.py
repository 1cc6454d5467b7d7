"""Issuing and withdrawing tokens, as part of a unit of work."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.core.directory import digest_of
from chalicelib.core.ids import new_id
from chalicelib.core.unit import Unit
from chalicelib.identity import store
from chalicelib.identity.account import Account
from chalicelib.identity.token import Token, new_secret


@dataclass(frozen=True)
class Issued:
    """A new token with its secret, which is nowhere else and cannot be shown again."""

    token: Token
    secret: str


@dataclass(frozen=True)
class TokenSpec:
    """What a token shall be."""

    kind: Literal["login", "api"]
    name: str
    abilities: frozenset[str]
    lifetime: timedelta


def new_token(account: Account, spec: TokenSpec, at: datetime) -> Issued:
    """A token for the account's user; not stored yet."""
    secret = new_secret()
    token = Token(
        id=new_id("tok"),
        company_id=account.user.company_id,
        user_id=account.user.id,
        name=spec.name,
        kind=spec.kind,
        abilities=tuple(sorted(spec.abilities)),
        digest=digest_of(secret),
        created_at=at,
        expires_at=at + spec.lifetime,
    )
    return Issued(token, secret)


def stage(unit: Unit, account: Account, token: Token, at: datetime, *, rehashed: str | None = None) -> None:
    """Add the token and take away what is in its way; the unit ends as Stale when the account changed meanwhile."""
    for old in account.tokens_in_the_way(at):
        store.remove_token(unit, old)
    store.add_token(unit, token)
    store.save_credential(unit, account.user, account.credential.with_token(rehashed))


def stage_revoking_all(unit: Unit, account: Account) -> None:
    """Take every token away. The caller saves a changed credential, so that none made meanwhile is missed."""
    for token in account.tokens:
        store.remove_token(unit, token)
