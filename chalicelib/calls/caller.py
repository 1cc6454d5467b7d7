"""Who is on the line: the call as far as it is known, and the number of the person at its other end."""

import re

import msgspec

from chalicelib.calls.call import CallFacts
from chalicelib.core.inbox import PLATFORM

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_KEYS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
WITHHELD = frozenset(
    "+" + word.translate(_KEYS) for word in ("anonymous", "restricted", "unavailable", "unknown", "blocked", "private")
)
"""What Twilio gives as the number of whoever hides theirs: the word as it lies on a telephone's keys."""


class Caller(msgspec.Struct, frozen=True):
    """The call as it stands: our id of it if it is known already, whose number was called, what Retell tells."""

    call_id: str | None
    company_id: str
    branch_id: str | None
    facts: CallFacts

    @property
    def is_known_company(self) -> bool:
        """Whether the number called belongs to a company."""
        return self.company_id != PLATFORM

    @property
    def number(self) -> str | None:
        """Of the person, whoever called whom; None when it is withheld, which must never match anybody's."""
        return number_of(self.facts.to_number if self.facts.direction == "outbound" else self.facts.from_number)


def number_of(text: str | None) -> str | None:
    """A telephone number in E.164, None for anything else: nothing, `anonymous`, the stand-ins for withheld ones."""
    return text if text and _E164.fullmatch(text) and text not in WITHHELD else None
