"""Whether two names are one person's: as they are heard, spelt and ordered differently."""

import re
import unicodedata

_UNMARKED = str.maketrans({"đ": "d", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th"})
_UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"))
"""Müller is Mueller where there are no dots to write."""


def same_name(left: str, right: str) -> bool:
    """Whether both have the same words, whatever their case, accents and order; a name without letters is nobody's."""
    words = _words(left)
    return bool(words) and words == _words(right)


def _words(name: str) -> list[str]:
    apart = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(char for char in apart if not unicodedata.combining(char)).translate(_UNMARKED)
    for written, spoken in _UMLAUTS:
        plain = plain.replace(written, spoken)
    return sorted(word for word in re.split(r"[^\w]+", plain) if any(char.isalpha() for char in word))
