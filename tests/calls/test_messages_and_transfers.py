"""Messages for staff and transfers: kept, mailed, listed, marked, and the same when asked for again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest

from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.phone import CallRouting
from chalicelib.calls import message_store, store
from chalicelib.calls.jobs import MailCallMessage
from chalicelib.calls.messages import mail_message
from chalicelib.core import mail
from chalicelib.core.clock import now
from chalicelib.core.errors import Invalid
from chalicelib.core.jobs import JobContext
from chalicelib.core.rows import OutboxRow
from chalicelib.identity.create_company import NewCompany, Person, add_member, create_company
from infra.local.demo_practice import Practice
from infra.local.invoking import Caller, call
from tests.calls.conftest import signed
from tests.calls.desk import MINE, MONDAY, SATURDAY, booked, practice_that_speaks, ring
from tests.draining import drain

STAFF = Caller("com_test")
MESSAGE = {"message": "Please call me about the invoice.", "name": "Eve Stone"}
ALL_WEEK = tuple(Window(day, 0, 24 * 60) for day in range(7))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], str, str]]:
    """Mails that went out: to, subject, text."""
    mails: list[tuple[list[str], str, str]] = []
    monkeypatch.setattr(mail, "send", lambda to, subject, text: mails.append((list(to), subject, text)))
    return mails


def events(name: str) -> int:
    return sum(row.type == f"calls.{name}" for row in OutboxRow.scan())


def test_a_message_is_kept_with_its_call_and_its_customer(practice: Practice) -> None:
    customer = booked().customer_id
    said = ring("take_message", MESSAGE)
    assert said["status"] == "taken"
    message = message_store.get_message("com_test", said["message_id"])
    assert (message.text, message.name, message.phone) == (MESSAGE["message"], "Eve Stone", MINE)
    assert message.customer_id == customer
    its_call = store.get_call("com_test", "retell-1")
    assert message.call_id == its_call.id
    assert its_call.link.customer_id == customer
    assert events("CallMessageTaken") == 1


def test_a_call_that_is_recorded_already_is_the_messages_call(practice: Practice) -> None:
    started = {"event": "call_started", "call": {"call_id": "retell-1", "to_number": "+493055501000"}}
    assert signed("/webhooks/retell", started).status == 204
    drain()
    known = store.get_call("com_test", "retell-1")
    message = message_store.get_message("com_test", ring("take_message", MESSAGE)["message_id"])
    assert message.call_id == known.id


@pytest.mark.parametrize("number", [None, "anonymous", "+266696687"])
def test_a_withheld_number_is_not_where_to_call_back(practice: Practice, number: str | None) -> None:
    said = ring("take_message", MESSAGE, from_number=number)
    assert said["call_back"] is None
    said = ring("take_message", MESSAGE | {"phone": "030 555 77 88"}, from_number=number)
    assert said["call_back"] == "+49305557788"


def test_the_same_message_many_times_at_once_is_one(practice: Practice) -> None:
    gate = Barrier(8)

    def take(number: int) -> Any:
        gate.wait()
        return ring("take_message", MESSAGE)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(take, range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert len(message_store.page_messages("com_test", "open", 10, None).data) == 1
    assert events("CallMessageTaken") == 1


@pytest.mark.parametrize("args", [{}, {"message": ""}, {"message": "x" * 4001}, MESSAGE | {"phone": "12"}])
def test_a_message_that_is_none_is_refused(practice: Practice, args: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        ring("take_message", args)


def test_staff_list_the_open_ones_and_mark_them_done(practice: Practice) -> None:
    taken = [ring("take_message", MESSAGE | {"message": f"No. {n}"})["message_id"] for n in range(3)]
    first = call("GET", "/api/call-messages", caller=STAFF, query={"limit": "2"}).json
    rest = call("GET", "/api/call-messages", caller=STAFF, query={"cursor": first["next_cursor"]}).json
    assert [one["id"] for one in first["data"] + rest["data"]] == taken[::-1]
    for _ in range(2):
        marked = call("PATCH", f"/api/call-messages/{taken[1]}", caller=STAFF, body={"status": "done"})
        assert (marked.status, marked.json["status"], marked.json["done_by"]) == (200, "done", "usr_test")
    assert events("CallMessageMarked") == 1
    open_ones = call("GET", "/api/call-messages", caller=STAFF).json["data"]
    done = call("GET", "/api/call-messages", caller=STAFF, query={"status": "done"}).json["data"]
    assert [one["id"] for one in open_ones] == [taken[2], taken[0]]
    assert [one["id"] for one in done] == [taken[1]]
    again = call("PATCH", f"/api/call-messages/{taken[1]}", caller=STAFF, body={"status": "open"}).json
    assert (again["status"], again["done_by"], again["version"]) == ("open", None, 3)
    assert call("GET", "/api/calls", caller=STAFF).json["data"][0]["retell_call_id"] == "retell-1"


def test_a_message_reaches_the_branchs_address_in_the_companys_language(
    practice: Practice, sent: list[tuple[list[str], str, str]]
) -> None:
    practice_that_speaks(practice, "it", call_routing=CallRouting(alert_emails=("desk@example.com",)))
    ring("take_message", MESSAGE)
    drain()
    ((to, subject, text),) = sent
    assert to == ["desk@example.com"]
    assert subject == "Messaggio da Eve Stone"
    assert "Please call me about the invoice." in text
    assert MINE in text


def test_without_an_address_staff_who_read_calls_are_mailed_once(
    practice: Practice, sent: list[tuple[list[str], str, str]]
) -> None:
    create_company(NewCompany("Test", id="com_test"), Person("Ada", "ada@example.com", "correct horse battery"), now)
    add_member("com_test", Person("Noor", "noor@example.com", "correct horse battery"), "staff", now)
    add_member("com_test", Person("Zoe", "zoe@example.com", "correct horse battery"), "client", now)
    message_id = ring("take_message", MESSAGE)["message_id"]
    job = MailCallMessage(company_id="com_test", message_id=message_id)
    context = JobContext("job-1", 1, False, "cor", "com_test", now)
    for _ in range(2):
        mail_message(job, context)
    assert [to for to, _, _ in sent] == [["ada@example.com", "noor@example.com"]]


def test_nobody_is_mailed_about_what_is_done(practice: Practice, sent: list[tuple[list[str], str, str]]) -> None:
    practice_that_speaks(practice, "en", call_routing=CallRouting(alert_emails=("desk@example.com",)))
    message_id = ring("take_message", MESSAGE)["message_id"]
    call("PATCH", f"/api/call-messages/{message_id}", caller=STAFF, body={"status": "done"})
    drain()
    assert sent == []


@pytest.mark.parametrize(
    ("at", "language", "status", "message"),
    [
        (MONDAY, "en", "transfer", "I am putting you through to our team."),
        (MONDAY, "de", "transfer", "Ich verbinde Sie mit unserem Team."),
        (SATURDAY, "de", "closed", "öffnen wieder am Montag, 23. November um 8 Uhr"),
        (SATURDAY, "it", "closed", "riapriamo lunedì 23 novembre alle ore 8"),
        (SATURDAY, "vi", "closed", "mở lại lúc 8 giờ thứ Hai, ngày 23 tháng 11"),
        (MONDAY.replace(hour=7, minute=59), "en", "closed", "open again today, Monday, November 23 at 8:00 AM"),
        (MONDAY.replace(hour=20), "en", "closed", "open again tomorrow, Tuesday, November 24 at 8:00 AM"),
    ],
)
def test_transfers_go_by_the_branchs_hours(
    practice: Practice, at: datetime, language: str, status: str, message: str
) -> None:
    practice_that_speaks(practice, language, call_routing=CallRouting(transfer_to="+493055509999"))
    answer = ring("transfer_to_staff", {}, at=at)
    assert answer["status"] == status
    assert message in answer["message"]
    assert answer.get("transfer_to") == ("+493055509999" if status == "transfer" else None)
    shown = call("GET", "/api/calls/retell-1", caller=STAFF).json
    assert shown["transfer"]["outcome"] == status
    assert shown["transfer"]["to_number"] == answer.get("transfer_to")


def test_a_transfer_to_someone_who_works_now_rings_their_own_number(practice: Practice) -> None:
    from msgspec.structs import replace

    from chalicelib.booking.practice_admin.seed import save_practice
    from chalicelib.core.unit import Unit

    ada, *others = practice.staff
    branches = (
        replace(practice.branches[0], call_routing=CallRouting(transfer_to="+493055509999")),
        practice.branches[1],
    )
    staff = (replace(ada, phone="+493055501111"), *others)
    save_practice(lambda: Unit("com_test"), branches, practice.services, staff)
    answer = ring("transfer_to_staff", {"staff": "ada keller"}, at=MONDAY)
    assert (answer["transfer_to"], answer["staff_id"]) == ("+493055501111", ada.id)
    assert "Ada Keller" in answer["message"]
    # At seven in the evening the branch is open, but Ada has gone home; Ben has no number of their own.
    evening = ring("transfer_to_staff", {"staff": "Ada Keller"}, at=MONDAY.replace(hour=19), call_id="retell-2")
    assert (evening["transfer_to"], evening["staff_id"]) == ("+493055509999", None)
    assert ring("transfer_to_staff", {"staff": "Ben Okafor"}, at=MONDAY)["transfer_to"] == "+493055509999"
    with pytest.raises(Invalid):
        ring("transfer_to_staff", {"staff": "Nobody"}, at=MONDAY)


def test_where_no_number_is_configured_a_message_is_offered(practice: Practice) -> None:
    practice_that_speaks(practice, "en", hours=ALL_WEEK, call_routing=CallRouting(transfer_to=None))
    answer = ring("transfer_to_staff", {})
    assert answer["status"] == "nobody_available"
    practice_that_speaks(practice, "en", hours=())
    answer = ring("transfer_to_staff", {}, call_id="retell-2")
    assert (answer["status"], answer["opens_at"]) == ("closed", None)


def test_a_repeated_transfer_gets_the_same_answer(practice: Practice) -> None:
    practice_that_speaks(practice, "en", call_routing=CallRouting(transfer_to="+493055509999"))
    first = ring("transfer_to_staff", {}, at=MONDAY.replace(hour=19, minute=59))
    assert ring("transfer_to_staff", {}, at=MONDAY.replace(hour=20)) == first
