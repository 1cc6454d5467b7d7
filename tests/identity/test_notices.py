"""What notices say, in every language."""

import pytest

from chalicelib.identity.mail_templates import _NOTICES, notice

VALUES = {"company": "Salon Rosa", "name": "Ada", "accounts": "Studio Demo S.r.l."}


@pytest.mark.parametrize("language", _NOTICES)
def test_a_notice_names_whom_and_what(language: str) -> None:
    said = notice("reconnect_accounting", language, **VALUES)
    assert "Fatture in Cloud" in said.subject
    assert all(value in said.text for value in VALUES.values())
    assert "{" not in said.subject + said.text


def test_a_language_that_is_not_spoken_is_english() -> None:
    assert notice("reconnect_accounting", "xx", **VALUES) == notice("reconnect_accounting", "en", **VALUES)
