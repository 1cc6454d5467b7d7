"""Ids: a short prefix and a part that sorts by the time it was made (`apt_01KAZ4…`, 12 bytes in 20 characters)."""

import os
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {character: index for index, character in enumerate(_ALPHABET)}
_LENGTH = 20


def new_id(prefix: str) -> str:
    """A new id: 48 bits of Unix milliseconds, then 48 random bits, in Crockford base 32 after the prefix."""
    raw = (time.time_ns() // 1_000_000).to_bytes(6, "big") + os.urandom(6)
    return f"{prefix}_{_encode(raw)}"


def id_bytes(identifier: str) -> bytes:
    """The 12 bytes behind an id, for packed storage; raises ValueError when it is not one of ours."""
    text = identifier.rpartition("_")[2]
    if len(text) != _LENGTH or any(character not in _VALUE for character in text):
        raise ValueError(f"{identifier!r} is not an id")
    number = 0
    for character in text:
        number = number << 5 | _VALUE[character]
    return number.to_bytes(13, "big")[-12:]


def id_from_bytes(prefix: str, raw: bytes) -> str:
    """The id whose `id_bytes` are `raw`."""
    return f"{prefix}_{_encode(raw)}"


def _encode(raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))
