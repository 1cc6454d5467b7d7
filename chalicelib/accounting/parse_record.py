"""Reading what Fatture in Cloud sends field by field: what is malformed counts as absent and never costs a record."""

import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from typing import Any

from chalicelib.core.errors import Invalid
from chalicelib.core.money import DECIMALS
from chalicelib.core.people import clean_email
from chalicelib.core.phones import e164

LONGEST_TEXT = 200
LONGEST_KEY = 100
MOST_MINOR_UNITS = 10**15
"""Ten thousand milliards: a number beyond it is a mistake, and sums of it stay exact in DynamoDB."""
HOME = "IT"


def text(value: Any) -> str | None:
    """Printable text without doubled space, cut at 200 characters; a number as its digits; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    plain = "".join(char if char.isprintable() else " " for char in value)
    return " ".join(plain.split())[:LONGEST_TEXT].rstrip() or None


def whole(value: Any) -> int | None:
    """A whole number, also as text or with zeros behind its point."""
    number = decimal(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def decimal(value: Any) -> Decimal | None:
    """A finite number, also as text; None for anything else, truth values included."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except DecimalException:
        return None
    return number if number.is_finite() and abs(number) < MOST_MINOR_UNITS else None


def minor_units(value: Any, currency: str) -> int | None:
    """An amount in the currency's smallest unit, half a unit rounded away from zero."""
    number = decimal(value)
    if number is None:
        return None
    units = int(number.scaleb(DECIMALS.get(currency, 2)).to_integral_value(ROUND_HALF_UP))
    return units if abs(units) < MOST_MINOR_UNITS else None


def day(value: Any) -> str | None:
    """A date as YYYY-MM-DD; of a date with time only the date."""
    try:
        return date.fromisoformat(value[:10]).isoformat() if isinstance(value, str) else None
    except ValueError:
        return None


def wall_time(value: Any) -> str | None:
    """`YYYY-MM-DD HH:MM:SS` as FIC writes it: a clock's reading in a zone it does not name."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) > len("2026-01-01") else None
    except ValueError:
        return None
    return moment.strftime("%Y-%m-%d %H:%M:%S") if moment else None


def folded(name: str) -> str:
    """A name as it is searched: without capitals and accents, at most 100 characters."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())[:LONGEST_KEY]


def vat_number(value: Any) -> str | None:
    """Letters and digits only; an Italian number with or without IT is the same."""
    code = tax_code(value)
    if code and len(code) == len("IT12345678901") and code.startswith(HOME) and code[2:].isdigit():
        return code[2:]
    return code


def tax_code(value: Any) -> str | None:
    """Letters and digits only, in capitals."""
    code = "".join(char for char in text(value) or "" if char.isascii() and char.isalnum()).upper()
    return code[:LONGEST_KEY] or None


def email(value: Any) -> str | None:
    """Lower case."""
    try:
        return clean_email(value, "email") if isinstance(value, str) else None
    except Invalid:
        return None


def phone(value: Any, country: Any = None) -> str | None:
    """E.164; a number without country code is one of `country` (ISO 3166), Italy unless given."""
    number = text(value)
    region = country.upper() if isinstance(country, str) and len(country) == len(HOME) else HOME
    try:
        return e164(number, region, "phone") if number else None
    except Invalid:
        return None


def part(value: Any) -> Mapping[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def parts(value: Any) -> list[Mapping[str, Any]]:
    """A list's objects."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
