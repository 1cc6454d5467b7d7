"""Personal values open with their own person's key alone; digests find what they are of, for one company."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core import personal
from chalicelib.core.errors import Unavailable

NEW, OLD = "n" * 40, "o" * 40


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEOPLE_KEY", OLD)
    monkeypatch.setenv("PILOT_SECRETS_FROM", "environment")


def test_what_was_sealed_opens_with_the_same_key_about_the_same(secret: None) -> None:
    key = personal.new_key()
    sealed = personal.seal(key, b"Ada", "com#cus")
    assert personal.unseal(key, sealed, "com#cus") == b"Ada"
    assert b"Ada" not in sealed
    for wrong_key, about in ((personal.new_key(), "com#cus"), (key, "com#other")):
        with pytest.raises(Unavailable, match="person_sealed"):
            personal.unseal(wrong_key, sealed, about)
    with pytest.raises(Unavailable, match="person_sealed"):
        personal.unseal(key, sealed[:-1] + bytes([sealed[-1] ^ 1]), "com#cus")


def test_a_wrapped_key_is_one_persons_of_one_company() -> None:
    key = personal.new_key()
    wrapped = personal.wrap("com", "cus", key)
    assert personal.unwrap("com", "cus", wrapped) == key
    for company, person in (("com", "cus2"), ("com2", "cus")):
        with pytest.raises(Unavailable, match="person_sealed"):
            personal.unwrap(company, person, wrapped)


def test_a_secret_is_replaced_without_losing_what_was_sealed_or_found(monkeypatch: pytest.MonkeyPatch) -> None:
    key = personal.new_key()
    wrapped, found = personal.wrap("com", "cus", key), personal.digest("com", "email", "ada@example.com")
    monkeypatch.setenv("PEOPLE_KEY", f"{NEW},{OLD}")
    assert personal.unwrap("com", "cus", wrapped) == key
    assert personal.digest("com", "email", "ada@example.com") == found
    again = personal.wrap("com", "cus", key)
    monkeypatch.setenv("PEOPLE_KEY", NEW)
    assert personal.unwrap("com", "cus", again) == key
    with pytest.raises(Unavailable, match="person_sealed"):
        personal.unwrap("com", "cus", wrapped)


@pytest.mark.parametrize("value", ["", "s" * 31])
def test_a_secret_that_is_missing_or_short_seals_nothing(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PEOPLE_KEY", value)
    with pytest.raises(Unavailable, match="not_configured"):
        personal.digest("com", "email", "ada@example.com")


def test_digests_are_of_one_company_and_one_kind() -> None:
    found = {personal.digest(company, kind, "ada") for company in ("com", "com2") for kind in ("name", "email")}
    assert len(found) == 4
    assert all(len(one) == 22 for one in found)
    assert len(personal.digest("com", "name", "ada", 8)) == 8


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(name=NAMES, other=NAMES)
def test_the_code_of_a_beginning_begins_the_code(name: str, other: str) -> None:
    code = personal.prefix_code("com", "name", name)
    assert all(code.startswith(personal.prefix_code("com", "name", name[:end])) for end in range(len(name) + 1))
    assert personal.prefix_code("com", "name", name + other).startswith(code)


def test_the_code_of_something_else_does_not() -> None:
    codes = [personal.prefix_code("com", "name", name) for name in ("ada", "adb", "bda", "a", "ab")]
    assert codes[0].startswith(codes[3])
    assert not codes[0].startswith(codes[4])
    assert len(set(codes)) == 5
    assert personal.prefix_code("com2", "name", "ada") != codes[0]
