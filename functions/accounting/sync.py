"""Reading everything from Fatture in Cloud, and how far that is."""

from typing import Literal

from chalicelib.accounting import account_store, list_records, sync_store
from chalicelib.accounting.run import Kind
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request
from functions.accounting.answers import RunAnswer, ShortText, SumAnswer, show_run, show_sum

function = Function(__name__)
NOT_FOUND = "fic_account_not_found 404"


class SyncBody(Body):
    """What to read: of one account or of all, one resource or all; everything, or only what has changed."""

    account_id: ShortText | None = None
    resource: Literal["all", "clients", "suppliers", "invoices", "quotes"] = "all"
    kind: Kind = "full"


class RunsAnswer(Answer):
    """The newest run of each resource and kind."""

    data: list[RunAnswer]


class SumsAnswer(Answer):
    """Of each resource and currency."""

    data: list[SumAnswer]


@function.route(
    "POST",
    "/api/fic/sync",
    ability="accounting:write",
    status=202,
    idempotent=False,
    needs=Needs(reads=("accounting", "directory"), writes=("syncing",)),
    errors=(NOT_FOUND, "fic_not_connected 409"),
    example={"resource": "all"},
)
def sync_fic(request: Request, body: SyncBody) -> RunsAnswer:
    """Begin to read, or join what is being read already; what failed goes on where it stopped."""
    from chalicelib.accounting.start_sync import SyncRequest, start_all

    what = SyncRequest(account=body.account_id, resource=body.resource, kind=body.kind)
    runs = start_all(request.unit, request.company_id, what, now)
    return RunsAnswer(data=[show_run(run) for run in runs])


@function.route(
    "GET",
    "/api/fic/accounts/{account_id}/sync",
    ability="accounting:read",
    needs=Needs(reads=("accounting", "directory", "syncing")),
    errors=(NOT_FOUND,),
)
def show_fic_sync(request: Request, account_id: str) -> RunsAnswer:
    """How far the newest run of each resource is: done of total, rate, time left."""
    account = account_store.get_account(request.company_id, account_id, deleted=True)
    return RunsAnswer(data=[show_run(run) for run in sync_store.runs(request.company_id, [account.id])])


@function.route(
    "GET",
    "/api/fic/accounts/{account_id}/totals",
    ability="accounting:read",
    needs=Needs(reads=("accounting", "directory", "records")),
    errors=(NOT_FOUND,),
)
def show_fic_totals(request: Request, account_id: str) -> SumsAnswer:
    """How many records there are, and what documents come to. Kept along with the records, so never counted."""
    return SumsAnswer(data=[show_sum(found) for found in list_records.totals(request.company_id, account_id)])
