"""Do not contact: a number whose owner wants no calls, or no texts."""

from datetime import datetime

import msgspec


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is E.164; `reason` as staff wrote it, or `stop` when the number answered STOP."""

    number: str
    calls: bool = False
    texts: bool = False
    reason: str = ""
    created_at: datetime
    version: int = 1
