"""Names and e-mail addresses, as people type them and as we keep them."""

import re

from chalicelib.core.errors import invalid

EMAIL_PATTERN = r"^\s*[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+\s*$"
"""Printable ASCII around one @ and a dot behind it: what a mail server outside of experiments accepts."""
LONGEST_EMAIL = 254
LONGEST_NAME = 200
_EMAIL = re.compile(EMAIL_PATTERN)


def clean_email(text: str, path: str) -> str:
    """Lower case, without surrounding space; raises Invalid about `path`."""
    email = text.strip().lower()
    if len(email) > LONGEST_EMAIL or not _EMAIL.match(email):
        raise invalid(path, "not_an_email", f"{text!r} is not an e-mail address.")
    return email


def clean_name(text: str, path: str) -> str:
    """Without surrounding or doubled space; raises Invalid about `path` when empty, over 200 characters or unprintable.

    A name stands in the subjects of mails, where a line break would start a header.
    """
    name = " ".join(text.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise invalid(path, "bad_name", f"A name has 1 to {LONGEST_NAME} printable characters.")
    return name
