"""How far the changes at Cal.com have been followed."""

from datetime import datetime

import msgspec


class CalComCursor(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that changed at Cal.com before `since` (its `updatedAt`) is applied; `seen`: what was of late."""

    since: datetime
    seen: tuple[str, ...] = ()
    version: int = 1
