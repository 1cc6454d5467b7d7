"""A company: whose practice this is; everything else belongs to one."""

from datetime import datetime

import msgspec


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """`language` (ISO 639-1) is what it is written to in; `country` (ISO 3166) how its national numbers are read."""

    id: str
    name: str
    language: str
    country: str
    created_at: datetime
