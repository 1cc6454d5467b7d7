"""`pilot calcom`: the practice and its Cal.com account, side by side."""

import click
from rich.text import Text

from chalicelib.cli.company import company_option, named_or_only
from chalicelib.cli.output import finish, note, print_json, print_table
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core.unit import Unit
from chalicelib.integrations.calcom import link as calcom_link
from chalicelib.integrations.calcom.match import NEEDS_A_HAND, Link

COLUMNS = {"what": "What", "here": "Here", "there": "At Cal.com", "state": "State"}
STYLES = {"linked": "green", "new": "bold green", "unused": "dim"}
ADVICE = {
    "ambiguous": "fits several: link it by hand",
    "gone": "no longer at Cal.com",
    "differs": "of another length at Cal.com",
    "unmatched": "nothing fits",
    "unused": "books nothing here",
    "new": "new",
    "linked": "linked",
}


@click.group()
def calcom() -> None:
    """The practice and its Cal.com account."""


@calcom.command()
@company_option
@click.option("--dry-run", is_flag=True, help="Only show what would be linked.")
@on_stage
def sync(stage: Stage, company: str | None, dry_run: bool) -> None:
    """Link services with event types and staff with users, by stored id, then by e-mail, or by name and length.

    What fits several is listed, never guessed. Exit code 1 when something needs a hand.
    """
    from chalicelib.vendors.calcom.client import connected

    stage.connect()
    company_id = named_or_only(company)
    client = connected()
    try:
        links = calcom_link.compare(company_id, client.account())
    finally:
        client.close()
    stored = 0 if dry_run else calcom_link.apply(company_id, links, lambda: Unit(company_id))
    open_ends = [link for link in links if link.state in NEEDS_A_HAND]
    if stage.as_json:
        print_json({"company": company_id, "stored": stored, "needs_a_hand": len(open_ends), "links": links})
    else:
        print_table([_row(link) for link in links], COLUMNS, empty="There is nothing to link.")
        found = sum(link.state == "new" for link in links)
        done = f"{found} new links found, nothing stored (dry run)" if dry_run else f"{stored} new links stored"
        note(f"{done}; {len(open_ends)} need a hand.")
    finish(not open_ends)


def _row(link: Link) -> dict[str, object]:
    style = STYLES.get(link.state, "bold red")
    return {
        "what": "Staff" if link.kind == "staff" else "Service",
        "here": link.here,
        "there": link.there,
        "state": Text(ADVICE[link.state], style=style),
    }
