"""Names as they are compared: words without case, accents and titles, however they are spelt and ordered."""

import re
import unicodedata

_PLAIN = str.maketrans(
    {"đ": "d", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th", "ə": "a", "ŋ": "ng"}
)
_UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"))
"""Müller is Mueller where there are no dots to write."""
_JOINERS = str.maketrans("", "", "\u200c\u200d")
_TITLES = frozenset(
    {
        *("herr", "frau", "fraulein", "hr", "fr", "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "dipl", "phd", "dds"),
        *("signor", "signora", "signore", "signorina", "sig", "sigra", "dott", "dottssa", "dottore", "dottoressa"),
    }
)
"""Nobody is told from others by them. Jr. and Sr. do, and so may the words for elder and younger in Vietnam."""
_BEHIND_A_DOT = re.compile(r"(?<=\w)\.(?=\w)")
MOST_WORDS = 12


def fold(text: str) -> str:
    """Lower case and without marks: `Zahnärzte` and `zahnaerzte` are both `zahnarzte`."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in apart if not unicodedata.combining(char)).translate(_PLAIN)
    for written, spoken in _UMLAUTS:
        plain = plain.replace(written, spoken)
    return plain


def words(name: str) -> list[str]:
    """The folded words of a name, at most twelve; titles are left out where anything else is there."""
    found = [word for word in re.split(r"[^\w]+", fold(name.translate(_JOINERS))) if any(map(str.isalpha, word))]
    # `Sig.ra` and `Dott.ssa` are one word each, other dots end one.
    joined = {fold(_BEHIND_A_DOT.sub("", part)) for part in name.translate(_JOINERS).split() if "." in part}
    split = {word for title in joined & _TITLES for word in re.split(r"[^\w]+", title) if word}
    titles = _TITLES | split
    named = [word for word in found if word not in titles]
    return (named or found)[:MOST_WORDS]
