"""Personal values: sealed under a key of each person's own, which erasing them destroys, and found by keyed digests.

A person's key is kept beside what it seals, wrapped for their company and id by a key that follows from the secret
`people_key`. Digests are keyed for one company and one kind of value. docs/decisions/0038-people.md says why.
"""

import base64
import hmac
import os
from functools import lru_cache

from chalicelib.core.errors import Unavailable
from chalicelib.core.secrets import secrets_of

SECRET = "people_key"  # noqa: S105 - its name
SHORTEST_SECRET = 32
_NONCE = 12
_CODE_CHARACTERS = 2
"""Of a prefix code, for each character: 4,096 values, so few prefixes share one by chance."""


def new_key() -> bytes:
    """A key for one person."""
    return os.urandom(32)


def wrap(company_id: str, person_id: str, key: bytes) -> bytes:
    """A person's key as it is kept; 60 bytes."""
    return seal(_derived(_secrets()[0], company_id, "wrap"), key, f"{company_id}#{person_id}")


def unwrap(company_id: str, person_id: str, wrapped: bytes) -> bytes:
    """The key that was wrapped for this person; raises Unavailable `person_sealed` when no secret of ours opens it."""
    for known in _secrets():
        try:
            return unseal(_derived(known, company_id, "wrap"), wrapped, f"{company_id}#{person_id}")
        except Unavailable:
            continue
    raise Unavailable("person_sealed", f"The key of {person_id} does not open; is the secret {SECRET} the right one?")


def seal(key: bytes, plain: bytes, about: str) -> bytes:
    """`plain`, encrypted and authenticated (AES-256-GCM) as being `about` that."""
    # Imported here, as it takes 30 ms, for what neither seals nor unseals.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, about.encode())


def unseal(key: bytes, sealed: bytes, about: str) -> bytes:
    """What was sealed; raises Unavailable `person_sealed` for another key, another `about` or a damaged value."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode())
    except InvalidTag:
        raise Unavailable("person_sealed", f"What is kept of {about} does not open.") from None


def digest(company_id: str, kind: str, text: str, characters: int = 22) -> str:
    """A keyed digest of `text`, the same for the same company and kind: `characters` (at most 43) of six bits each."""
    return _text(hmac.digest(_digest_key(company_id, kind), text.encode(), "sha256"))[:characters]


def prefix_code(company_id: str, kind: str, text: str) -> str:
    """A keyed code of `text` that begins with the code of each of its beginnings, two characters for each of its own.

    Two texts may have the same code, though hardly by chance: whoever finds by it compares what was found.
    """
    key = _digest_key(company_id, kind)
    beginnings = (text[: end + 1].encode() for end in range(len(text)))
    return "".join(_text(hmac.digest(key, each, "sha256"))[:_CODE_CHARACTERS] for each in beginnings)


def _secrets() -> tuple[str, ...]:
    """Newest first. What is sealed anew is sealed by the first; digests are by the last, or nothing would be found."""
    found = secrets_of(SECRET)
    if min(map(len, found)) < SHORTEST_SECRET:
        raise Unavailable("not_configured", f"The secret {SECRET} has fewer than {SHORTEST_SECRET} characters.")
    return found


def _digest_key(company_id: str, kind: str) -> bytes:
    return _derived(_secrets()[-1], company_id, f"find {kind}")


@lru_cache(maxsize=1000)
def _derived(secret: str, company_id: str, purpose: str) -> bytes:
    # HKDF's expansion to one block: the secret is random already, so nothing has to be extracted.
    return hmac.digest(secret.encode(), f"{purpose}#{company_id}".encode() + b"\x01", "sha256")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
