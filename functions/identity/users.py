"""The users of the company."""

from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.requests import Request
from chalicelib.identity import members
from functions.identity.answers import UserAnswer, show_user

function = Function(__name__)


@function.route("GET", "/api/users", ability="users:read", needs=Needs(reads=("identity",)))
def list_users(request: Request, query: PageQuery) -> Page[UserAnswer]:
    """Users, the oldest first; those invited and those disabled too."""
    return members.page_users(request.company_id, query.limit, query.cursor).map(show_user)
