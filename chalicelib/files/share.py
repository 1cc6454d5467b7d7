"""A share: a link by which whoever has it may get one file, for a time, so many times, with a password if need be."""

from datetime import datetime

import msgspec

SHARE = "file_share"
"""The kind of directory key under which the digest of a link's secret leads to the share."""
MOST_SHARES = 20
"""Of one file."""
MOST_WRONG = 10
"""Passwords that may be wrong before the share is closed: whoever shares it makes another."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """`digest`: of the link's secret. `most_uses`: downloads; None: as many as are wanted until it ends.

    `uses`, `wrong`: downloads, and wrong passwords, so far.
    """

    id: str
    file_id: str
    company_id: str
    digest: str
    label: str = ""
    password_hash: str | None = None
    most_uses: int | None = None
    expires_at: datetime
    created_by: str
    created_at: datetime
    uses: int = 0
    wrong: int = 0

    def is_open(self, at: datetime) -> bool:
        """Whether it still leads to its file."""
        used_up = self.most_uses is not None and self.uses >= self.most_uses
        return at < self.expires_at and not used_up and self.wrong < MOST_WRONG
