"""Passwords: argon2id, with the same work done whether or not there is an account."""

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.core.errors import invalid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 10
LONGEST = 256
MEMORY_KIB = 12 * 1024
PASSES = 3
LANES = 1
"""One of OWASP's equal choices for argon2id: 12 MiB, three passes, one lane. It takes a third of the time
of 46 MiB in one pass, which counts where a Lambda has a fraction of one core."""
NOBODYS = "$argon2id$v=19$m=12288,t=3,p=1$RdNxTZSX6aRi/7ZotGvcXw$4UYP/fENQ9kxDalhLW3UYAcRfxWF9z4rfNlkhm8egps"
"""Checked in place of a hash that is not there; under the parameters above, which a test holds it to."""


def check_new(password: str, email: str, path: str) -> None:
    """Raises Invalid about `path` for a password too short, too long or equal to the e-mail address."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise invalid(path, "bad_password", f"A password has {SHORTEST} to {LONGEST} characters.")
    if _normal(password).casefold() == email.casefold():
        raise invalid(path, "bad_password", "The password must not be the e-mail address.")


def hash_of(password: str) -> str:
    """argon2id with a random salt, as text that carries its parameters."""
    return _hasher().hash(_normal(password))


def matches(password_hash: str | None, password: str) -> bool:
    """Whether it is the password; takes as long when there is no hash (None), and is False then."""
    from argon2.exceptions import VerificationError

    try:
        _hasher().verify(password_hash or NOBODYS, _normal(password))
    except VerificationError:
        return False
    return password_hash is not None


def rehashed(password_hash: str, password: str) -> str | None:
    """A new hash where the old one was made under other parameters, else None. Only after it matched."""
    return hash_of(password) if _hasher().check_needs_rehash(password_hash) else None


def _normal(password: str) -> str:
    # The same characters typed on another keyboard may come as other code points (NIST SP 800-63B, 5.1.1.2).
    return unicodedata.normalize("NFKC", password)


@cache
def _hasher() -> "PasswordHasher":
    # Imported here: only signing in and setting a password need it.
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
