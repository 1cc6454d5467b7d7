"""What a patient sees of the practice: the own subscription."""

from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.requests import Request
from chalicelib.text_sessions import access
from functions.text_sessions.answers import SubscriptionAnswer, show_subscription

function = Function(__name__)


@function.route(
    "GET",
    "/portal/subscription",
    ability="portal:read",
    needs=Needs(reads=("identity", "text_sessions")),
    errors=("no_subscription 404",),
)
def show_own_subscription(request: Request) -> SubscriptionAnswer:
    """The caller's own subscription, as it is now."""
    return show_subscription(access.subscription_of(request.company_id, request.actor.id, request.clock))
