"""Signing in with e-mail and password, and out again."""

from dataclasses import dataclass

from chalicelib.core.clock import Clock
from chalicelib.core.errors import Unauthenticated
from chalicelib.core.retry import known_first, until_committed
from chalicelib.core.unit import Actor, Unit
from chalicelib.identity import login_throttle, passwords, store, token_issue
from chalicelib.identity.account import Account
from chalicelib.identity.events import TokenRevoked
from chalicelib.identity.login_throttle import Slowed
from chalicelib.identity.token import LOGIN_LIFETIME
from chalicelib.identity.token_issue import Issued, TokenSpec
from chalicelib.identity.user import User

SIGNING_IN = "sign-in"
NOBODY = store.Login("com_nobody", "usr_nobody")


@dataclass(frozen=True)
class SignedIn:
    """The user, and the token for what follows."""

    user: User
    issued: Issued


def sign_in(email: str, password: str, address: str, clock: Clock) -> SignedIn:
    """A token for who knows the password. `address` is the caller's IP.

    Raises RateLimited after too many attempts on the account or from the address, and Unauthenticated with the same
    code and after the same work for a wrong password, an unknown e-mail, and a user not (or no longer) let in.
    """
    login = email.strip().lower()
    slowed = Slowed(SIGNING_IN, login, address)
    login_throttle.count(slowed, clock)
    # For a stranger the account of nobody is looked up, so that the answer takes as many requests.
    owner = store.find_login(login) or NOBODY
    account = store.find_account(owner.company_id, owner.user_id)
    if not passwords.matches(account.credential.password_hash if account else None, password):
        raise _refused()
    assert account is not None
    return _enter(account, password, slowed, clock)


def _enter(account: Account, password: str, slowed: Slowed, clock: Clock) -> SignedIn:
    proved = account.credential.password_hash
    assert proved is not None
    rehashed = passwords.rehashed(proved, password)
    user = account.user
    read = known_first(account, lambda: store.get_account(user.company_id, user.id))

    def attempt() -> SignedIn:
        current = read()
        # What was proved is that this hash fits; whatever has changed it meanwhile, the proof is void.
        if not current.may_sign_in or current.credential.password_hash != proved:
            raise _refused()
        return _issue(current, rehashed, slowed, clock)

    return until_committed(attempt)


def _issue(account: Account, rehashed: str | None, slowed: Slowed, clock: Clock) -> SignedIn:
    at, user = clock(), account.user
    unit = Unit(user.company_id, Actor("user", user.id), clock=clock)
    issued = token_issue.new_token(account, TokenSpec("login", "Login", user.abilities, LOGIN_LIFETIME), at)
    token_issue.stage(unit, account, issued.token, at, rehashed=rehashed)
    login_throttle.forgive(unit, slowed, clock)
    unit.audit("user.signed_in", user.id, token_id=issued.token.id)
    unit.commit()
    return SignedIn(user, issued)


def sign_out(unit: Unit) -> None:
    """Revoke the token that the request came with; nothing happens where it is gone already."""
    user_id, token_id = unit.actor.id, unit.actor.token_id
    token = store.find_token(unit.company_id, user_id, token_id)
    if token is not None:
        store.remove_token(unit, token)
        unit.publish(TokenRevoked(user_id=user_id, token_id=token_id))
        unit.audit("user.signed_out", user_id, token_id=token_id)
    unit.commit()


def _refused() -> Unauthenticated:
    return Unauthenticated("wrong_credentials", "E-mail address or password is wrong.")
