"""Phone numbers as E.164, with the extension behind them."""

import re
from typing import Any

import msgspec

from chalicelib.core.errors import invalid

_NO_TEXTS = ("FIXED_LINE", "TOLL_FREE", "PREMIUM_RATE", "SHARED_COST", "PAGER", "UAN", "VOICEMAIL")
SHORTEST = len("+") + 7
LONGEST_TEXT = 60
_EXTENSION = re.compile(
    r"[\s,;(]*\b(?:durchwahl|dw|app(?:arat)?|interno|nebenstelle|(?:số )?máy lẻ|nhánh)\b[\s.:]*", re.I
)
"""What else than the "ext." that the library knows stands before an extension, in the languages we speak."""


class Phone(msgspec.Struct, frozen=True):
    """A number in E.164, and the digits of the extension, where there is one."""

    number: str
    extension: str | None = None


def read_phone(text: str, region: str | None, path: str) -> Phone:
    """What `text` says; a national number is read as one of `region` (ISO 3166, such as DE).

    Raises Invalid about `path` when no such number can exist.
    """
    # Imported here: its metadata would slow the start of every Lambda that only passes numbers on.
    import phonenumbers

    refused = invalid(path, "not_a_phone_number", f"{text[:LONGEST_TEXT]!r} is not a phone number.")
    if len(text) > LONGEST_TEXT:
        raise refused
    text = _EXTENSION.sub(" ext. ", text.strip())
    try:
        number = phonenumbers.parse(text, region)
        if not text.startswith("+") and (_lacks_plus(text, region) or not phonenumbers.is_valid_number(number)):
            number = _with_plus(text) or number
    except phonenumbers.NumberParseException:
        raise refused from None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # Possible, not valid: new ranges appear faster than metadata is updated. Some plans count two digits as possible.
    if not phonenumbers.is_possible_number(number) or len(written) < SHORTEST:
        raise invalid(path, "not_a_phone_number", f"{text!r} is not a possible phone number.")
    return Phone(str(written), str(number.extension) if number.extension else None)


def _lacks_plus(text: str, region: str | None) -> bool:
    """Whether a number begins with the country's own code where every national one begins with another digit."""
    import phonenumbers

    digits, trunk = phonenumbers.normalize_digits_only(text), phonenumbers.ndd_prefix_for_region(region or "", True)
    code = str(phonenumbers.country_code_for_region(region or ""))
    return trunk is not None and not digits.startswith(trunk) and digits.startswith(code)


def _with_plus(text: str) -> Any:
    """The number of whoever left out the plus before the country's code; None where that gives no valid one."""
    import phonenumbers

    try:
        number = phonenumbers.parse(f"+{text}", None)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def e164(text: str, region: str | None, path: str) -> str:
    """The number of `read_phone` alone, for whoever calls or texts it."""
    return read_phone(text, region, path).number


def takes_texts(number: str) -> bool:
    """Whether a text to the E.164 `number` may arrive: False for what is surely a landline or a service number."""
    import phonenumbers

    try:
        kind = phonenumbers.number_type(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False
    return kind not in [getattr(phonenumbers.PhoneNumberType, name) for name in _NO_TEXTS]
