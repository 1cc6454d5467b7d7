"""The endpoints of accounts of Fatture in Cloud, from the user's browser to the list."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from infra.local.invoking import Answer, Caller, call
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator

ADA = Caller("com_test", user_id="usr_ada")
pytestmark = pytest.mark.usefixtures("aws", "fic")


def invite() -> dict[str, str]:
    """The URL's own parts."""
    url = call("GET", "/api/fic/accounts/connect", caller=ADA).json["authorize_url"]
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()} | {"url": url}


def come_back(**query: str) -> Answer:
    return call("GET", "/api/fic/accounts/callback", query=query)


def allowed(invitation: dict[str, str]) -> dict[str, str]:
    url = invitation["url"].replace("/authorize?", "/allow?")
    back = requests.get(url, timeout=5, allow_redirects=False).headers["Location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call("GET", "/api/fic/accounts", caller=ADA).json["data"]
    return found


def test_a_user_connects_an_account_by_oauth() -> None:
    invitation = invite()
    assert invitation["redirect_uri"].endswith("/api/fic/accounts/callback")
    assert len(invitation["state"]) >= 40
    answer = come_back(**allowed(invitation), session_state="what a server may add")
    assert answer.status == 200
    assert answer.json["data"] == listed()
    (account,) = listed()
    assert (account["fic_company_id"], account["status"], account["connected_by"]) == (COMPANY, "connected", "usr_ada")


def test_nobody_comes_back_twice_or_with_another_state() -> None:
    back = allowed(invite())
    assert come_back(**back).status == 200
    for query in (back, {"state": "guessed", "code": "c/x"}):
        answer = come_back(**query)
        assert (answer.status, answer.json["code"]) == (404, "unknown_state")
        assert answer.json["errors"][0]["path"] == "query.state"


def test_a_user_who_says_no() -> None:
    answer = come_back(state=invite()["state"], error="access_denied")
    assert (answer.status, answer.json["code"]) == (403, "fic_access_denied")
    assert listed() == []


def test_a_token_made_by_hand_is_tried_kept_and_never_shown(fic: FattureInCloudSimulator) -> None:
    body = {"token": fic.manual_token, "legacy_id": 1}
    answers = [
        call("POST", "/api/fic/accounts", caller=ADA, body=body, headers={"idempotency-key": "once"}) for _ in range(2)
    ]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert (answers[0].json["kind"], answers[0].json["legacy_id"]) == ("token", 1)
    assert fic.manual_token not in answers[0].text + str(listed())


def test_a_token_that_fic_does_not_take_is_named() -> None:
    answer = call("POST", "/api/fic/accounts", caller=ADA, body={"token": "a/other"})
    assert answer.status == 422
    assert [fault["path"] for fault in answer.json["errors"]] == ["body.token"]
    assert "a/other" not in answer.text


def test_fic_that_does_not_answer_is_no_fault_of_the_clients(fic: FattureInCloudSimulator) -> None:
    fic.fault(status=500)
    answer = call("POST", "/api/fic/accounts", caller=ADA, body={"token": fic.manual_token})
    assert (answer.status, answer.json["code"]) == (503, "fic_unavailable")


@pytest.mark.parametrize("by", ["id", "legacy_id"])
def test_an_account_is_given_up_by_id_or_legacy_number(fic: FattureInCloudSimulator, by: str) -> None:
    account = call("POST", "/api/fic/accounts", caller=ADA, body={"token": fic.manual_token, "legacy_id": 7}).json
    path = f"/api/fic/accounts/{account[by]}"
    assert call("DELETE", path, caller=ADA).status == 204
    assert listed() == []
    assert call("DELETE", path, caller=ADA).status == 404
