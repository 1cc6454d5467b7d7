"""A company with its admin, a clock that stands still, the mails that went out, and the API Gateway in front."""

import json
import re
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.core.unit import Actor, Unit
from chalicelib.identity import authentication, create_company, invitations, password_login
from chalicelib.identity.abilities import Role
from chalicelib.identity.company import Company
from chalicelib.identity.create_company import NewCompany, Person
from chalicelib.identity.password_login import SignedIn
from chalicelib.identity.user import User
from functions.identity.authorizer import bearer
from infra.local import invoking
from infra.local.invoking import Answer, Caller
from tests.conftest import EmbeddedAws
from tests.draining import drain


@dataclass(frozen=True)
class LetThrough(Caller):
    """Whom the authorizer itself let through."""

    given: dict[str, str] = field(default_factory=dict)

    def context(self) -> dict[str, str]:
        """As it was given."""
        return dict(self.given)


PASSWORD = "correct horse battery"
EMAIL = "admin@example.com"
ADDRESS = "198.51.100.7"


@dataclass
class FixedClock:
    """Says what it is told."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        """Let time pass, as timedelta's keywords say."""
        self.at += timedelta(**by)


class Mailbox:
    """What SES was given, in this test's account."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._account = aws.account
        self._url = f"{aws.url}/_ministack/ses/messages?account={aws.account}"

    def mails(self) -> list[dict[str, Any]]:
        """All of them, the oldest first."""
        with urllib.request.urlopen(self._url) as answer:
            found: list[dict[str, Any]] = json.load(answer)["messages"].get(self._account, [])
        return found

    def secret(self) -> str:
        """The secret in the last mail's link."""
        found = re.search(r"#token=(\S+)", self.mails()[-1]["BodyText"])
        assert found
        return found[1]

    def secret_after_work(self) -> str:
        """Do the jobs, then read the last mail."""
        drain()
        return self.secret()


def open_office(clock: FixedClock, email: str = EMAIL, name: str = "Practice Dr. Keller") -> tuple[Company, User]:
    """A company, and its admin, whose password is PASSWORD."""
    return create_company.create_company(NewCompany(name), Person("Ada Keller", email, PASSWORD), clock)


def sign_in(clock: FixedClock, email: str = EMAIL, password: str = PASSWORD, address: str = ADDRESS) -> SignedIn:
    """With the right password, unless told otherwise."""
    return password_login.sign_in(email, password, address, clock)


def admin_unit(admin: User, clock: FixedClock, abilities: frozenset[str] = frozenset("*")) -> Unit:
    """A unit of work of a request by the admin."""
    return Unit(admin.company_id, Actor("user", admin.id, "tok_x", abilities), clock=clock)


def join(admin: User, mailbox: Mailbox, clock: FixedClock, email: str, role: Role) -> User:
    """Another user of the company, whose password is PASSWORD."""
    invitations.invite(admin_unit(admin, clock), email, "Noor Haddad", role, clock)
    secret = mailbox.secret_after_work()
    return invitations.accept_invitation(
        lambda company_id: Unit(company_id, clock=clock), secret, PASSWORD, None, clock
    )


def opens(secret: str, clock: FixedClock) -> bool:
    """Whether the token is let through."""
    from chalicelib.core.errors import Unauthenticated

    try:
        authentication.authenticate(secret, clock)
    except Unauthenticated:
        return False
    return True


def call_authorizer(header: str) -> dict[str, Any]:
    """What API Gateway gets from the authorizer; raises what the authorizer raises."""
    arn = "arn:aws:execute-api:eu-central-1:123456789012:abc/api/GET/auth/me"
    answer: dict[str, Any] = bearer({"type": "TOKEN", "authorizationToken": header, "methodArn": arn}, None)
    return answer


def call(method: str, path: str, token: str | None = None, **more: Any) -> Answer:
    """Through the authorizer, where a token is given, into the route's own Lambda."""
    caller = LetThrough(given=call_authorizer(f"Bearer {token}")["context"]) if token is not None else Caller()
    return invoking.call(method, path, caller=caller, **more)
