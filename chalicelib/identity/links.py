"""Mailed links: one-time secrets that stand for a user until a password is set or they expire."""

from dataclasses import dataclass
from datetime import timedelta

from chalicelib.core import directory
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.directory import Claim, digest_of
from chalicelib.core.errors import Conflict, Fault, NotFound, Stale
from chalicelib.core.unit import Unit
from chalicelib.identity import store
from chalicelib.identity.account import Account
from chalicelib.identity.mail_templates import Purpose
from chalicelib.identity.token import new_secret

KIND = "link"
PREFIX = "pl_"
LIFETIME: dict[Purpose, timedelta] = {"invitation": timedelta(days=7), "password_reset": timedelta(hours=1)}


@dataclass(frozen=True)
class Link:
    """Whom a link stands for, and under which of their passwords it was made."""

    company_id: str
    user_id: str
    generation: int

    def account(self) -> Account:
        """The account, if the link still opens it; raises Conflict when a password was set since."""
        found = store.get_account(self.company_id, self.user_id)
        if found.credential.generation != self.generation:
            raise Conflict("link_used", "This link was used already, or a later one was.")
        return found


def make_link(unit: Unit, purpose: Purpose, account: Account, clock: Clock) -> str:
    """Let the unit store the hash of a new secret, and return the secret; several may stand side by side."""
    secret = new_secret(PREFIX)
    data = {"purpose": purpose, "generation": account.credential.generation}
    ends = epoch(clock() + LIFETIME[purpose])
    directory.claim(unit, Claim(KIND, digest_of(secret), account.user.id, data, ends), Stale())
    return secret


def open_link(secret: str, purpose: Purpose, clock: Clock) -> Link:
    """Whom the secret of a mailed link stands for; raises NotFound naming `body.token`; one request."""
    found = directory.find(KIND, digest_of(secret))
    if found is None or found.data["purpose"] != purpose or (found.expires_at or 0) <= epoch(clock()):
        message = "This link is unknown or has expired."
        raise NotFound("unknown_link", message, faults=(Fault("body.token", "unknown_link", message),))
    return Link(found.company_id, found.record, found.data["generation"])
