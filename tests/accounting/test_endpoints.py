"""What is kept from Fatture in Cloud, over HTTP: lists, single records, totals, links with customers, progress."""

from typing import Any

import pytest

from chalicelib.accounting.account import Account
from chalicelib.accounting.parse_record import folded
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_people import add_person
from infra.local.invoking import Answer, Caller, call
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator
from tests.accounting.books import OURS, SMALL, account, drain_all, records, synced

__all__ = ["account"]
CALLER = Caller(OURS)


def get(path: str, **query: str) -> Answer:
    return call("GET", path, caller=CALLER, query=query or None)


def everything(path: str, **query: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = get(path, **{"limit": "40"}, **query, **cursor)
        assert answer.status == 200, answer
        found += answer.json["data"]
        if answer.json["next_cursor"] is None:
            return found
        cursor = {"cursor": answer.json["next_cursor"]}


def customer(name: str = "Ada", phone: str | None = None, email: str | None = None) -> str:
    unit = Unit(OURS)
    made = add_person(unit, Contact(name=name, phone=phone, email=email), "api", now())
    unit.commit()
    return made.id


def client_id(account: Account, number: int) -> str:
    return f"{account.id}.{number}"


def test_clients_are_listed_by_name_and_found(fic: FattureInCloudSimulator, account: Account) -> None:
    synced(account, "clients")
    here = records("clients")
    listed = everything("/api/fic/clients")
    assert len(listed) == len(here)
    names = [folded(one["name"]) for one in listed]
    assert names == sorted(names)
    rossi = everything("/api/fic/clients", q="RIZ")
    assert [one["name"] for one in rossi] == [one["name"] for one in listed if folded(one["name"]).startswith("riz")]
    some = next(record for record in here.values() if record.vat_number)
    [found] = everything("/api/fic/clients", vat_number=f"IT {some.vat_number}")
    assert found["id"] == some.key
    assert everything("/api/fic/clients", account_id="fic_other") == []
    assert everything("/api/fic/clients", linked="true") == []
    assert len(everything("/api/fic/clients", linked="false", q="r")) == sum(n.startswith("r") for n in names)


def test_invoices_are_listed_by_date_status_and_client(fic: FattureInCloudSimulator, account: Account) -> None:
    synced(account, "invoices")
    here = list(records("invoices").values())
    listed = everything("/api/fic/invoices")
    assert [one["fic_id"] for one in listed] == [
        record.id for record in sorted(here, key=lambda record: (record.date or "", record.id), reverse=True)
    ]
    middle = sorted(record.date or "" for record in here)[60]
    assert {one["fic_id"] for one in everything("/api/fic/invoices", date_from=middle, status="paid")} == {
        record.id for record in here if (record.date or "") >= middle and record.status == "paid"
    }
    assert {one["fic_id"] for one in everything("/api/fic/invoices", date_until=middle)} == {
        record.id for record in here if (record.date or "") <= middle
    }
    some = here[5]
    mine = everything("/api/fic/invoices", client_id=f"{account.id}.{some.client_id}")
    assert {one["fic_id"] for one in mine} == {record.id for record in here if record.client_id == some.client_id}
    named = everything("/api/fic/invoices", q=some.name, status=str(some.status))
    assert some.id in {one["fic_id"] for one in named}
    assert {(one["client_name"], one["status"]) for one in named} == {(some.name, some.status)}
    assert some.amounts
    [one] = [one for one in listed if one["fic_id"] == some.id]
    assert (one["net"], one["vat"], one["gross"], one["currency"]) == (
        some.amounts.net, some.amounts.vat, some.amounts.gross, "EUR",
    )  # fmt: skip
    sums = get(f"/api/fic/accounts/{account.id}/totals").json["data"]
    assert [(one["resource"], one["currency"], one["records"], one["gross"]) for one in sums] == [
        ("invoices", "EUR", SMALL["invoices"], sum((r.amounts and r.amounts.gross) or 0 for r in here)),
    ]


def test_one_record_by_either_id_with_all_that_fic_told(fic: FattureInCloudSimulator, account: Account) -> None:
    synced(account, "quotes")
    synced(account, "suppliers")
    number = fic.books[COMPANY].ids("quotes")[0]
    by_ours, by_fics = get(f"/api/fic/quotes/{account.id}.{number}"), get(f"/api/fic/quotes/{number}")
    assert by_ours.json == by_fics.json
    sent = fic.books[COMPANY].get("quotes", number)
    assert by_ours.json["document"]["items_list"][0]["name"] == sent["items_list"][0]["name"]
    assert by_ours.json["document"]["amount_net"] == str(sent["amount_net"])
    supplier = fic.books[COMPANY].ids("suppliers")[0]
    assert get(f"/api/fic/suppliers/{supplier}").json["document"]["email"]
    assert len(everything("/api/fic/suppliers")) == SMALL["suppliers"]
    for unknown in ("5", "x.5", f"{account.id}.5", "x", "٣", "9" * 30):
        answer = get(f"/api/fic/quotes/{unknown}")
        assert (answer.status, answer.json["code"]) == (404, "fic_quote_not_found")
    fic.delete("quotes", number, silent=True)
    synced(account, "quotes")
    assert get(f"/api/fic/quotes/{number}").status == 404
    assert len(everything("/api/fic/quotes")) == SMALL["quotes"] - 1


def test_a_client_is_linked_with_the_one_customer_it_shares_something_with(
    fic: FattureInCloudSimulator, account: Account
) -> None:
    by_email, by_phone, nobody = fic.books[COMPANY].ids("clients")[:3]
    email = customer(email=f"client{1}@example.com")
    phone = customer(phone="+390255500001")
    synced(account, "clients")
    here = records("clients")
    assert (here[by_email].customer_id, here[by_email].linked_by) == (email, "email")
    assert (here[by_phone].customer_id, here[by_phone].linked_by) == (phone, "phone")
    assert here[nobody].customer_id is None
    assert {one["fic_id"] for one in everything("/api/fic/clients", linked="true")} == {by_email, by_phone}
    late = customer(email="client3@example.com")
    drain_all()
    assert records("clients")[nobody].customer_id == late


def test_tax_numbers_link_unless_several_customers_have_them(fic: FattureInCloudSimulator, account: Account) -> None:
    synced(account, "clients")
    first, second = [record for record in records("clients").values() if record.vat_number][:2]
    ada, eve, kim = customer("Ada"), customer("Eve"), customer("Kim")
    for who, number in ((ada, first.vat_number), (eve, second.vat_number), (kim, second.vat_number)):
        answer = call(
            "PUT", f"/api/customers/{who}/billing", caller=CALLER, body={"vat_number": f"it{number}", "tax_code": None}
        )
        assert (answer.status, answer.json["vat_number"]) == (200, number)
    drain_all()
    assert (records("clients")[first.id].customer_id, records("clients")[first.id].linked_by) == (ada, "vat_number")
    assert records("clients")[second.id].customer_id is None
    suggested = get(f"/api/fic/clients/{second.id}/suggestions").json["data"]
    assert {one["customer_id"] for one in suggested} == {eve, kim}
    assert {tuple(one["because"]) for one in suggested} == {("vat_number",)}


def test_names_are_only_suggested_and_a_person_decides(fic: FattureInCloudSimulator, account: Account) -> None:
    synced(account, "clients")
    synced(account, "invoices")
    billed = {record.client_id for record in records("invoices").values()}
    some = next(r for r in records("clients").values() if r.id in billed and len(r.name.split()) == 2)
    first, last = some.name.split()
    who = customer(f"{last.upper()} {first}")
    drain_all()
    assert records("clients")[some.id].customer_id is None
    path = f"/api/fic/clients/{client_id(account, some.id)}"
    assert get(f"{path}/suggestions").json["data"] == [
        {"customer_id": who, "name": f"{last.upper()} {first}", "because": ["name"]}
    ]
    assert call("PUT", f"{path}/customer", caller=CALLER, body={"customer_id": "cus_none"}).status == 404
    linked = call("PUT", f"{path}/customer", caller=CALLER, body={"customer_id": who})
    assert (linked.status, linked.json["customer_id"], linked.json["linked_by"]) == (200, who, "hand")
    invoices = get(f"/api/customers/{who}/invoices").json["data"]
    assert {one["fic_id"] for one in invoices} == {
        record.id for record in records("invoices").values() if record.client_id == some.id
    }
    fic.change("clients", some.id, {"email": "x@example.com"}, silent=True)
    synced(account, "clients")
    assert records("clients")[some.id].customer_id == who
    assert call("PUT", f"{path}/customer", caller=CALLER, body={"customer_id": None}).json["linked_by"] == "hand"
    assert get(f"/api/customers/{who}/invoices").json["data"] == []


def test_sync_is_asked_for_and_watched(fic: FattureInCloudSimulator, account: Account) -> None:
    body = {"account_id": account.id, "resource": "quotes"}
    first, second = (call("POST", "/api/fic/sync", caller=CALLER, body=body) for _ in range(2))
    assert (first.status, second.json["data"][0]["id"]) == (202, first.json["data"][0]["id"])
    assert get(f"/api/fic/accounts/{account.id}/sync").json["data"][0]["seconds_left"] is None
    drain_all()
    [run] = get(f"/api/fic/accounts/{account.id}/sync").json["data"]
    assert (run["resource"], run["kind"], run["status"]) == ("quotes", "full", "done")
    assert (run["done"], run["total"], run["written"], run["seconds_left"]) == (30, 30, 30, 0)
    assert len(call("POST", "/api/fic/sync", caller=CALLER, body={}).json["data"]) == 4
    assert call("POST", "/api/fic/sync", caller=CALLER, body={"account_id": "fic_x"}).status == 404


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"cursor": "x"}, {"date_from": "yesterday"}, {"client_id": "x"}, {"colour": "red"}]
)
def test_a_query_that_makes_no_sense_is_refused(account: Account, query: dict[str, str]) -> None:
    answer = get("/api/fic/invoices", **query)
    assert (answer.status, bool(answer.json["errors"])) == (422, True)
