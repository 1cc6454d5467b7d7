"""What is a signed-in patient's own."""

from chalicelib.core.clock import Clock
from chalicelib.core.errors import NotFound
from chalicelib.identity import store as identity
from chalicelib.text_sessions import store
from chalicelib.text_sessions.subscription import Account, Subscription


def subscription_of(company_id: str, user_id: str, clock: Clock) -> Subscription:
    """The subscription of the customer that this user is, up to date; raises NotFound where there is none."""
    user = identity.find_user(company_id, user_id)
    found = store.find_current(company_id, user.customer_id) if user and user.customer_id else None
    if found is None:
        raise NotFound("no_subscription", "You have no subscription here.")
    return Account(found).up_to(clock()).subscription
