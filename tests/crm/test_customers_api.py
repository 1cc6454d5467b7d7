"""Customers and leads by the API: added, shown, changed, deleted, and found."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from chalicelib.core import aws as aws_clients
from chalicelib.core.rows import AuditRow, OutboxRow
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.people import store as people
from chalicelib.crm.people import write
from chalicelib.crm.people.person import Person
from chalicelib.crm.tables import CrmRow
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.conftest import EmbeddedAws
from tests.crm.persons import COMPANY, ME, OTHER, PHONE, at_desk, everybody, known
from tests.draining import drain

ADA: dict[str, Any] = {
    "given_name": "Ada",
    "family_name": "Keller",
    "language": "de",
    "birth_date": "1990-05-17",
    "gender": "female",
    "address": {"street": "Hauptstr. 5", "city": "Berlin", "country": "DE"},
    "contact_points": [
        {"kind": "phone", "value": PHONE, "label": "work", "preferred": True},
        {"kind": "email", "value": "Ada@Zahnärzte-Müller.de", "consent": "granted"},
    ],
    "tags": ["regular", "VIP"],
    "alerts": [{"text": "Allergic to latex", "kind": "medical"}],
    "external_ids": {"zenoti": "Z-17"},
}


def post(body: dict[str, Any], place: str = "/api/customers", caller: Caller = ME) -> Answer:
    return call("POST", place, caller=caller, body=body)


def find(text: str, place: str = "/api/customers", **query: Any) -> list[str]:
    """Names of all who are found, over all pages."""
    names: list[str] = []
    cursor = None
    for _ in range(50):
        given = {"q": text, **query} | ({"cursor": cursor} if cursor else {})
        page = call("GET", place, caller=ME, query=given)
        assert page.status == 200, page
        names += [one["name"] for one in page.json["data"]]
        cursor = page.json["next_cursor"]
        if cursor is None:
            return names
    raise AssertionError("it never ends")


def test_a_person_is_kept_as_given_and_lies_sealed(aws: EmbeddedAws) -> None:
    made = post(ADA)
    assert made.status == 201, made
    shown = call("GET", f"/api/customers/{made.json['id']}", caller=ME).json
    assert shown == made.json
    assert (shown["name"], shown["kind"], shown["version"]) == ("Ada Keller", "customer", 1)
    for name in ("given_name", "language", "birth_date", "gender", "tags", "alerts", "external_ids"):
        assert shown[name] == ADA[name]
    phone, email = shown["contact_points"]
    assert (phone["value"], phone["preferred"], phone["claimed"]) == (PHONE, True, False)
    assert (email["value"], email["consent"]) == ("ada@zahnärzte-müller.de", "granted")
    assert email["consent_at"]
    drain()
    kept = str([row.serialize() for row in CrmRow.scan()])
    outside = str([row.serialize() for row in OutboxRow.scan()]) + str([row.serialize() for row in AuditRow.scan()])
    for value in ("Ada", "Keller", "1990", "latex", "Hauptstr", "Z-17", "15112345678", "zahn", "VIP"):
        assert value not in kept
        assert value not in outside


def test_what_get_shows_put_and_patch_take_back(aws: EmbeddedAws) -> None:
    made = post(ADA).json
    place = f"/api/customers/{made['id']}"
    for method in ("PUT", "PATCH"):
        again = call(method, place, caller=ME, body=made)
        assert (again.status, again.json) == (200, made), "nothing differs, so nothing is written"


def test_patch_changes_what_is_given_and_put_all(aws: EmbeddedAws) -> None:
    made = post(ADA).json
    place = f"/api/customers/{made['id']}"
    patched = call("PATCH", place, caller=ME, body={"family_name": "Vogt", "tags": None, "gender": None}).json
    assert (patched["name"], patched["family_name"], patched["tags"], patched["gender"]) == (
        "Ada Vogt",
        "Vogt",
        [],
        None,
    )
    assert (patched["language"], patched["version"]) == ("de", 2)
    renamed = call("PATCH", place, caller=ME, body={"name": "Ada Maria Kim"}).json
    assert (renamed["name"], renamed["given_name"]) == ("Ada Maria Kim", None)
    whole = call("PUT", place, caller=ME, body={"name": "Ada Kim", "version": 3}).json
    assert (whole["name"], whole["contact_points"], whole["language"], whole["alerts"]) == ("Ada Kim", [], None, [])
    stale = call("PATCH", place, caller=ME, body={"name": "Ada", "version": 3})
    assert (stale.status, stale.json["code"], stale.json["current"]) == (409, "stale_version", {"version": 4})
    assert call("PUT", place, caller=ME, body={"name": "Ada"}).status == 422


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"contact_points": [{"kind": "phone", "value": "what"}]}, "body.contact_points[0].value"),
        ({"contact_points": [{"kind": "email", "value": "jo@example..com"}]}, "body.contact_points[0].value"),
        ({"contact_points": [{"kind": "phone", "value": PHONE}] * 2}, "body.contact_points[1].value"),
        (
            {
                "contact_points": [
                    {"kind": "phone", "value": PHONE, "preferred": True},
                    {"kind": "phone", "value": OTHER, "preferred": True},
                ]
            },
            "body.contact_points",
        ),
        ({"name": "Ada\u202e"}, "body.name"),
        ({"given_name": "A\x00"}, "body.given_name"),
        ({"language": "Deutsch!"}, "body.language"),
        ({"birth_date": "1990-02-30"}, "body.birth_date"),
        ({"address": {"country": "Germany"}}, "body.address.country"),
        ({"tags": ["x"] * 21}, "body.tags"),
        ({"household": "x"}, "body.household"),
    ],
)
def test_what_is_wrong_is_named(aws: EmbeddedAws, body: dict[str, Any], path: str) -> None:
    refused = post(body)
    assert refused.status == 422
    assert refused.json["errors"][0]["path"] == path


def test_numbers_of_customers_are_read_where_the_practice_is(practice: Practice) -> None:
    refused = post({"name": "Ada", "contact_points": [{"kind": "phone", "value": "0151 12345678"}]})
    assert refused.status == 422, "it has branches in two countries"
    assert post({"name": "Ada", "contact_points": [{"kind": "phone", "value": PHONE}]}).status == 201


def test_whoever_is_known_is_not_added_twice(aws: EmbeddedAws) -> None:
    ada = post(ADA).json["id"]
    point = {"contact_points": [{"kind": "phone", "value": PHONE}]}
    for body in (point | {"name": "ada keller"}, point, point | {"given_name": "Ada"}):
        refused = post(body)
        assert (refused.status, refused.json["code"], refused.json["customer_id"]) == (409, "customer_exists", ada)
    son = post(point | {"name": "Ben Keller"}).json
    assert son["household_id"]
    assert people.get(COMPANY, ada).household_id == son["household_id"]
    twin = post(point | {"name": "Ada Keller", "add_anyway": True})
    assert twin.status == 201
    assert len(everybody()) == 3


def test_a_corrected_number_leads_to_the_person_and_the_wrong_one_no_longer(practice: Practice) -> None:
    ada = known(Contact(name="Ada Keller", phone=PHONE))
    body = {"contact_points": [{"kind": "phone", "value": OTHER}, {"kind": "email", "value": "ada@example.com"}]}
    assert call("PATCH", f"/api/customers/{ada.id}", caller=ME, body=body).status == 200
    assert at_desk(practice, 9, {"phone": OTHER}).json["customer_id"] == ada.id
    assert at_desk(practice, 10, {"email": "ada@example.com"}).json["customer_id"] == ada.id
    assert at_desk(practice, 11, {"phone": PHONE}).json["customer_id"] != ada.id
    # A corrected name tells them from others.
    call("PATCH", f"/api/customers/{ada.id}", caller=ME, body={"name": "Ada Vogt"})
    assert at_desk(practice, 12, {"name": "Ada Vogt", "phone": OTHER}).json["customer_id"] == ada.id
    assert at_desk(practice, 13, {"name": "Ada Keller", "phone": OTHER}).json["customer_id"] != ada.id


def test_whoever_is_deleted_is_not_shown_or_found_and_comes_back_as_they_were(practice: Practice) -> None:
    ada = post(ADA).json
    place = f"/api/customers/{ada['id']}"
    drain()
    assert find("keller") == ["Ada Keller"]
    assert call("DELETE", place, caller=ME, query={"version": "7"}).json["code"] == "stale_version"
    assert call("DELETE", place, caller=ME).status == 204
    assert call("DELETE", place, caller=ME).status == 204
    drain()
    assert find("keller") == []
    assert [call(method, place, caller=ME, body=body).status for method, body in (("GET", None), ("PATCH", {}))] == [
        404
    ] * 2
    assert call("GET", "/api/customers", caller=ME).json["data"] == []
    [gone] = call("GET", "/api/customers", caller=ME, query={"deleted": "true"}).json["data"]
    assert gone["deleted_at"]
    assert at_desk(practice, 9, {"phone": PHONE}).json["customer_id"] != ada["id"]
    back = call("POST", f"{place}/restore", caller=ME)
    assert (back.status, back.json["deleted_at"]) == (200, None)
    drain()
    assert find("keller") == ["Ada Keller"]
    assert at_desk(practice, 10, {"name": "Ada Keller", "phone": PHONE}).json["customer_id"] == ada["id"]


def test_leads_are_a_list_of_their_own(aws: EmbeddedAws) -> None:
    lead, customer = post({"name": "Lea Lead"}, "/api/leads").json, post({"name": "Cleo Customer"}).json
    assert (lead["kind"], customer["kind"]) == ("lead", "customer")
    for place, name in (("/api/leads", "Lea Lead"), ("/api/customers", "Cleo Customer")):
        assert [one["name"] for one in call("GET", place, caller=ME).json["data"]] == [name]
        assert call("GET", f"{place}/{lead['id']}", caller=ME).json["id"] == lead["id"], "one record, two views"
    drain()
    assert (find("le", "/api/leads"), find("cleo", "/api/leads")) == (["Lea Lead"], [])


def test_the_old_systems_numbers_lead_to_persons(aws: EmbeddedAws) -> None:
    unit, at = Unit(COMPANY), datetime(2026, 1, 1, tzinfo=UTC)
    old = Person(id="cus_1", company_id=COMPANY, name="Ada", legacy_id="4711", created_at=at, updated_at=at)
    write.add(unit, old, {})
    unit.commit()
    assert call("GET", "/api/customers/4711", caller=ME).json["id"] == "cus_1"
    assert call("PATCH", "/api/leads/4711", caller=ME, body={"name": "Ada K."}).status == 200
    assert call("GET", "/api/customers/4712", caller=ME).status == 404
    assert call("GET", "/api/customers/4711", caller=Caller("com_other")).status == 404


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("zahnaerzte", ["Praxis Zahnärzte Müller"]),
        ("Zahnärzte", ["Praxis Zahnärzte Müller"]),
        ("zahna", ["Praxis Zahnärzte Müller"]),
        ("mue", ["Praxis Zahnärzte Müller"]),
        ("mül", ["Praxis Zahnärzte Müller"]),
        ("müller praxis", ["Praxis Zahnärzte Müller"]),
        ("müller ada", []),
        ("rzte", []),
        ("an", ["Anna Anders"]),
        ("obrien", ["Siobhán O'Brien"]),
        ("o'brien", ["Siobhán O'Brien"]),
        ("siobhan", ["Siobhán O'Brien"]),
        ("5678", ["Praxis Zahnärzte Müller"]),
        ("0151 1234 5678", []),
        ("151-12345678", ["Praxis Zahnärzte Müller"]),
        ("+4915112345678", ["Praxis Zahnärzte Müller"]),
        ("1234", []),
        ("anna@", ["Anna Anders"]),
        ("ANNA@Example.com", ["Anna Anders"]),
        ("info", ["Praxis Zahnärzte Müller"]),
        ("example.com", []),
    ],
)
def test_a_search_finds_beginnings(aws: EmbeddedAws, text: str, found: list[str]) -> None:
    known(Contact(name="Praxis Zahnärzte Müller", phone=PHONE, email="info@example.org"))
    known(Contact(name="Anna Anders", phone=OTHER, email="anna@example.com"))
    known(Contact(name="Siobhán O'Brien"))
    known(Contact(name="Anna Fremd", email="info@example.com"), "com_other")
    drain()
    assert find(text) == found
    assert find(text, limit="1") == found


@pytest.mark.parametrize("text", ["a", "123", "-", "..", " "])
def test_too_little_is_refused(aws: EmbeddedAws, text: str) -> None:
    refused = call("GET", "/api/customers", caller=ME, query={"q": text})
    assert (refused.status, refused.json["errors"][0]["code"]) == (422, "too_short")


def test_what_was_changed_is_found_by_what_it_is_now(aws: EmbeddedAws) -> None:
    ada = post(ADA).json
    drain()
    body = {"name": "Kim Lee", "contact_points": [{"kind": "phone", "value": OTHER}], "tags": ["new"]}
    call("PATCH", f"/api/customers/{ada['id']}", caller=ME, body=body)
    # Before the index follows, the record decides.
    assert (find("keller"), find("5678")) == ([], [])
    drain()
    assert (find("keller"), find("kim"), find("4321")) == ([], ["Kim Lee"], ["Kim Lee"])
    assert call("GET", "/api/customers", caller=ME, query={"tag": "vip"}).json["data"] == []
    assert len(call("GET", "/api/customers", caller=ME, query={"tag": "NEW"}).json["data"]) == 1


def test_lists_are_filtered_by_two_at_most(aws: EmbeddedAws) -> None:
    for number in range(6):
        post({"name": f"Person {number}", "tags": ["even"] if number % 2 == 0 else ["odd"]})
    drain()

    def names(**query: str) -> list[str]:
        answer = call("GET", "/api/customers", caller=ME, query=query)
        assert answer.status == 200, answer
        return [one["name"][-1] for one in answer.json["data"]]

    assert names(tag="even") == ["4", "2", "0"]
    assert names(tag="EVEN", source="api") == ["4", "2", "0"]
    assert names(source="web") == []
    since = datetime.now(UTC) + timedelta(hours=1)
    assert names(created_until=since.isoformat(), tag="odd") == ["5", "3", "1"]
    assert names(created_from=since.isoformat()) == []
    refused = call(
        "GET", "/api/customers", caller=ME, query={"tag": "a", "source": "api", "created_from": since.isoformat()}
    )
    assert (refused.status, len(refused.json["errors"])) == (422, 3)


def test_a_page_costs_the_same_wherever_it_lies(aws: EmbeddedAws) -> None:
    for number in range(60):
        known(
            Contact(name=f"Ada Nummer{chr(97 + number // 26)}{chr(97 + number % 26)}", phone=f"+491511000{number:04}")
        )
    drain()

    def costs(**query: str) -> list[int]:
        """Requests of each page, to the end of the list."""
        found, cursor = list[int](), None
        while cursor is not None or not found:
            calls: list[str] = []
            aws_clients.call_hooks.append(partial(_note, calls))
            page = call("GET", "/api/customers", caller=ME, query=query | ({"cursor": cursor} if cursor else {}))
            aws_clients.call_hooks.clear()
            found.append(len(calls))
            cursor = page.json["next_cursor"]
        return found

    assert costs(limit="5") == [1] * 12
    assert costs(limit="5", q="ada") == [2] * 12
    assert costs(limit="5", source="api") == [2] * 12
    assert max(costs(limit="5", source="api", tag="nobody")) <= 4


def _note(calls: list[str], when: str, name: str) -> None:
    if when == "before":
        calls.append(name)
