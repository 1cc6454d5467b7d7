"""The vault: vendors' credentials, encrypted by KMS for one company and one connection, kept in clear for minutes."""

import base64
import time
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.core import aws
from chalicelib.core.errors import Unavailable
from chalicelib.core.settings import settings

KEEP_SECONDS = 300
MOST_KEPT = 1000
LONGEST_BYTES = 4096
"""KMS encrypts no more than this directly."""
_kept: dict[tuple[str, str, str], tuple[float, str]] = {}


def seal(company_id: str, connection_id: str, plain: str) -> str:
    """The credentials as text that only KMS opens, and only for this company and connection; one request."""
    answer = aws.client("kms").encrypt(
        KeyId=settings().vault_key,
        Plaintext=plain.encode(),
        EncryptionContext=_context(company_id, connection_id),
    )
    sealed = base64.b64encode(answer["CiphertextBlob"]).decode()
    _keep((company_id, connection_id, sealed), plain)
    return sealed


def unseal(company_id: str, connection_id: str, sealed: str) -> str:
    """What was sealed for this company and connection; one request, none within five minutes of the last.

    Raises Unavailable `vault_closed` for anything else: credentials of another company or connection, or damaged ones.
    """
    name = (company_id, connection_id, sealed)
    kept = _kept.get(name)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    try:
        answer = aws.client("kms").decrypt(
            KeyId=settings().vault_key,
            CiphertextBlob=base64.b64decode(sealed),
            EncryptionContext=_context(company_id, connection_id),
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise Unavailable("vault_closed", f"The credentials of {connection_id} do not open: {code}.") from None
    plain: str = answer["Plaintext"].decode()
    _keep(name, plain)
    return plain


def forget() -> None:
    """Keep nothing in clear any longer."""
    _kept.clear()


def _keep(name: tuple[str, str, str], plain: str) -> None:
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[name] = (time.monotonic() + KEEP_SECONDS, plain)


def _context(company_id: str, connection_id: str) -> dict[str, Any]:
    return {"company": company_id, "connection": connection_id}
