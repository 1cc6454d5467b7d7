"""Names and e-mail addresses, as people type them and as we keep them."""

import re
import unicodedata

from chalicelib.core.errors import invalid

EMAIL_PATTERN = r"^\s*[!-?A-~]+@[^@\s]+\.[^@\s]+\s*$"
"""What every address looks like, for the API's description; `clean_email` looks closer."""
LONGEST_EMAIL = 254
LONGEST_NAME = 200
_LONGEST_LOCAL = 64
_LONGEST_LABEL = 63
_ATOM = r"[!#$%&'*+/=?^_`{|}~0-9a-z-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(rf"(?!-)[0-9a-z-]{{1,{_LONGEST_LABEL}}}(?<!-)")
_JOINERS = "\u200c\u200d"
"""They change how the letters around them are written, in Persian or Sinhala, and so belong to a name."""
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200e\u200f\u2060\ufeff"))
"""Soft hyphens, marks of direction, joiners of words: what copying brings along, and nobody sees."""
_JOINED = re.compile(rf"[{_JOINERS}]+")


def clean_email(text: str, path: str) -> str:
    """Lower case, without surrounding space, a domain of other letters than ASCII in punycode; as mail servers want it.

    Raises Invalid about `path` for what RFC 5321 has no address of, and for quoted or non-ASCII text before the @.
    """
    local, _, domain = text.strip().lower().rpartition("@")
    ascii_domain = _ascii_domain(domain)
    email = f"{local}@{ascii_domain}"
    if ascii_domain is None or len(email) > LONGEST_EMAIL or len(local) > _LONGEST_LOCAL or not _LOCAL.fullmatch(local):
        raise invalid(path, "not_an_email", f"{text[:LONGEST_EMAIL]!r} is not an e-mail address.")
    return email


def shown_email(email: str) -> str:
    """An address as `clean_email` gives it, its domain in the letters it is written with."""
    local, _, domain = email.rpartition("@")
    if "xn--" not in domain:
        return email
    import idna

    try:
        return f"{local}@{idna.decode(domain)}"
    except idna.IDNAError:
        return email


def clean_name(text: str, path: str) -> str:
    """Without surrounding or doubled space; raises Invalid about `path` when empty, over 200 characters or unprintable.

    A name stands in the subjects of mails, where a line break would start a header. Joiners between letters stay,
    invisible marks go, and what turns the direction of the text around it (U+202A to U+202E and the isolates) is
    refused: it would let a name read as something else.
    """
    name = _JOINED.sub(_joiner, " ".join(text.translate(_INVISIBLE).split()))
    printable = name.translate(dict.fromkeys(map(ord, _JOINERS))).isprintable()
    if not 0 < len(name) <= LONGEST_NAME or not printable:
        raise invalid(path, "bad_name", f"A name has 1 to {LONGEST_NAME} printable characters.")
    return name


def _joiner(match: re.Match[str]) -> str:
    """One joiner where letters stand on both sides of it, else nothing."""
    text, start, end = match.string, match.start(), match.end()
    between = start > 0 and end < len(text) and _is_lettering(text[start - 1]) and _is_lettering(text[end])
    return match.group()[0] if between else ""


def _is_lettering(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"


def _ascii_domain(domain: str) -> str | None:
    """In ASCII; None for what is no domain of a mail server's."""
    if not domain.isascii():
        # Imported here: it takes 80 ms, and most addresses do without.
        import idna

        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError:
            return None
    labels = domain.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not all(map(_LABEL.fullmatch, labels)):
        return None
    return domain
