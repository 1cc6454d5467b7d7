"""Which company a command is about, where it is about one: the only one there is, unless it is named."""

import click

from chalicelib.cli.output import Failed
from chalicelib.identity.store import companies

company_option = click.option("--company", help="The company's id; may be left out where there is one.")


def named_or_only(company: str | None) -> str:
    """The company's id, once the stage is connected; raises Failed where none is named and there is not just one."""
    if company:
        return company
    found = [one.id for one in companies()]
    if len(found) != 1:
        raise Failed(f"There are {len(found)} companies: say which with --company.")
    return found[0]
