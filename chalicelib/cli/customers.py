"""`pilot customers`: who a company's customers and leads are."""

import click

from chalicelib.cli.company import company_option, named_or_only
from chalicelib.cli.output import note, print_json, print_table
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.crm.editing.edit import id_of
from chalicelib.crm.finding.find import PersonQuery, find_people
from chalicelib.crm.people import store
from chalicelib.crm.people.person import Person

COLUMNS = {
    "customer": "Customer",
    "kind": "Kind",
    "name": "Name",
    "phone": "Phone",
    "email": "E-mail",
    "since": "Since",
}
MOST = 100


@click.group()
def customers() -> None:
    """Customers and leads."""


@customers.command("find")
@click.argument("text")
@company_option
@on_stage
def find_customers(stage: Stage, text: str, company: str | None) -> None:
    """By beginnings of words of a name or of an e-mail address, or the last four or more digits of a phone number."""
    stage.connect()
    found = find_people(named_or_only(company), PersonQuery(kind=None, text=text, limit=MOST))
    if found.next_cursor and not stage.as_json:
        note(f"There are more than {MOST}: say more of the name.")
    print_table([_row(person) for person in found.data], COLUMNS, as_json=stage.as_json)


@customers.command("show")
@click.argument("customer_id")
@company_option
@on_stage
def show_customer(stage: Stage, customer_id: str, company: str | None) -> None:
    """Everything that is known of one, by id or by the old system's number."""
    stage.connect()
    company_id = named_or_only(company)
    person = store.get(company_id, id_of(company_id, customer_id))
    points = [f"{one.written}{' (claimed)' if one.claimed else ''}" for one in person.contact_points]
    more = {
        "reached by": ", ".join(points),
        "born": str(person.birth_date or ""),
        "language": person.language,
        "household": person.household_id,
        "tags": ", ".join(person.tags),
        "alerts": "; ".join(alert.text for alert in person.alerts),
        "calls": "none wanted" if person.do_not_call else "",
        "source": person.source,
        "version": person.version,
    }
    known = _row(person) | more
    if stage.as_json:
        print_json(known)
    else:
        print_table([{"what": what, "is": value} for what, value in known.items() if value], {"what": "", "is": ""})


def _row(person: Person) -> dict[str, object]:
    return {
        "customer": person.id,
        "kind": person.kind,
        "name": person.name,
        "phone": person.phone,
        "email": person.email,
        "since": person.created_at.date().isoformat(),
    }
