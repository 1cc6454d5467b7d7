"""Names of files as people and machines give them, made harmless."""

import re
import unicodedata

LONGEST = 180
UNNAMED = "file"
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)


def clean(name: str) -> str:
    """The last part of a path, without what moves the cursor, hides or directs text; at most 180 characters.

    Never empty: a name of nothing else is `file`.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    seen = "".join(character if _visible(character) else " " for character in last)
    seen = re.sub(r'[<>:"|?*]', "_", " ".join(seen.split())).strip(". ")
    if not seen:
        return UNNAMED
    if _RESERVED.match(seen):
        seen = f"_{seen}"
    stem, dot, ending = seen.rpartition(".")
    if len(seen) <= LONGEST:
        return seen
    return f"{stem[: LONGEST - len(ending) - 1]}.{ending}" if dot and len(ending) <= 10 else seen[:LONGEST]


def _visible(character: str) -> bool:
    # Cc: controls; Cf: marks of direction among them; Cs, Co, Cn: half characters, private and unknown ones.
    return unicodedata.category(character)[0] != "C" or character in "‌‍"
