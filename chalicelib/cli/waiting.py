"""`pilot waiting`: who waits for a time to become free, and what was offered."""

import click

from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.store import WaitlistFilter
from chalicelib.cli.output import note, print_table
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.identity.store import companies

COLUMNS = {
    "waiting": "Waiting",
    "branch": "Branch",
    "status": "Status",
    "since": "Since",
    "expires": "Until",
    "offers": "Offers",
    "offered": "Offered now",
}
STATUSES = ("waiting", "offered", "booked", "withdrawn", "expired")
MOST = 100


@click.group()
def waiting() -> None:
    """The waiting list."""


@waiting.command("list")
@click.option("--branch", help="Only this branch's.")
@click.option("--company", help="Only this company's.")
@click.option("--status", type=click.Choice(STATUSES), help="Only these; those who wait or have waited otherwise.")
@on_stage
def list_waiting(stage: Stage, branch: str | None, company: str | None, status: str | None) -> None:
    """Who waits, by branch and since when; at most a hundred of each company."""
    stage.connect()
    rows = []
    for company_id in [company] if company else [found.id for found in companies()]:
        page = waitlist_store.page_entries(company_id, WaitlistFilter(branch_id=branch, status=status, limit=MOST))
        for one in page.data:
            offer = one.offer
            rows.append(
                {
                    "waiting": one.id,
                    "branch": one.branch_id,
                    "status": one.status,
                    "since": one.created_at.isoformat(timespec="minutes"),
                    "expires": one.expires_at.isoformat(timespec="minutes"),
                    "offers": len(one.offers),
                    "offered": offer.starts_at.isoformat(timespec="minutes") if offer else "",
                }
            )
        if page.next_cursor and not stage.as_json:
            note(f"{company_id} has more than {MOST}.")
    print_table(rows, COLUMNS, as_json=stage.as_json)
