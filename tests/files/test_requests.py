"""Files that are asked for: the page without script, the form to the bucket, reminders, the end."""

import re
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from chalicelib.core import due
from chalicelib.core.clock import now
from chalicelib.core.jobs import JobContext
from chalicelib.core.rows import OutboxRow
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.files import answer_request
from chalicelib.files.follow_request import follow
from chalicelib.files.jobs import FollowFileRequest, TidyFile
from chalicelib.files.tidy import tidy
from chalicelib.identity.create_company import NewCompany, Person, create_company
from infra.local.demo_people import add_person
from infra.local.invoking import Answer, Caller, call
from tests.conftest import EmbeddedAws
from tests.draining import drain
from tests.files import samples
from tests.files.uploading import COMPANY, STAFF, had, objects, used
from tests.races.together import all_decide_before_any_commits, many_at_once

BROWSER = {"accept": "text/html", "accept-language": "en"}
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Where the bucket sends the browser is what is asked for."""

    def redirect_request(self, *args: Any) -> None:
        return None


@pytest.fixture
def customer(aws: EmbeddedAws) -> str:
    person = Person("Ada", "ada@example.com", "correct horse battery")
    create_company(NewCompany("Praxis Nord", id=COMPANY), person, now)
    unit = Unit(COMPANY)
    made = add_person(unit, Contact(name="Eve", phone="+493055501001"), "test", now())
    unit.commit()
    return made.id


def request(customer: str, **fields: Any) -> Any:
    """A request with its page's path."""
    until = (now() + timedelta(days=2)).isoformat()
    body = {"customer_id": customer, "title": "Your <referral>", "expires_at": until, **fields}
    answer = call("POST", "/api/file-requests", caller=STAFF, body=body)
    assert answer.status == 201, answer
    return answer.json | {"path": answer.json["url"].removeprefix(settings().public_url)}


def press(path: str, do: str = "add", **headers: str) -> Answer:
    return call("POST", path, raw=urlencode({"do": do}).encode(), headers=BROWSER | headers)


def send(page: str, content: bytes, name: str = "C:\\scans\\Überweisung.pdf", **changed: str) -> tuple[int, str]:
    """What a browser sends when the form of the page is pressed; the status, and where it is sent on to."""
    action = re.search(r'action="([^"]+)" enctype="multipart/form-data"', page)
    assert action
    fields = {name: unescape(value) for name, value in HIDDEN.findall(page)} | changed
    boundary, body = "----browser", b""
    for field, value in fields.items():
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
    body += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'.encode(
        "latin-1", "replace"
    )
    body += b"Content-Type: application/pdf\r\n\r\n" + content + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    posted = urllib.request.Request(unescape(action[1]), body, headers, method="POST")
    try:
        with urllib.request.build_opener(NoRedirect).open(posted, timeout=5) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location") or ""


def go_on(location: str) -> Answer:
    """The browser follows."""
    parts = urlsplit(location)
    query = dict(each.split("=", 1) for each in parts.query.split("&"))
    return call("GET", parts.path, query=query, headers=BROWSER)


def files(request_id: str) -> list[Any]:
    found: list[Any] = call("GET", "/api/files", caller=STAFF, query={"request_id": request_id}).json["data"]
    return found


def events(kind: str) -> list[str]:
    return [row.data for row in OutboxRow.scan() if row.type == f"files.{kind}"]


def context(at: datetime) -> JobContext:
    return JobContext("job", 1, False, "cor", COMPANY, lambda: at)


def test_a_customer_uploads_on_the_page(customer: str) -> None:
    requested = request(customer, message="Both sides,\nplease.", kinds=["document", "image"])
    page = call("GET", requested["path"], headers=BROWSER)
    assert (page.status, "script" in page.text) == (200, False)
    assert "Your &lt;referral&gt;" in page.text
    form = press(requested["path"])
    assert form.status == 200
    bucket = urlsplit(unescape(re.search(r'action="([^"]+)" enc', form.text)[1])).netloc  # type: ignore[index]
    assert f"form-action 'self' http://{bucket}" in form.headers["Content-Security-Policy"]
    status, location = send(form.text, samples.PDF, "C:\\scans\\..\\Befund.pdf")
    assert status == 303
    back = go_on(location)
    assert (back.status, back.headers["Location"]) == (303, requested["url"])
    assert go_on(location).status == 303  # the browser's reload
    drain()
    (file,) = files(requested["id"])
    assert (file["name"], file["state"], file["source"], file["customer_id"]) == (
        "Befund.pdf", "ready", "request", customer
    )  # fmt: skip
    assert had(file["id"]) == samples.PDF
    assert used() == len(samples.PDF)
    assert "Befund.pdf" in call("GET", requested["path"], headers=BROWSER).text
    done = press(requested["path"], "finish")
    assert "Nothing more can be uploaded" in done.text
    assert press(requested["path"]).status == 409
    assert call("GET", f"/api/file-requests/{requested['id']}", caller=STAFF).json["status"] == "complete"
    assert due.of_company(COMPANY, limit=10).data[0].key.startswith("file#")


def test_what_is_sent_again_over_what_was_taken_is_not_had(customer: str) -> None:
    requested = request(customer)
    form = press(requested["path"]).text
    _, location = send(form, samples.PDF)
    go_on(location)
    drain()
    assert send(form, samples.PAGE)[0] == 303  # replayed; the bucket cannot know
    go_on(location)
    drain()
    (file,) = files(requested["id"])
    assert had(file["id"]) == samples.PDF
    tidy(TidyFile(company_id=COMPANY, file_id=file["id"]), context(now() + timedelta(hours=1)))
    assert len(objects()) == 1


def test_a_form_takes_nothing_else_and_nowhere_else(customer: str) -> None:
    form = press(request(customer)["path"]).text
    for changed in (
        {"key": "files/com_test/fil_x/obj_x/original"},
        {"key": "incoming/com_other/fil_x/upl_x"},
        {"Content-Type": "text/html"},
        {"success_action_redirect": "https://evil.example"},
        {"acl": "public-read"},
    ):
        assert send(form, samples.PDF, **changed)[0] == 403, changed
    assert objects() == {}


def test_what_is_not_wanted_is_shown_as_refused(customer: str) -> None:
    requested = request(customer, kinds=["image"])
    _, location = send(press(requested["path"]).text, samples.PDF)
    go_on(location)
    drain()
    assert [each["refusal"] for each in files(requested["id"])] == ["kind_differs"]
    assert "could not be taken: kind_differs" in call("GET", requested["path"], headers=BROWSER).text
    assert (objects(), used()) == ({}, 0)


def test_no_more_files_than_were_asked_for(customer: str) -> None:
    requested = request(customer, most_files=1)
    assert press(requested["path"]).status == 200
    refused = press(requested["path"], accept="application/json")
    assert (refused.status, refused.json["code"]) == (409, "enough_files")
    (file,) = files(requested["id"])
    tidy(TidyFile(company_id=COMPANY, file_id=file["id"]), context(now() + timedelta(minutes=26)))
    assert press(requested["path"]).status == 200  # the form that was never sent no longer counts


def test_the_last_form_is_had_once(customer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    requested = request(customer, most_files=1)
    all_decide_before_any_commits(monkeypatch, 4)
    outcomes = many_at_once(lambda _: press(requested["path"], accept="application/json").status, 4)
    assert sorted(outcomes) == [200, 409, 409, 409]
    assert len(files(requested["id"])) == 1


def test_a_link_leads_to_its_own_request_alone(customer: str) -> None:
    one, other = request(customer), request(customer)
    _, location = send(press(one["path"]).text, samples.PDF)
    file_id = files(one["id"])[0]["id"]
    foreign = call("GET", f"{other['path']}/uploaded", query={"file": file_id})
    assert (foreign.status, foreign.json["code"]) == (404, "file_not_found")
    for path in (one["path"][:-1], f"/public/file-requests/{one['id']}"):
        assert {call("GET", path).status, call("POST", path, raw=b"do=add").status} == {404}
    assert call("DELETE", f"/api/file-requests/{one['id']}", caller=STAFF).status == 204
    assert call("DELETE", f"/api/file-requests/{one['id']}", caller=STAFF).json["code"] == "file_request_over"
    assert go_on(location).status == 404
    assert press(one["path"]).status == 404
    other_company = Caller("com_other")
    assert call("GET", f"/api/file-requests/{other['id']}", caller=other_company).status == 404


def test_reminders_come_until_there_is_a_file_and_then_the_end(customer: str) -> None:
    start = now()
    times = [(start + timedelta(hours=hours)).isoformat() for hours in (20, 10)]
    requested = request(customer, remind_at=times, expires_at=(start + timedelta(hours=30)).isoformat())
    assert len(events("FileRequestLink")) == 1
    job = FollowFileRequest(company_id=COMPANY, request_id=requested["id"])
    for hours, reminders in ((5, 0), (10.1, 1), (10.2, 1)):
        follow(job, context(start + timedelta(hours=hours)))
        assert len(events("FileRequestReminder")) == reminders
    _, location = send(press(requested["path"]).text, samples.PDF)
    go_on(location)
    drain()
    follow(job, context(start + timedelta(hours=20.1)))
    assert len(events("FileRequestReminder")) == 1
    for _ in range(2):
        follow(job, context(start + timedelta(hours=30.1)))
    shown = call("GET", f"/api/file-requests/{requested['id']}", caller=STAFF).json
    assert (shown["status"], shown["reminded"], len(events("FileRequestClosed"))) == ("complete", 2, 1)


def test_a_request_nobody_answers_expires(customer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    requested = request(customer)
    later = now() + timedelta(days=2, minutes=1)
    monkeypatch.setattr("functions.files.public_pages.now", lambda: later)
    assert press(requested["path"]).status == 409
    follow(FollowFileRequest(company_id=COMPANY, request_id=requested["id"]), context(later))
    assert '"reason":"expired"' in events("FileRequestClosed")[0]
    assert "Nothing more can be uploaded" in call("GET", requested["path"], headers=BROWSER).text


def test_an_outages_reminders_are_one(customer: str) -> None:
    start = now()
    times = [(start + timedelta(hours=hours)).isoformat() for hours in (1, 2, 3)]
    requested = request(customer, remind_at=times)
    follow(FollowFileRequest(company_id=COMPANY, request_id=requested["id"]), context(start + timedelta(hours=5)))
    assert [('"number":3' in each) for each in events("FileRequestReminder")] == [True]


@pytest.mark.parametrize(
    "wrong",
    [
        {"customer_id": "cus_none"},
        {"customer_id": None},
        {"title": ""},
        {"most_files": 0},
        {"kinds": ["program"]},
        {"expires_at": (now() - timedelta(seconds=1)).isoformat()},
        {"expires_at": (now() + timedelta(days=181)).isoformat()},
        {"remind_at": [(now() + timedelta(days=3)).isoformat()]},
    ],
)
def test_what_cannot_be_asked(customer: str, wrong: dict[str, Any]) -> None:
    until = (now() + timedelta(days=2)).isoformat()
    body = {"customer_id": customer, "title": "x", "expires_at": until, **wrong}
    assert call("POST", "/api/file-requests", caller=STAFF, body=body).status == 422


def test_storage_is_kept_for_what_a_form_may_bring(customer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    requested = request(customer, kinds=["image"])
    press(requested["path"])
    assert used() == 50 * 1024 * 1024
    monkeypatch.setenv("PILOT_FILES_CAP_GB", "0.06")
    settings.cache_clear()
    assert press(requested["path"], accept="application/json").json["code"] == "storage_full"
    assert answer_request.LARGEST_BY_FORM >= 50 * 1024 * 1024
