"""Compares a signature with what each of our keys would have given, in constant time."""

import hmac
from collections.abc import Sequence


def digest(key: str, message: bytes) -> str:
    """HMAC-SHA256 as 64 lowercase hex digits."""
    return hmac.new(key.encode(), message, "sha256").hexdigest()


def matches(signature: str, message: bytes, keys: Sequence[str]) -> bool:
    """Whether any key signs `message` so; several keys are valid at once while one replaces another.

    An empty key is skipped: anybody can sign with it, and a secret that is not set yet must not open the endpoint.
    Every key is tried even after a match, so that the time taken does not tell which one it was.
    """
    found = False
    for key in keys:
        if key and hmac.compare_digest(digest(key, message).encode(), signature.encode(errors="replace")):
            found = True
    return found
