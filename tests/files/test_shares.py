"""Links to files: with and without a password, counted, ended, taken back, guessed, forwarded."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.core.clock import now
from chalicelib.core.settings import settings
from chalicelib.files import share_file
from chalicelib.files.share import MOST_WRONG
from chalicelib.identity import passwords
from chalicelib.identity.create_company import NewCompany, Person, create_company
from infra.local.invoking import Answer, Caller, call
from tests.conftest import EmbeddedAws
from tests.files import samples
from tests.files.uploading import COMPANY, STAFF, get, upload
from tests.races.together import many_at_once

BROWSER = {"accept": "text/html,*/*", "accept-language": "de-DE,de;q=0.9"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def file_id(aws: EmbeddedAws) -> str:
    person = Person("Ada", "ada@example.com", "correct horse battery")
    create_company(NewCompany("Praxis <b>Nord</b>", id=COMPANY), person, now)
    return str(upload(samples.PDF, "application/pdf", name="Befund.pdf")["id"])


def share(file_id: str, **fields: Any) -> Any:
    """A share with its link's path."""
    body = {"expires_at": (now() + timedelta(hours=1)).isoformat(), **fields}
    answer = call("POST", f"/api/files/{file_id}/shares", caller=STAFF, body=body)
    assert answer.status == 201, answer
    return answer.json | {"path": answer.json["url"].removeprefix(settings().public_url)}


def press(path: str, password: str | None = None, **headers: str) -> Answer:
    """The page's button."""
    raw = urlencode({"password": password}).encode() if password is not None else b""
    return call("POST", path, raw=raw, headers=FORM | headers)


def shares(file_id: str) -> Any:
    return call("GET", f"/api/files/{file_id}/shares", caller=STAFF).json


def test_who_has_the_link_gets_the_file(file_id: str) -> None:
    made = share(file_id, label="for the GP")
    page = call("GET", made["path"], headers=BROWSER)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Befund.pdf" in page.text
    assert "Praxis &lt;b&gt;Nord&lt;/b&gt; teilt eine Datei" in page.text
    for name, value in (("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"), ("X-Frame-Options", "DENY")):
        assert page.headers[name] == value
    assert "script" not in page.text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    pressed = press(made["path"])
    assert pressed.status == 303
    status, content, headers = get(pressed.headers["Location"])
    assert (status, content) == (200, samples.PDF)
    assert headers["content-disposition"].startswith("attachment;")
    assert "X-Amz-Expires=60" in pressed.headers["Location"]
    (listed,) = shares(file_id)
    assert (listed["uses"], listed["open"], listed["label"]) == (1, True, "for the GP")
    assert not {"url", "digest", "password_hash"} & set(listed)


def test_looking_takes_nothing_away_and_getting_does(file_id: str) -> None:
    made = share(file_id, most_uses=1)
    for _ in range(3):
        assert call("GET", made["path"]).status == 200
    assert press(made["path"]).status == 303
    for answer in (press(made["path"]), call("GET", made["path"])):
        assert (answer.status, answer.json["code"]) == (404, "share_not_found")
    assert shares(file_id)[0]["open"] is False


def test_a_forwarded_link_wants_its_password(file_id: str) -> None:
    made = share(file_id, password="correct horse")
    assert 'type="password"' in call("GET", made["path"], headers=BROWSER).text
    assert press(made["path"]).json["code"] == "wrong_password"
    wrong = press(made["path"], "wrong <i>", **BROWSER)
    assert (wrong.status, "Das Passwort ist falsch" in wrong.text) == (403, True)
    assert press(made["path"], "correct horse").status == 303
    assert shares(file_id)[0]["uses"] == 1


def test_a_password_is_guessed_ten_times_and_no_more(file_id: str) -> None:
    made = share(file_id, password="correct horse")
    assert press(made["path"], "correct horse").status == 303  # counts as no guess
    outcomes = [press(made["path"], f"guess {number}").status for number in range(MOST_WRONG + 1)]
    assert outcomes == [403] * MOST_WRONG + [404]
    assert press(made["path"], "correct horse").status == 404


def test_many_guesses_at_once_are_no_more_than_one_by_one(file_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = share(file_id, password="correct horse")
    tried: list[str] = []

    def matches(kept: str | None, given: str) -> bool:
        tried.append(given)
        return False

    monkeypatch.setattr(passwords, "matches", matches)
    outcomes = many_at_once(lambda number: press(made["path"], f"guess {number}").status, 16)
    assert sorted(outcomes) == [403] * MOST_WRONG + [404] * (16 - MOST_WRONG)
    assert len(tried) == MOST_WRONG


def test_the_last_download_is_had_once(file_id: str) -> None:
    made = share(file_id, most_uses=2)
    outcomes = many_at_once(lambda _: press(made["path"]).status, 8)
    assert sorted(outcomes) == [303] * 2 + [404] * 6


def test_links_that_end_are_taken_back_or_guessed_lead_nowhere(file_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, revoked, standing = (share(file_id) for _ in range(3))
    assert call("DELETE", f"/api/files/{file_id}/shares/{revoked['id']}", caller=STAFF).status == 204
    assert call("DELETE", f"/api/files/{file_id}/shares/{revoked['id']}", caller=STAFF).status == 404
    guessed = standing["path"][:-1] + ("a" if standing["path"][-1] != "a" else "b")
    for path in (revoked["path"], guessed, f"/public/shares/{standing['id']}"):
        assert {call("GET", path).status, press(path).status} == {404}
    page = call("GET", guessed, headers=BROWSER)
    assert (page.status, "Dieser Link führt nirgendwohin" in page.text) == (404, True)
    monkeypatch.setattr("functions.files.public_pages.now", lambda: now() + timedelta(hours=2))
    assert {call("GET", ended["path"]).status, press(ended["path"]).status} == {404}


def test_a_deleted_file_is_shared_no_longer(file_id: str) -> None:
    made = share(file_id)
    assert call("DELETE", f"/api/files/{file_id}", caller=STAFF).status == 204
    assert press(made["path"]).status == 404
    assert call("POST", f"/api/files/{file_id}/restore", caller=STAFF).status == 200
    assert press(made["path"]).status == 303


def test_a_shared_image_tells_nothing_of_its_place(aws: EmbeddedAws) -> None:
    image = upload(samples.photo(), "image/jpeg", name="arm.jpg")
    content = get(press(share(image["id"])["path"]).headers["Location"])[1]
    assert content.startswith(b"\xff\xd8\xff")
    assert b"Secret" not in content


@pytest.mark.parametrize(
    "wrong",
    [
        {"expires_at": (now() - timedelta(seconds=1)).isoformat()},
        {"expires_at": (now() + timedelta(days=91)).isoformat()},
        {"expires_at": "2031-01-01T00:00:00"},
        {"password": "short"},
        {"most_uses": 0},
        {"label": "x" * 101},
    ],
)
def test_what_cannot_be_a_share(file_id: str, wrong: dict[str, Any]) -> None:
    body = {"expires_at": (now() + timedelta(hours=1)).isoformat(), **wrong}
    assert call("POST", f"/api/files/{file_id}/shares", caller=STAFF, body=body).status == 422
    assert shares(file_id) == []


def test_a_file_has_so_many_shares(file_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share_file, "MOST_SHARES", 1)
    share(file_id)
    body = {"expires_at": (now() + timedelta(hours=1)).isoformat()}
    refused = call("POST", f"/api/files/{file_id}/shares", caller=STAFF, body=body)
    assert refused.json["code"] == "too_many_shares"
    other = Caller("com_other")
    assert call("POST", f"/api/files/{file_id}/shares", caller=other, body=body).json["code"] == "file_not_found"
