"""The users of a company: who one is, who there is, and letting somebody in no longer."""

from chalicelib.core.clock import Clock
from chalicelib.core.pages import Page
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import UnitFactory
from chalicelib.identity import store, token_issue
from chalicelib.identity.company import Company
from chalicelib.identity.events import UserDisabled
from chalicelib.identity.user import User


def who_is(company_id: str, user_id: str) -> tuple[User, Company]:
    """The user and the company; one request; raises NotFound."""
    return store.get_user_and_company(company_id, user_id)


def page_users(company_id: str, limit: int, cursor: str | None) -> Page[User]:
    """The users of the company, the oldest first."""
    return store.page_users(company_id, limit, cursor)


def disable_user(new_unit: UnitFactory, user_id: str, clock: Clock) -> User:
    """Let the user in no longer: no password, no token, no link opens anything; raises NotFound."""

    def attempt() -> User:
        unit = new_unit()
        account = store.get_account(unit.company_id, user_id)
        user = account.user.disabled(clock())
        store.save_user(unit, user)
        store.save_credential(unit, user, account.credential.closed())
        token_issue.stage_revoking_all(unit, account)
        unit.publish(UserDisabled(user_id=user.id))
        unit.audit("user.disabled", user.id, ("status",))
        unit.commit(user)
        return user

    return until_committed(attempt)
