"""The vault opens what it sealed, for that company and connection alone."""

import base64
import time

import pytest

from chalicelib.core import aws as clients
from chalicelib.core import vault
from chalicelib.core.errors import Unavailable
from tests.conftest import EmbeddedAws

PLAIN = "a/secret-token-é"


def test_what_was_sealed_opens_again(aws: EmbeddedAws) -> None:
    sealed = vault.seal("com_1", "fcn_1", PLAIN)
    vault.forget()
    assert vault.unseal("com_1", "fcn_1", sealed) == PLAIN
    assert PLAIN.encode() not in base64.b64decode(sealed)
    assert sealed != vault.seal("com_1", "fcn_1", PLAIN)


@pytest.mark.parametrize(("company", "connection"), [("com_2", "fcn_1"), ("com_1", "fcn_2")])
def test_nobody_elses_place_opens_it(aws: EmbeddedAws, company: str, connection: str) -> None:
    sealed = vault.seal("com_1", "fcn_1", PLAIN)
    with pytest.raises(Unavailable) as raised:
        vault.unseal(company, connection, sealed)
    assert raised.value.code == "vault_closed"
    assert PLAIN not in str(raised.value)


def test_what_was_never_sealed_does_not_open(aws: EmbeddedAws) -> None:
    with pytest.raises(Unavailable):
        vault.unseal("com_1", "fcn_1", base64.b64encode(b"never sealed").decode())


def test_the_clear_text_is_kept_for_minutes(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = vault.seal("com_1", "fcn_1", PLAIN)
    vault.forget()
    calls: list[str] = []
    monkeypatch.setattr(clients, "call_hooks", [lambda when, name: calls.append(name) if when == "before" else None])
    for _ in range(3):
        vault.unseal("com_1", "fcn_1", sealed)
    assert calls == ["kms.Decrypt"]
    at = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: at + vault.KEEP_SECONDS + 1)
    vault.unseal("com_1", "fcn_1", sealed)
    assert calls == ["kms.Decrypt"] * 2
