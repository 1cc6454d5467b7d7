"""Idempotency-Key through serving: the same request again gets the same answer and changes nothing twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.core.rows import GuardRow
from tests.core.thing_endpoints import make, make_token, serve, touch_thing


def test_the_same_key_and_body_get_the_same_answer_and_act_once(made: Callable[[str], int]) -> None:
    first, second = make("a", "key-1"), make("a", "key-1")
    assert first.status == second.status == 201
    assert first.text == second.text
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert made("thing.made") == 1


def test_the_same_key_with_another_body_is_refused(made: Callable[[str], int]) -> None:
    make("a", "key-1")
    refused = make("b", "key-1")
    assert (refused.status, refused.json["code"]) == (422, "idempotency_key_reused")
    assert made("thing.made") == 1


def test_the_same_key_on_another_path_is_refused(made: Callable[[str], int]) -> None:
    paths = [{"thing_id": "thg_1"}, {"thing_id": "thg_2"}]
    answers = [serve(touch_thing, "POST", "/things/{thing_id}/touch", "key-1", pathParameters=path) for path in paths]
    assert [answer.status for answer in answers] == [204, 422]
    assert made("thing.touched") == 1


def test_an_answer_without_a_body_is_repeated_without_one(made: Callable[[str], int]) -> None:
    path = {"thing_id": "thg_1"}
    first, second = (
        serve(touch_thing, "POST", "/things/{thing_id}/touch", "key-1", pathParameters=path) for _ in range(2)
    )
    assert (first.status, first.text) == (second.status, second.text) == (204, "")
    assert second.headers["Idempotent-Replayed"] == "true"
    assert made("thing.touched") == 1


def test_keys_of_companies_and_routes_are_their_own(made: Callable[[str], int]) -> None:
    assert make("a", "key-1").status == 201
    assert make("a", "key-1", company="com_2").headers.get("Idempotent-Replayed") is None
    touched = serve(touch_thing, "POST", "/things/{thing_id}/touch", "key-1", pathParameters={"thing_id": "thg_1"})
    assert touched.status == 204
    assert made("thing.made") == 2


def test_duplicates_at_the_same_moment_act_once_and_get_one_answer(made: Callable[[str], int]) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: make("a", "key-1"), range(12)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert made("thing.made") == 1


def test_a_failed_request_does_not_use_its_key_up(made: Callable[[str], int]) -> None:
    make("a")
    assert make("a", "key-1").status == 409
    assert make("b", "key-1").status == 201


def test_an_expired_key_is_free_again(made: Callable[[str], int]) -> None:
    make("a", "key-1")
    [guard] = [row for row in GuardRow.scan() if "#idempotency#" in row.pk]
    guard.update([GuardRow.expires_at.set(1)])
    assert make("b", "key-1").status == 201
    assert made("thing.made") == 2


def test_a_route_that_keeps_no_answers_honours_no_key(made: Callable[[str], int]) -> None:
    first, second = (serve(make_token, "POST", "/tokens", "key-1") for _ in range(2))
    assert first.status == second.status == 201
    assert first.json["token"] != second.json["token"]
    assert made("token.made") == 2
    assert list(GuardRow.scan()) == []


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "\x00", "\ud800"])
def test_a_key_that_is_none_is_refused(made: Callable[[str], int], key: str) -> None:
    refused = make("a", key)
    assert (refused.status, refused.json["code"]) == (422, "bad_idempotency_key")
    assert made("thing.made") == 0
