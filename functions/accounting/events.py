"""What Fatture in Cloud has told by webhook."""

from chalicelib.accounting.event_store import page_events
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.requests import Request
from functions.accounting.answers import EventAnswer, show_event

function = Function(__name__)


@function.route("GET", "/api/fic/events", ability="accounting:read", needs=Needs(reads=("syncing",)))
def list_fic_events(request: Request, query: PageQuery) -> Page[EventAnswer]:
    """Events of the last ninety days, the latest first, with what came of each."""
    return page_events(request.company_id, query.limit, query.cursor).map(show_event)
