"""Who comes, by every way in: each fault that other systems have with persons, and ottheirs of its kind."""

from typing import Any

import pytest

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.people import store as people
from infra.local.demo_practice import Practice
from infra.local.invoking import call
from tests.calls.conftest import call_function
from tests.crm.persons import COMPANY, ME, OTHER, PHONE, at_desk, everybody, known, mails_to, next_monday, on_web
from tests.draining import drain

JOHN = {"name": "John Doe", "email": "m@x.de"}


def customer_of(answer: Any) -> str:
    assert answer.status == 201, answer
    return str(answer.json["customer_id"])


def agent_books(hour: int, call_id: str = "retell-1", **args: Any) -> Any:
    plain = {"service": "Consultation", "starts_at": next_monday(hour).isoformat()}
    return call_function("book_appointment", plain | args, call_id=call_id).json


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (JOHN, {"name": "Sam Smith", "email": "m@x.de"}),
        ({"name": "Ada Keller", "phone": PHONE}, {"name": "Ben Keller", "phone": PHONE}),
        ({"name": "Ada Keller", "phone": PHONE, "email": "m@x.de"}, {"name": "Mia Vogt", "email": "M@X.de"}),
        ({"name": "Ada Keller", "phone": PHONE, "email": "m@x.de"}, {"name": "Kim Lee", "phone": "0151 12345678"}),
        (
            {"name": "Sam", "phone": PHONE, "birth_date": "1960-01-01"},
            {"name": "Sam", "phone": PHONE, "birth_date": "1990-01-01"},
        ),
    ],
)
def test_whoever_shares_a_contact_point_is_a_person_of_their_own(
    practice: Practice, first: dict[str, Any], second: dict[str, Any]
) -> None:
    one, other = at_desk(practice, 9, first), at_desk(practice, 11, second)
    assert customer_of(one) != customer_of(other)
    ada, ben = everybody()
    assert (ada.name, ben.name) == (first["name"], second["name"])
    assert ada.household_id == ben.household_id is not None
    # Each is found again, by the point that they share and the name.
    assert customer_of(at_desk(practice, 12, second)) == ben.id
    assert customer_of(at_desk(practice, 13, first)) == ada.id
    assert len(everybody()) == 2


def test_each_is_written_to_under_their_own_name(practice: Practice) -> None:
    at_desk(practice, 9, JOHN)
    drain()
    before = len(mails_to("m@x.de"))
    at_desk(practice, 11, {"name": "Sam Smith", "email": "m@x.de"})
    drain()
    [mail] = mails_to("m@x.de")[before:]
    assert "Sam Smith" in mail
    assert "John" not in mail


def test_a_mother_books_for_the_children_in_one_call_and_they_are_found_by_name(practice: Practice) -> None:
    known(Contact(name="Ada Vogt", phone=PHONE))
    ben, mia, ida = (agent_books(9 + n, name=name) for n, name in enumerate(("Ben Vogt", "Mia Vogt", "Ida Vogt")))
    assert [one["status"] for one in (ben, mia, ida)] == ["booked"] * 3
    assert len({person.id for person in everybody()}) == 4
    day = next_monday(10).date().isoformat()
    found = call_function("list_my_appointments", {"name": "Mia Vogt", "date": day}, "retell-2", from_number=OTHER).json
    assert [one["appointment_id"] for one in found["appointments"]] == [mia["appointment_id"]]
    # Their own number leads to all of them, each by their name.
    mine = call_function("list_my_appointments", {}, "retell-3").json
    assert [one["customer"] for one in mine["appointments"]] == ["Ben", "Mia", "Ida"]
    assert "Mia: " in mine["message"]
    theirs = call_function("list_my_appointments", {"name": "Mia"}, "retell-3").json
    assert [one["appointment_id"] for one in theirs["appointments"]] == [mia["appointment_id"]]
    alone = call_function("list_my_appointments", {"name": "Mia", "date": day}, "retell-4", from_number=OTHER).json
    assert alone["status"] == "not_found", "a first name alone proves nothing from another number"


def test_the_agent_asks_whom_it_is_for_only_when_it_is_not_clear(practice: Practice) -> None:
    assert agent_books(9)["status"] == "booked", "nobody else has the number"
    assert agent_books(10, name="Ada Vogt")["status"] == "booked"
    assert agent_books(11)["status"] == "booked"
    assert agent_books(12, name="Ben Vogt")["status"] == "booked"
    answer = agent_books(13)
    assert (answer["status"], answer["candidates"]) == ("who_for", ["Ada", "Ben"])
    assert "Ada" in answer["message"]
    free = call_function("check_availability", {"service": "Consultation"}).json
    assert free["candidates"] == ["Ada", "Ben"]
    assert agent_books(13, name="Ben")["status"] == "booked"
    assert agent_books(14, name="Ida Vogt")["status"] == "booked", "somebody else"
    assert agent_books(15, name="Vogt")["candidates"] == ["Ada", "Ben", "Ida"]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"phone": PHONE}, {"phone": PHONE, "name": "Eve Stone", "email": "eve@example.com"}),
        ({"email": "eve@example.com"}, {"email": "eve@example.com", "name": "Eve Stone", "phone": PHONE}),
        ({"name": "Eve", "phone": PHONE}, {"phone": PHONE, "name": "Eve Stone", "email": "eve@example.com"}),
        (
            {"name": "E. Stone", "email": "eve@example.com"},
            {"email": "eve@example.com", "name": "Eve Maria Stone", "phone": PHONE},
        ),
    ],
)
def test_what_staff_learn_later_is_kept_and_used(
    practice: Practice, first: dict[str, Any], then: dict[str, Any]
) -> None:
    one = customer_of(at_desk(practice, 9, first))
    drain()
    before = len(mails_to("eve@example.com"))
    assert customer_of(at_desk(practice, 11, then)) == one
    drain()
    [person] = everybody()
    assert (person.name, person.phone, person.email) == (then["name"], PHONE, "eve@example.com")
    assert len(mails_to("eve@example.com")) == before + 1
    assert customer_of(at_desk(practice, 12, {"email": "eve@example.com"})) == one


def test_a_caller_is_believed_about_the_number_they_call_from_and_no_other(practice: Practice) -> None:
    mine, theirs = known(Contact(phone=PHONE)), known(Contact(phone=OTHER))
    agent_books(9, name="Eve Stone", email="eve@example.com")
    agent_books(10, name="Mallory", phone=OTHER, email="mallory@example.com")
    assert people.get(COMPANY, mine.id).name == "Eve Stone"
    assert people.get(COMPANY, mine.id).email == "eve@example.com"
    assert people.get(COMPANY, theirs.id) == theirs


@pytest.mark.parametrize("name", ["Eve Stone", "Eve", None, "Mallory"])
@pytest.mark.parametrize("by", ["phone", "email"])
def test_what_a_stranger_says_belongs_to_the_booking(practice: Practice, name: str | None, by: str) -> None:
    eve = known(Contact(name="Eve Stone", phone=PHONE, email="eve@example.com"))
    point = (
        {"phone": PHONE, "email": "mine@example.com"} if by == "phone" else {"phone": OTHER, "email": "eve@example.com"}
    )
    made = on_web(practice, 9, point | ({"name": name} if name else {}))
    assert made.status == 201, made
    drain()
    assert people.get(COMPANY, eve.id) == eve
    appointment = appointment_store.get_appointment(COMPANY, made.json["id"])
    assert appointment.attendee
    assert (appointment.attendee.name, appointment.attendee.email) == (name or "", point["email"])
    mails = mails_to("mine@example.com" if by == "phone" else "eve@example.com")
    assert len(mails) == 1
    if name != "Eve Stone":
        assert "Eve Stone" not in mails[0]
    if by == "phone":
        assert mails_to("eve@example.com") == []
    # Nor is anybody in doubt who calls from that number.
    assert customer_of(at_desk(practice, 12, {"phone": PHONE})) == eve.id


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Eve Maria Stone"},
        {"email": "eve@example.com"},
        {"staff": "Ada Keller"},
        {"staff": "Ben Okafor"},
        {"starts_at": "local"},
        {"phone": "0151 12345678"},
        {"service": "consultation"},
    ],
)
@pytest.mark.parametrize("call_id", ["retell-1", "retell-2"])
def test_the_same_asked_again_by_telephone_is_the_booking_that_stands(
    practice: Practice, changed: dict[str, Any], call_id: str
) -> None:
    first = agent_books(9, name="Eve Stone")
    if changed.get("starts_at") == "local":
        changed = {"starts_at": next_monday(9).replace(tzinfo=None).isoformat()}
    again = agent_books(9, call_id, **({"name": "Eve Stone"} | changed))
    assert (again["status"], again["appointment_id"]) == ("booked", first["appointment_id"])
    assert len(everybody()) == 1
    assert agent_books(9, "retell-3", name="Tom Stone")["appointment_id"] != first["appointment_id"], "a brother"


def test_details_that_are_added_are_taken_up(practice: Practice) -> None:
    agent_books(9, name="Eve")
    drain()
    agent_books(9, name="Eve Stone", email="eve@example.com")
    drain()
    [eve] = everybody()
    assert (eve.name, eve.email) == ("Eve Stone", "eve@example.com")
    assert len(mails_to("eve@example.com")) == 1, "the confirmation goes to the address that was told later"


@pytest.mark.parametrize(
    "customer",
    [
        {"name": "Eve Stone", "phone": PHONE},
        {"email": "eve@example.com"},
        {"name": "Eve Stone", "phone": PHONE, "email": "eve@example.com"},
        {"name": "eve stone", "phone": "0151 12345678"},
    ],
)
@pytest.mark.parametrize("way", [on_web, at_desk])
def test_the_same_booked_thrice_is_one_booking(practice: Practice, way: Any, customer: dict[str, Any]) -> None:
    first, second, third = (way(practice, 9, customer) for _ in range(3))
    assert {one.status for one in (first, second, third)} == {201}
    assert {one.json["id"] for one in (first, second, third)} == {first.json["id"]}
    assert (
        way(
            practice, 9, customer, staff=["Ada Keller", "Ben Okafor"][first.json["staff_id"] == practice.staff[0].id]
        ).json["id"]
        == first.json["id"]
    )
    other = way(practice, 9, {"name": "Tom Stone", "phone": OTHER})
    assert other.status == 201
    assert other.json["id"] != first.json["id"]


def test_a_stranger_who_asks_again_changes_nothing_of_what_stands(practice: Practice) -> None:
    eve = at_desk(practice, 9, {"name": "Eve Stone", "phone": PHONE})
    drain()
    again = on_web(practice, 9, {"name": "Eve Stone", "phone": PHONE, "email": "mallory@example.com"})
    assert again.json["id"] == eve.json["id"]
    drain()
    assert appointment_store.get_appointment(COMPANY, eve.json["id"]).attendee is None
    assert mails_to("mallory@example.com") == []


@pytest.mark.parametrize(
    ("branch", "phone", "kept"),
    [
        (0, "0151 23456789", "+4915123456789"),
        (0, "(030) 1234567", "+49301234567"),
        (0, "4915123456789", "+4915123456789"),
        (1, "212-555-0111", "+12125550111"),
        (1, "(212) 555 0111", "+12125550111"),
        (1, "0049 151 23456789", None),
    ],
)
def test_numbers_are_read_by_the_branchs_country(practice: Practice, branch: int, phone: str, kept: str | None) -> None:
    fields = {"branch_id": practice.branches[branch].id} | ({"service": "Haircut"} if branch else {})
    at = next_monday(16).isoformat()
    made = at_desk(practice, 9, {"phone": phone}, starts_at=at, **fields)
    assert made.status == (201 if kept else 422)
    assert [person.phone for person in everybody()] == ([kept] if kept else [])


def test_an_extension_is_kept_and_identifies_nobody_by_the_switchswitchboard(practice: Practice) -> None:
    ada = customer_of(at_desk(practice, 9, {"name": "Ada", "phone": "+49 30 1234567 ext. 12"}))
    ben = customer_of(at_desk(practice, 10, {"name": "Ben", "phone": "030 1234567 Durchwahl 13"}))
    switchboard = customer_of(at_desk(practice, 11, {"name": "Cleo", "phone": "+49 30 1234567"}))
    kim = customer_of(at_desk(practice, 12, {"name": "Kim", "phone": "+49 30 1234567 x12"}))
    assert len({ada, ben, switchboard, kim}) == 4
    assert [one.contact_points[0].extension for one in everybody()] == ["12", "13", None, "12"]
    assert {one.phone for one in everybody()} == {"+49301234567"}
    assert customer_of(at_desk(practice, 13, {"name": "Ada", "phone": "030 1234567 ext 12"})) == ada


@pytest.mark.parametrize(
    "args",
    [
        {"name": "null"},
        {"name": "None", "email": "unknown"},
        {"name": "unknown", "staff": "any"},
        {"name": "Unbekannt", "staff": "anyone"},
        {"phone": 15112345678},
        {"phone": "null", "email": "N/A", "name": "caller"},
        {"staff": "egal", "name": "[NAME]"},
    ],
)
def test_what_a_language_model_fills_in_for_nothing_is_nothing(practice: Practice, args: dict[str, Any]) -> None:
    assert agent_books(9, **args)["status"] == "booked"
    [person] = everybody()
    assert (person.name, person.phone, person.email) == ("", PHONE, None)


@pytest.mark.parametrize("name", ["علی\u200cرضا", "ශ්\u200dරී", "نی\u200cما"])
def test_names_keep_the_joiners_between_their_letters(practice: Practice, name: str) -> None:
    assert at_desk(practice, 9, {"name": f"\u200c{name}\u200f", "phone": PHONE}).status == 201
    [person] = everybody()
    assert person.name == name
    turned = at_desk(practice, 10, {"name": f"\u202e{name}", "phone": PHONE})
    assert (turned.status, turned.json["errors"][0]["path"]) == (422, "body.customer.name")


def test_addresses_of_other_letters_are_written_to_and_found(practice: Practice) -> None:
    one = customer_of(at_desk(practice, 9, {"name": "Eve", "email": "info@zahnärzte-müller.de"}))
    assert customer_of(at_desk(practice, 10, {"email": "INFO@xn--zahnrzte-mller-8hb40b.de"})) == one
    drain()
    assert mails_to("info@xn--zahnrzte-mller-8hb40b.de")
    for wrong in ("jo@example..com", "jo@.example.com", "jo@exa mple.com", "müller@example.com"):
        assert at_desk(practice, 11, {"email": wrong}).status == 422


def test_the_waiting_list_and_blocks_know_who_is_meant(practice: Practice) -> None:
    ada, ben = (
        known(Contact(name="Ada Keller", phone=PHONE, email="ada@example.com")),
        {"name": "Ben Keller", "phone": PHONE},
    )
    body = {"branch_id": practice.branches[0].id, "services": ["Massage"], "customer": ben}
    waits = call("POST", "/api/waiting-list", caller=ME, body=body)
    assert waits.status == 201, waits
    assert waits.json["customer_id"] != ada.id
    unsure = call("POST", "/api/waiting-list", caller=ME, body=body | {"customer": {"phone": PHONE}})
    assert (unsure.status, unsure.json["code"]) == (409, "customer_unsure")
    assert unsure.json["candidates"] == [ada.id, waits.json["customer_id"]]
    blocked = call("PUT", "/api/blocklist", caller=ME, body={"customer_id": ada.id}).json
    assert (blocked["phone"], blocked["email"]) == (None, "ada@example.com"), "the son may go on booking"
    assert at_desk(practice, 9, {"name": "Ada Keller", "email": "ada@example.com"}).status == 409
    assert at_desk(practice, 9, ben).status == 201


def test_series_are_for_the_person_who_is_named(practice: Practice) -> None:
    ada = known(Contact(name="Ada Keller", phone=PHONE))
    body = {
        "branch_id": practice.branches[0].id, "service": "Consultation", "starts_at": next_monday(9).isoformat(),
        "recurrence": {"frequency": "weekly", "count": 2},
    }  # fmt: skip
    made = call("POST", "/api/series", caller=ME, body=body | {"customer": {"name": "Ben Keller", "phone": PHONE}})
    assert made.status == 201, made
    assert made.json["customer_id"] not in (ada.id, None)
    theirs = call(
        "POST",
        "/api/series",
        caller=ME,
        body=body | {"customer": {"name": "Ada", "phone": PHONE}, "starts_at": next_monday(10).isoformat()},
    )
    assert theirs.json["customer_id"] == ada.id


def test_nobody_of_another_company_is_meant(practice: Practice) -> None:
    theirs = known(Contact(name="Eve Stone", phone=PHONE), "com_other")
    mine = customer_of(at_desk(practice, 9, {"name": "Eve Stone", "phone": PHONE}))
    assert mine != theirs.id
    assert people.get("com_other", theirs.id) == theirs
    assert [person.id for person in everybody("com_other")] == [theirs.id]


def test_a_person_lies_sealed(practice: Practice) -> None:
    from chalicelib.crm.tables import CrmRow

    at_desk(practice, 9, {"name": "Eve Stone", "phone": PHONE, "email": "eve@example.com", "birth_date": "1990-05-17"})
    drain()
    kept = b"".join(str(row.serialize()).encode() for row in CrmRow.scan())
    for value in (b"Eve", b"Stone", b"15112345678", b"example.com", b"1990-05-17"):
        assert value not in kept
