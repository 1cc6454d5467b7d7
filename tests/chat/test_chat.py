"""The chat through its endpoints: both sides, what the system says, what is refused, files, presence, rating."""

import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

import msgspec

from chalicelib.chat import polling, system_messages
from chalicelib.chat.jobs import Tell
from chalicelib.core.clock import now
from chalicelib.core.jobs import JobContext
from chalicelib.files.jobs import TidyFile
from chalicelib.files.store import find_file
from chalicelib.files.tidy import tidy
from chalicelib.identity.create_company import NewCompany, Person, create_company
from infra.local.invoking import Caller
from tests.chat.talk import ask, hear, say, texts
from tests.conftest import EmbeddedAws
from tests.draining import drain
from tests.files import samples
from tests.text_sessions.room import COMPANY, Room, furnish
from tests.text_sessions.test_endpoints import let_pass

PIXEL = samples.photo()


def upload(room: Room, content: bytes = PIXEL) -> str:
    """A file where its link says."""
    body: dict[str, Any] = {"name": "Ausschlag ü.jpg", "content_type": "image/jpeg", "size": len(content)}
    given = ask(room, "POST", "attachments", **body).json
    assert put(given, content) == 200
    return str(given["id"])


def put(given: Any, content: bytes) -> int:
    request = urllib.request.Request(given["url"], content, given["headers"], method=given["method"])
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_two_talk(room: Room) -> None:
    first = say(room, "Good morning")
    assert (first["number"], first["sender"], first["user_id"]) == (1, "patient", room.patient.id)
    assert say(room, "What can I do for you?", "doctor")["number"] == 2
    for side in ("patient", "doctor"):
        assert texts(hear(room, side)) == ["What can I do for you?", "Good morning"]
    session = room.session()
    assert (session.has_patient_activity, session.has_doctor_activity, session.sessions_used) == (True, True, 1)
    assert session.messages == 2
    news = hear(room, after=1)
    assert (texts(news), news["after"], news["poll_after_ms"]) == (["What can I do for you?"], 2, 0)


def test_pages_go_back_and_news_go_on(room: Room) -> None:
    for number in range(1, 6):
        say(room, f"{number}", "doctor" if number % 2 else "patient")
    newest = hear(room, limit=2)
    assert (texts(newest), newest["after"]) == (["5", "4"], 5)
    older = hear(room, limit=2, cursor=newest["next_cursor"])
    last = hear(room, limit=2, cursor=older["next_cursor"])
    assert (texts(older), texts(last), last["next_cursor"]) == (["3", "2"], ["1"], None)
    some = hear(room, after=1, limit=2)
    assert (texts(some), some["after"]) == (["2", "3"], 3)
    assert texts(hear(room, after=some["after"])) == ["4", "5"]


def test_a_message_is_said_once(room: Room) -> None:
    first = say(room, "Twice?", client_id="c1")
    assert say(room, "Twice?", client_id="c1") == first
    assert ask(room, "POST", "messages", text="Other", client_id="c1").json["code"] == "client_id_reused"
    assert say(room, "Twice?", "doctor", client_id="c1")["number"] == 2
    keyed = ask(room, "POST", "messages", key="k", text="By key")
    again = ask(room, "POST", "messages", key="k", text="By key")
    assert (again.text, again.headers["Idempotent-Replayed"]) == (keyed.text, "true")
    room.end()
    assert say(room, "Twice?", client_id="c1") == first  # its answer was lost; the session is over by now
    assert room.session().messages == 3


def test_a_message_pays_for_what_is_due(room: Room) -> None:
    say(room, "One")
    let_pass(room, 10)
    assert say(room, "Two", "doctor", client_id="c")["number"] == 2
    assert (room.session().sessions_used, room.left()) == (2, 1)
    let_pass(room, 3000)
    refused = ask(room, "POST", "messages", text="Three")
    assert (refused.status, refused.json["code"]) == (409, "session_ended")
    assert texts(hear(room)) == ["Two", "One"]


def test_what_is_refused(aws: EmbeddedAws) -> None:
    room = furnish(starts_at=now() - timedelta(minutes=1))
    other = furnish(number=1)
    assert ask(room, "POST", "messages", text="Hello?").json["code"] == "no_session"
    assert hear(room)["poll_after_ms"] == polling.COME_BACK_LATER_MS
    room.start()
    for stranger in (other.caller(), other.caller("doctor"), Caller("com_other"), Caller(COMPANY, user_id="usr_0")):
        for method, verb, fields in ASKED:
            refused = ask(room, method, verb, stranger, **fields)
            assert (refused.status, refused.json["code"]) == (404, "appointment_not_found"), (verb, stranger)
    for said in NOTHING_TO_SAY:
        assert ask(room, "POST", "messages", **said).status == 422, said
    room.end()
    for method, verb, fields in ASKED[:3]:
        refused = ask(room, method, verb, **fields)
        assert (refused.status, refused.json["code"]) == (409, "session_ended"), verb
    assert hear(room)["data"] == []


FILE: dict[str, Any] = {"name": "a.png", "content_type": "image/png", "size": 3}
NOTHING_TO_SAY: list[dict[str, Any]] = [
    {},
    {"text": " \n"},
    {"text": "x" * 4001},
    {"text": 1},
    {"attachments": ["a", "a"]},
    {"attachments": [f"att_{n}" for n in range(6)]},
]
NO_FILES: list[dict[str, Any]] = [
    {"content_type": "text/html"},
    {"size": 0},
    {"size": 2**30},
    {"name": "a/b"},
    {"name": ""},
]
ASKED: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "messages", {"text": "Hello"}),
    ("POST", "attachments", FILE),
    ("POST", "typing", {}),
    ("POST", "read", {"up_to": 1}),
    ("POST", "rating", {"rating": 5}),
    ("GET", "messages", {}),
    ("GET", "messages", {"after": 0}),
    ("GET", "rating", {}),
]


def test_an_admin_reads_and_does_not_speak(room: Room) -> None:
    _, boss = create_company(
        NewCompany("Room", id=COMPANY), Person("Boss", "boss@example.com", "correct horse battery"), now
    )
    admin = Caller(COMPANY, "*", boss.id)
    say(room, "Good morning")
    assert texts(ask(room, "GET", "messages", admin, after=0).json) == ["Good morning"]
    for method, verb, fields in ASKED[:5]:
        refused = ask(room, method, verb, admin, **fields)
        assert (refused.status, refused.json["code"]) in {(403, "not_a_participant"), (403, "not_the_patient")}


def test_that_the_end_is_near_is_not_said_when_it_has_come(room: Room) -> None:
    session = room.session()
    job = Tell(
        company_id=COMPANY, appointment_id=room.appointment.id, session_id=session.id, code="ending_soon",
        ends_at=session.next_charge_at,
    )  # fmt: skip
    context = JobContext("job", 1, False, "cor", COMPANY, room.clock)
    for minutes, said in ((10, 0), (8, 1), (8, 1)):
        room.at = session.start_time + timedelta(minutes=minutes)
        system_messages.tell(job, context)
        assert len(hear(room)["data"]) == said
    room.end()
    system_messages.tell(msgspec.structs.replace(job, ends_at=session.next_charge_at + timedelta(minutes=10)), context)
    assert len(hear(room)["data"]) == 1


def test_the_system_says_what_becomes_of_the_session(aws: EmbeddedAws) -> None:
    room = furnish(1, starts_at=now() - timedelta(minutes=1))
    room.start()
    say(room, "Good morning")
    let_pass(room, 8)
    room.at = now()
    assert room.sweep() == 1
    drain()
    soon = hear(room, after=1)["data"][0]
    assert (soon["number"], soon["sender"], soon["code"], soon["user_id"]) == (2, "system", "ending_soon", None)
    assert soon["facts"].keys() == {"ends_at"}
    let_pass(room, 2)
    room.at = now() + timedelta(minutes=1)
    room.sweep()
    drain()
    for side in ("patient", "doctor"):
        (ended,) = hear(room, side, after=2)["data"]
        assert (ended["code"], ended["facts"]) == ("ended", {"reason": "none_left", "sessions_used": 1})
    assert hear(room)["after"] == 3


def test_files_go_along(room: Room) -> None:
    attachment = upload(room)
    sent = say(room, "", attachments=[attachment])
    assert sent["attachments"][0] == {
        "id": attachment, "name": "Ausschlag ü.jpg", "content_type": "image/jpeg", "size": len(PIXEL),
        "state": "checking", "url": None,
    }  # fmt: skip
    (shown,) = hear(room, "doctor")["data"][0]["attachments"]
    assert (shown["state"], shown["url"]) == ("checking", None)
    drain()
    (shown,) = hear(room, "doctor")["data"][0]["attachments"]
    with urllib.request.urlopen(shown["url"], timeout=5) as got:
        content = got.read()
        assert (content[:3], got.headers["content-type"]) == (b"\xff\xd8\xff", "image/jpeg")
        assert b"Secret" not in content
        assert got.headers["content-disposition"].startswith("attachment;")
    again = ask(room, "POST", "messages", text="Again", attachments=[attachment])
    assert (again.status, again.json["errors"][0]["code"]) == (422, "unknown_attachment")


def test_a_file_that_lies_is_shown_as_refused(room: Room) -> None:
    page = samples.PAGE
    for told in (False, True):
        given = ask(room, "POST", "attachments", name="a.png", content_type="image/png", size=len(page)).json
        assert put(given, page) == 200
        if not told:
            say(room, "See", attachments=[given["id"]])
            drain()
            (shown,) = hear(room, "doctor")["data"][0]["attachments"]
            assert (shown["state"], shown["url"]) == ("refused", None)
        else:
            tidy(TidyFile(company_id=COMPANY, file_id=given["id"]), in_an_hour())
            drain()
            refused = ask(room, "POST", "messages", text="See", attachments=[given["id"]])
            assert (refused.status, refused.json["errors"][0]["code"]) == (422, "attachment_refused")


def test_a_file_without_a_message_is_forgotten_after_a_day(room: Room) -> None:
    kept, lost = upload(room), upload(room)
    say(room, "", attachments=[kept])
    drain()
    for file_id in (kept, lost):
        for hours in (1, 25):
            tidy(TidyFile(company_id=COMPANY, file_id=file_id), in_an_hour(hours))
            drain()
    assert find_file(COMPANY, lost) is None
    assert hear(room)["data"][0]["attachments"][0]["state"] == "ready"


def in_an_hour(hours: int = 1) -> JobContext:
    return JobContext("job", 1, False, "cor", COMPANY, lambda: now() + timedelta(hours=hours))


def test_files_that_may_not_be_sent(room: Room) -> None:
    waiting = ask(room, "POST", "attachments", **FILE).json["id"]
    of_other = upload(room)
    for sender, attachment, code in (
        (room.caller(), waiting, "not_uploaded"),
        (room.caller("doctor"), of_other, "unknown_attachment"),
        (room.caller(), "att_none", "unknown_attachment"),
    ):
        refused = ask(room, "POST", "messages", sender, text="See", attachments=[attachment])
        assert (refused.status, refused.json["errors"][0]["code"]) == (422, code)
    for fault in NO_FILES:
        assert ask(room, "POST", "attachments", **(FILE | fault)).status == 422, fault


def test_a_link_takes_one_file_of_its_type_and_size_once(room: Room) -> None:
    given = ask(room, "POST", "attachments", **FILE).json
    assert put(given, b"abcd") == 403
    assert put(given | {"headers": given["headers"] | {"Content-Type": "text/html"}}, b"abc") == 403
    assert put(given | {"headers": {"Content-Type": "image/png"}}, b"abc") == 403
    assert put(given, b"abc") == 200
    assert put(given, b"xyz") == 412


def test_each_sees_what_the_other_has_read_and_that_he_types(room: Room) -> None:
    for text in ("One", "Two"):
        say(room, text)
    for number in (2, 1):  # never back
        assert ask(room, "POST", "read", room.caller("doctor"), up_to=number).status == 204
    assert ask(room, "POST", "read", room.caller("doctor"), up_to=3).json["errors"][0]["code"] == "no_such_message"
    assert ask(room, "POST", "typing", room.caller("doctor")).status == 204
    heard = hear(room)
    assert heard["presence"]["doctor"] | {"read_at": None} == {"read_up_to": 2, "read_at": None, "typing": True}
    assert heard["presence"]["patient"] == {"read_up_to": 0, "read_at": None, "typing": False}
    news = hear(room, after=2, state="0")
    assert (news["data"], news["state"]) == ([], heard["state"])


def test_the_patient_rates_once_when_it_is_over(room: Room) -> None:
    say(room, "Thanks")
    assert ask(room, "POST", "rating", rating=5).json["code"] == "session_running"
    assert ask(room, "GET", "rating").json["code"] == "no_rating"
    room.end()
    assert ask(room, "POST", "rating", room.caller("doctor"), rating=5).json["code"] == "not_the_patient"
    for stars in (0, 6, 4.5, "5", None):
        assert ask(room, "POST", "rating", rating=stars).status == 422
    assert ask(room, "POST", "rating", rating=4, text="Kind").status == 201
    assert ask(room, "POST", "rating", rating=5).json["code"] == "already_rated"
    seen = ask(room, "GET", "rating", room.caller("doctor")).json
    assert (seen["rating"], seen["text"], seen["session_id"]) == (4, "Kind", room.session().id)
