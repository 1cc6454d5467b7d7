"""Setting another password by a mailed link, when the old one is forgotten."""

from contextlib import suppress
from functools import cache

from chalicelib.core.clock import Clock
from chalicelib.core.errors import RateLimited
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Actor, CompanyUnitFactory, Unit
from chalicelib.identity import links, login_throttle, passwords, store, token_issue
from chalicelib.identity.events import PasswordChanged, PasswordResetRequested
from chalicelib.identity.login_throttle import Slowed
from chalicelib.identity.password_login import NOBODY, SIGNING_IN

ASKING = "password-reset"


def request_reset(email: str, address: str, clock: Clock) -> None:
    """Let the user of this e-mail be mailed a link, if there is one; nothing tells the caller whether.

    Known or not, the same requests are made. Whoever asks too often, for one account or from one address, is not
    refused either: no mail goes out. So nobody's mailbox can be filled by it.
    """
    login = email.strip().lower()
    with suppress(RateLimited):
        until_committed(lambda: _request(login, Slowed(ASKING, login, address), clock))


def _request(login: str, slowed: Slowed, clock: Clock) -> None:
    found = store.find_login(login)
    owner = found or NOBODY
    account = store.find_account(owner.company_id, owner.user_id)
    unit = Unit(owner.company_id, clock=clock)
    login_throttle.stage(unit, slowed, clock)
    if account is not None and account.may_sign_in:
        unit.publish(PasswordResetRequested(user_id=account.user.id))
        unit.audit("user.password_reset_requested", account.user.id)
    unit.commit()


def confirm_reset(new_unit: CompanyUnitFactory, secret: str, password: str, clock: Clock) -> None:
    """Set the password, revoke all the user's tokens, and forget failed attempts to sign in.

    `new_unit` makes a unit of the company it is given. Raises NotFound for a link unknown or expired, Conflict for one
    used, Invalid for a bad password.
    """
    link = links.open_link(secret, "password_reset", clock)
    hashed = cache(lambda: passwords.hash_of(password))

    def attempt() -> None:
        unit = new_unit(link.company_id)
        account = link.account()
        user = account.user
        passwords.check_new(password, user.email, "body.password")
        unit.actor = Actor("user", user.id)
        store.save_credential(unit, user, account.credential.with_password(hashed()))
        token_issue.stage_revoking_all(unit, account)
        login_throttle.forget_account(unit, Slowed(SIGNING_IN, user.email, ""))
        unit.publish(PasswordChanged(user_id=user.id))
        unit.audit("user.password_changed", user.id, ("password",))
        unit.commit()

    until_committed(attempt)
