"""Amounts of money for people; everywhere else they are whole minor units with a currency."""

from decimal import Decimal
from typing import Annotated

import msgspec

Minor = Annotated[int, msgspec.Meta(ge=0, le=100_000_000)]
"""An amount in the smallest unit of its currency, as a practice names it."""
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
"""As in ISO 4217."""
DECIMALS = {"BHD": 3, "CLP": 0, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "OMR": 3, "TND": 3, "VND": 0}
"""How many decimals a currency has, where it is not two (ISO 4217)."""


def major_units(amount: int, currency: str) -> Decimal:
    """The amount in whole units, with the currency's decimals."""
    return Decimal(amount).scaleb(-DECIMALS.get(currency, 2))


def written(amount: int, currency: str, mark: str = ".") -> str:
    """`20.00 EUR`, with the decimal mark of a language; `900 JPY`."""
    return f"{major_units(amount, currency)} {currency}".replace(".", mark)
