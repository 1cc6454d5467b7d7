"""Phone numbers as E.164."""

from chalicelib.core.errors import invalid

_NO_TEXTS = ("FIXED_LINE", "TOLL_FREE", "PREMIUM_RATE", "SHARED_COST", "PAGER", "UAN", "VOICEMAIL")
SHORTEST = len("+") + 7


def e164(text: str, region: str | None, path: str) -> str:
    """`text` as E.164; a national number is read as one of `region` (ISO 3166, such as DE).

    Raises Invalid about `path` when no such number can exist.
    """
    # Imported here: its metadata would slow the start of every Lambda that only passes numbers on.
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise invalid(path, "not_a_phone_number", f"{text!r} is not a phone number.") from None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # Possible, not valid: new ranges appear faster than metadata is updated. Some plans count two digits as possible.
    if not phonenumbers.is_possible_number(number) or len(written) < SHORTEST:
        raise invalid(path, "not_a_phone_number", f"{text!r} is not a possible phone number.")
    return str(written)


def takes_texts(number: str) -> bool:
    """Whether a text to the E.164 `number` may arrive: False for what is surely a landline or a service number."""
    import phonenumbers

    try:
        kind = phonenumbers.number_type(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False
    return kind not in [getattr(phonenumbers.PhoneNumberType, name) for name in _NO_TEXTS]
