"""The users of the company."""

from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Body, Id
from chalicelib.core.requests import Request
from chalicelib.identity import members
from functions.identity.answers import UserAnswer, show_user

function = Function(__name__)


class PersonBody(Body):
    """A client's customer, or anyone else's member of staff; neither: no longer anybody of the practice."""

    customer_id: Id | None = None
    staff_id: Id | None = None


@function.route("GET", "/api/users", ability="users:read", needs=Needs(reads=("identity",)))
def list_users(request: Request, query: PageQuery) -> Page[UserAnswer]:
    """Users, the oldest first; those invited and those disabled too."""
    return members.page_users(request.company_id, query.limit, query.cursor).map(show_user)


@function.route(
    "PUT",
    "/api/users/{user_id}/person",
    ability="users:write",
    needs=Needs(reads=("crm", "booking"), writes=("identity",)),
    errors=("user_not_found 404",),
    example={"staff_id": "stf_00D1ZMFH9MM3HK4Z12GC"},
)
def link_user(request: Request, user_id: str, body: PersonBody) -> UserAnswer:
    """Say which person of the practice a user is: whose appointments are the user's own."""
    from chalicelib.booking.practice_admin import link_users

    unit = request.unit(show_user)
    return show_user(link_users.link_user(unit, user_id, body.customer_id, body.staff_id, request.clock))
