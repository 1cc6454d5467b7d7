"""The endpoints of identity, called as API Gateway calls them: through the authorizer, each in its own Lambda."""

from typing import Any

import pytest

from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import PUBLIC
from chalicelib.identity.abilities import ABILITIES
from chalicelib.identity.passwords import LONGEST, SHORTEST
from chalicelib.identity.user import User
from infra.local.invoking import Answer
from tests.identity.office import (
    EMAIL,
    PASSWORD,
    FixedClock,
    Mailbox,
    call,
    call_authorizer,
    join,
    open_office,
)

OTHER_PASSWORD = "a wholly other sentence"
NOOR = {"email": "noor@example.com", "name": "Noor Haddad", "role": "staff"}


def log_in(email: str = EMAIL, password: str = PASSWORD) -> Answer:
    return call("POST", "/auth/login", body={"email": email, "password": password})


@pytest.fixture
def token(admin: User) -> str:
    """A login token of the admin."""
    return str(log_in().json["token"])


def test_log_in_use_the_token_log_out(admin: User) -> None:
    answer = log_in()
    assert answer.status == 200
    assert answer.json["user"]["email"] == EMAIL
    token = answer.json["token"]
    me = call("GET", "/auth/me", token)
    assert me.status == 200
    assert me.json["id"] == admin.id
    assert me.json["company"]["name"] == "Practice Dr. Keller"
    assert me.json["abilities"] == ["*"]
    assert me.json["token_id"] == answer.json["token_id"]
    assert call("POST", "/auth/logout", token).status == 204
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        call("GET", "/auth/me", token)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer pp_nothing", "pp_nothing"])
def test_the_authorizer_says_unauthorized_and_nothing_else(admin: User, header: str) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$") as refused:
        call_authorizer(header)
    assert type(refused.value) is Exception


def test_the_authorizer_lets_through_to_every_route_and_hands_on_flat_strings(admin: User, token: str) -> None:
    answer = call_authorizer(f"bearer {token}")
    assert answer["principalId"] == admin.id
    assert answer["policyDocument"]["Statement"] == [
        {
            "Action": "execute-api:Invoke",
            "Effect": "Allow",
            "Resource": ["arn:aws:execute-api:eu-central-1:123456789012:abc/api/*/*"],
        }
    ]
    assert set(answer["context"]) == {"company_id", "user_id", "token_id", "abilities"}
    assert all(isinstance(value, str) and value for value in answer["context"].values())


def test_guessing_ends_in_429_with_the_time_to_wait(admin: User) -> None:
    answers = [log_in(password="not the password") for _ in range(6)]
    assert [answer.status for answer in answers] == [401] * 5 + [429]
    assert answers[0].json["code"] == "wrong_credentials"
    assert answers[5].json["code"] == "too_many_attempts"
    assert 0 < int(answers[5].headers["Retry-After"]) <= 5
    assert answers[5].json["retry_after"] == int(answers[5].headers["Retry-After"])


def test_invite_and_join(admin: User, token: str, mailbox: Mailbox) -> None:
    key = {"idempotency-key": "invite-1"}
    first = call("POST", "/auth/invite", token, body=NOOR, headers=key)
    again = call("POST", "/auth/invite", token, body=NOOR, headers=key)
    assert (first.status, first.json["status"]) == (201, "invited")
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = call("POST", "/auth/invite", token, body=NOOR | {"name": "Someone Else"}, headers=key)
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")

    secret = mailbox.secret_after_work()
    assert len(mailbox.mails()) == 1, "the repeat mailed nobody"
    body = {"token": secret, "password": OTHER_PASSWORD}
    key = {"idempotency-key": "accept-1"}
    joined = call("POST", "/auth/accept-invite", body=body, headers=key)
    assert (joined.status, joined.json["status"]) == (200, "active")
    repeated = call("POST", "/auth/accept-invite", body=body, headers=key)
    assert (repeated.status, repeated.json) == (200, joined.json)
    changed = call("POST", "/auth/accept-invite", body=body | {"password": PASSWORD}, headers=key)
    assert (changed.status, changed.json["code"]) == (422, "idempotency_key_reused")
    assert call("POST", "/auth/accept-invite", body=body).json["code"] == "link_used"

    assert log_in(NOOR["email"], OTHER_PASSWORD).status == 200
    users = call("GET", "/api/users", token).json
    assert [user["name"] for user in users["data"]] == ["Ada Keller", "Noor Haddad"]


def test_reset_a_password(admin: User, token: str, mailbox: Mailbox) -> None:
    known = call("POST", "/auth/password-reset", body={"email": EMAIL})
    unknown = call("POST", "/auth/password-reset", body={"email": "nobody@example.com"})
    assert (known.status, known.text) == (unknown.status, unknown.text) == (202, "")
    assert known.headers.keys() == unknown.headers.keys()
    body = {"token": mailbox.secret_after_work(), "password": OTHER_PASSWORD}
    key = {"idempotency-key": "reset-1"}
    answers = [call("POST", "/auth/password-reset/confirm", body=body, headers=key) for _ in range(2)]
    assert [(answer.status, answer.text) for answer in answers] == [(204, "")] * 2
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        call("GET", "/auth/me", token)
    assert log_in().status == 401
    assert log_in(password=OTHER_PASSWORD).status == 200


def test_tokens_are_made_listed_and_revoked(admin: User, token: str) -> None:
    made = call("POST", "/auth/tokens", token, body={"name": "Reporting", "abilities": ["account:read"]})
    assert made.status == 201
    limited = made.json["token"]
    assert call("GET", "/auth/me", limited).json["abilities"] == ["account:read"]
    listed = call("GET", "/auth/tokens", token).json
    assert listed["next_cursor"] is None
    assert [each["name"] for each in listed["data"]] == ["Login", "Reporting"]
    assert all(each["last_used_at"] for each in listed["data"])
    assert not any("token" in each or "digest" in each for each in listed["data"])
    refused = call("DELETE", f"/auth/tokens/{made.json['id']}", limited)
    assert (refused.status, refused.json["code"]) == (403, "missing_ability")
    assert call("DELETE", f"/auth/tokens/{made.json['id']}", token).status == 204
    assert call("DELETE", f"/auth/tokens/{made.json['id']}", token).status == 404
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        call("GET", "/auth/me", limited)


def test_companies_do_not_see_each_other(admin: User, token: str, clock: FixedClock) -> None:
    open_office(clock, "boss@example.org", "Salon Rosa")
    strange = str(log_in("boss@example.org").json["token"])
    mine = call("GET", "/auth/tokens", token).json["data"][0]["id"]
    refused = call("DELETE", f"/auth/tokens/{mine}", strange)
    assert (refused.status, refused.json["code"]) == (404, "token_not_found")
    assert [user["email"] for user in call("GET", "/api/users", strange).json["data"]] == ["boss@example.org"]
    assert call("GET", "/auth/me", token).status == 200


def test_users_come_page_by_page_and_a_cursor_stays_at_home(
    admin: User, token: str, clock: FixedClock, mailbox: Mailbox
) -> None:
    for number in range(2):
        clock.forward(seconds=1)
        join(admin, mailbox, clock, f"user{number}@example.com", "client")
    first = call("GET", "/api/users", token, query={"limit": "2"}).json
    rest = call("GET", "/api/users", token, query={"limit": "2", "cursor": first["next_cursor"]}).json
    emails = [user["email"] for page in (first, rest) for user in page["data"]]
    assert emails == [EMAIL, "user0@example.com", "user1@example.com"]
    assert rest["next_cursor"] is None
    open_office(clock, "boss@example.org", "Salon Rosa")
    strange = str(log_in("boss@example.org").json["token"])
    refused = call("GET", "/api/users", strange, query={"cursor": first["next_cursor"]})
    assert refused.status == 422
    assert refused.json["errors"][0]["path"] == "query.cursor"


def test_a_clients_token_sees_nothing_of_the_practice(
    admin: User, clock: FixedClock, mailbox: Mailbox, aws: object
) -> None:
    join(admin, mailbox, clock, "eve@example.com", "client")
    token = str(log_in("eve@example.com").json["token"])
    assert call("GET", "/auth/me", token).status == 200
    for method, path, body in (("GET", "/api/users", None), ("POST", "/auth/invite", NOOR)):
        assert call(method, path, token, body=body).json["code"] == "missing_ability"


GOOD: dict[str, dict[str, Any]] = {
    "/auth/login": {"email": EMAIL, "password": PASSWORD},
    "/auth/invite": NOOR,
    "/auth/accept-invite": {"token": "pl_x", "password": PASSWORD, "name": "Noor"},
    "/auth/password-reset": {"email": EMAIL},
    "/auth/password-reset/confirm": {"token": "pl_x", "password": PASSWORD},
    "/auth/tokens": {"name": "Reporting", "abilities": ["calls:read"], "expires_in_days": 5},
}
WRONG: dict[str, list[Any]] = {
    "email": [
        None,
        5,
        "",
        "no mail",
        "a@b",
        "a@b.c\nBcc: d@e.f",
        "é@example.com",
        "x" * 250 + "@example.com",
        ["a@b.c"],
    ],
    "password": [None, 5, "", "x" * (LONGEST + 1), {}],
    "name": [5, "", "x" * 201, []],
    "role": [None, "owner", "", 1],
    "token": [None, 5, "", "x" * 201],
    "abilities": [None, "calls:read", [], [5], [""], ["calls:read"] * 51],
    "expires_in_days": [0, 366, 1.5, "5", None],
}
CASES = [
    (path, field, value)
    for path, body in GOOD.items()
    for field in body
    for value in WRONG[field]
    if not (path == "/auth/tokens" and field == "token")
]


@pytest.mark.parametrize("path", GOOD)
def test_every_wrong_field_is_named(admin: User, token: str, path: str) -> None:
    for _, field, value in (case for case in CASES if case[0] == path):
        answer = call("POST", path, token, body=GOOD[path] | {field: value})
        assert answer.status == 422, (field, value)
        assert any(fault["path"].startswith(f"body.{field}") for fault in answer.json["errors"]), (field, value)


@pytest.mark.parametrize("path", GOOD)
def test_missing_and_unknown_fields_are_named_together(admin: User, token: str, path: str) -> None:
    answer = call("POST", path, token, body={"unheard_of": 1})
    assert answer.status == 422
    required = {f"body.{field}" for field in GOOD[path]} - {"body.expires_in_days"}
    if path == "/auth/accept-invite":
        required.discard("body.name")
    assert {fault["path"] for fault in answer.json["errors"]} == required | {"body.unheard_of"}


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'"x"', b'{"email": "\\ud800"}'])
def test_what_is_no_json_object_is_refused(admin: User, token: str, path: str, raw: bytes) -> None:
    answer = call("POST", path, token, raw=raw)
    assert answer.status == 422
    assert answer.json["errors"][0]["path"].startswith("body")


@pytest.mark.parametrize("path", ["/auth/accept-invite", "/auth/password-reset/confirm"])
def test_new_passwords_have_ten_characters_at_least(admin: User, path: str) -> None:
    answer = call("POST", path, body=GOOD[path] | {"password": "x" * (SHORTEST - 1)})
    assert answer.status == 422
    assert answer.json["errors"][0]["path"] == "body.password"


@pytest.mark.parametrize("name", ["   ", "\u0000", "a\u202eb"])
def test_names_are_printable(admin: User, token: str, name: str) -> None:
    for path in ("/auth/invite", "/auth/tokens"):
        answer = call("POST", path, token, body=GOOD[path] | {"name": name})
        assert answer.status == 422
        assert answer.json["errors"][0]["path"] == "body.name"


def test_every_route_asks_for_a_known_ability() -> None:
    needed = {route.ability for endpoint in all_endpoints() for route in endpoint.routes} - {PUBLIC}
    assert needed <= ABILITIES
